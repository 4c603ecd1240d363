import type { Knex } from 'knex';

/** Whose rows a piece of work may touch: of these organizations (and the deployment's own, to read), or of all. */
export type TenantScope = 'all' | readonly string[];

/** For the rest of the transaction (row-level security, TN-05); without it no row of any organization is there. */
export const setTenants = async (trx: Knex.Transaction, scope: TenantScope): Promise<void> => {
  // An empty list is none, and `none` is no organization's id.
  const value = scope === 'all' ? '*' : scope.join(',') || 'none';
  await trx.raw(`select set_config('app.tenants', ?, true)`, [value]);
};

/** The same for one piece of work within a transaction; what held before holds again afterwards. */
export const withTenants = async <Result>(
  trx: Knex.Transaction,
  scope: TenantScope,
  work: () => Promise<Result>,
): Promise<Result> => {
  const { rows } = await trx.raw(`select current_setting('app.tenants', true) as tenants`);
  await setTenants(trx, scope);
  const result = await work();
  await trx.raw(`select set_config('app.tenants', ?, true)`, [rows[0]?.tenants ?? '']);
  return result;
};

/** A repository for reads that begin before it is known for whom: each call is a transaction of its own that sees every tenant. */
export const inAllTenants = <Repository extends object>(
  { transaction }: { transaction<Result>(work: (trx: Knex.Transaction) => Promise<Result>): Promise<Result> },
  create: (trx: Knex.Transaction) => Repository,
): Repository =>
  new Proxy({} as Repository, {
    get: (_target, name) => {
      // Whoever awaits it is told that it is no promise.
      if (name === 'then') return undefined;
      return (...input: unknown[]): Promise<unknown> =>
        transaction(async (trx) => {
          await setTenants(trx, 'all');
          const call = Reflect.get(create(trx), name) as (...input: unknown[]) => Promise<unknown>;
          return await call(...input);
        });
    },
  });
