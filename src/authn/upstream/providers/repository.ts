import type { Knex } from 'knex';
import { type Database, setTenants } from '../../../platform/db/index.ts';
import type { ClientAuthentication, ProviderKind } from './provider.ts';

export interface ProviderRow {
  id: string;
  organization_id: string | null;
  name: string;
  display_name: string;
  kind: ProviderKind;
  issuer: string | null;
  client_id: string;
  client_secret_sealed: string | null;
  client_authentication: ClientAuthentication;
  scopes: string[];
  trusted_domains: string[];
  trusts_factors: boolean;
  allows_sign_up: boolean;
  is_enabled: boolean;
  version: number;
  created_at: Date;
  updated_at: Date;
}

type Written = Omit<ProviderRow, 'id' | 'organization_id' | 'name' | 'version' | 'created_at'>;

export interface ProviderRepository {
  find(id: string): Promise<ProviderRow | undefined>;
  /** @param isOwned without the deployment's own */
  list(limit: number, after: string | undefined, isOwned: boolean): Promise<ProviderRow[]>;
  /** False when the name is taken. */
  insert(row: Omit<ProviderRow, 'version'>): Promise<boolean>;
  /** Counts the version up; false when it is not the one that was read. */
  update(id: string, version: number, change: Written): Promise<boolean>;
  remove(id: string): Promise<boolean>;
  organizationExists(id: string): Promise<boolean>;
}

const json = <Row extends { scopes: string[]; trusted_domains: string[] }>({ scopes, trusted_domains, ...rest }: Row) => ({
  ...rest,
  scopes: JSON.stringify(scopes),
  trusted_domains: JSON.stringify(trusted_domains),
});

/** @param trx with its tenants set */
export const createProviderRepository = (trx: Knex): ProviderRepository => ({
  find: (id) => trx('upstream_providers').where({ id }).first(),
  list: async (limit, after, isOwned) => {
    const query = trx('upstream_providers').orderBy('id').limit(limit);
    if (isOwned) query.whereNotNull('organization_id');
    return await (after === undefined ? query : query.where('id', '>', after));
  },
  insert: async (row) =>
    (await trx('upstream_providers').insert(json(row)).onConflict('name').ignore().returning('id')).length === 1,
  update: async (id, version, change) =>
    (await trx('upstream_providers')
      .where({ id, version })
      .update({ ...json(change), version: trx.raw('version + 1') })) === 1,
  remove: async (id) => (await trx('upstream_providers').where({ id }).delete()) === 1,
  organizationExists: async (id) => (await trx('organizations').where({ id }).first('id')) !== undefined,
});

export interface OfferedProviders {
  /** For sign-ins: enabled, and of no suspended organization. */
  byName(name: string): Promise<ProviderRow | undefined>;
  /** The deployment's own, and those of the organization that has the client. */
  forClient(clientId: string): Promise<ProviderRow[]>;
}

/** Looked up on behalf of whoever signs in: in all organizations. */
export const createOfferedProviders = (database: Database): OfferedProviders => {
  const enabled = (trx: Knex.Transaction) =>
    trx('upstream_providers')
      .leftJoin('organizations', 'organizations.id', 'upstream_providers.organization_id')
      .where('upstream_providers.is_enabled', true)
      .whereRaw(`coalesce(organizations.status, 'active') = 'active'`)
      .select('upstream_providers.*');
  const reading = <Result>(work: (trx: Knex.Transaction) => Promise<Result>): Promise<Result> =>
    database.transaction(async (trx) => {
      await setTenants(trx, 'all');
      return await work(trx);
    });
  return {
    byName: (name) => reading((trx) => enabled(trx).where('upstream_providers.name', name).first()),
    forClient: (clientId) =>
      reading((trx) =>
        enabled(trx)
          .andWhere((query) => {
            const owner = trx('clients').where({ client_id: clientId }).select('organization_id');
            query.whereNull('upstream_providers.organization_id').orWhereIn('upstream_providers.organization_id', owner);
          })
          .orderBy('upstream_providers.display_name'),
      ),
  };
};
