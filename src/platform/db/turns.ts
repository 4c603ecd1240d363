import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from './database.ts';

// Any constants will do: they name the lock among all users of the database server.
const startLock = [7_203_551, 2] as const;
const pauseMs = 50;
const longestMs = 300_000;

/**
 * Runs what a start writes (built-in rows, seeds, the bootstrap file, first people) in one process at a time, so that replicas which
 * start together find each other's rows. The lock belongs to a database session and dies with it (security-cases F-20).
 */
export const inTurn = async <Result>({ engine, knex }: Database, work: () => Promise<Result>): Promise<Result> => {
  if (engine === 'embedded') return await work();
  const connection = await knex.client.acquireConnection();
  const ask = async (sql: string): Promise<boolean> =>
    (await knex.raw(`select ${sql}(?, ?) as done`, [...startLock]).connection(connection)).rows[0].done;
  try {
    const since = performance.now();
    while (!(await ask('pg_try_advisory_lock'))) {
      if (performance.now() - since > longestMs) throw new Error('another process has been starting for five minutes');
      await sleep(pauseMs);
    }
    try {
      return await work();
    } finally {
      await ask('pg_advisory_unlock');
    }
  } finally {
    await knex.client.releaseConnection(connection);
  }
};
