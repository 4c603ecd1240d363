import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { InTransaction } from '../ports.ts';
import { isRetryable } from './failures.ts';

type Hook = () => void | Promise<void>;

const hooks = new WeakMap<Knex.Transaction, Hook[]>();

/** Runs `hook` once the transaction has committed, before its caller goes on; never after a rollback. */
export const afterCommit = (trx: Knex.Transaction, hook: Hook): void => {
  const list = hooks.get(trx);
  if (!list) throw new Error('afterCommit needs a transaction of inTransaction');
  list.push(hook);
};

const retries = 3;

/** A serialization failure or deadlock of what is a transaction of its own is tried again up to three times with jitter (F-04). */
export const retried = async <Result>(run: () => Promise<Result>): Promise<Result> => {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (attempt === retries || !isRetryable(error)) throw error;
      await sleep(Math.random() * 20 * (attempt + 1));
    }
  }
};

const runOnce = async <Result>(knex: Knex, work: (trx: Knex.Transaction) => Promise<Result>): Promise<Result> => {
  const pending: Hook[] = [];
  const result = await knex.transaction(async (trx) => {
    hooks.set(trx, pending);
    return await work(trx);
  });
  for (const hook of pending) await hook();
  return result;
};

/** One transaction, run again where it may be. */
export const runTransaction = <Result>(knex: Knex, work: (trx: Knex.Transaction) => Promise<Result>): Promise<Result> =>
  retried(() => runOnce(knex, work));

/**
 * Binds repositories to a transaction: `createInTransaction(db, (trx) => ({ users: createUserRepository(trx), audit: auditIn(trx) }))`.
 */
export const createInTransaction =
  <Repositories>(
    database: { transaction<Result>(work: (trx: Knex.Transaction) => Promise<Result>): Promise<Result> },
    bind: (trx: Knex.Transaction) => Repositories,
  ): InTransaction<Repositories> =>
  (work) =>
    database.transaction((trx) => work(bind(trx)));
