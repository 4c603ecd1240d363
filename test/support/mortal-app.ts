/**
 * The whole application in a process that ends itself by SIGKILL right before or right after its N-th statement (F-11). Only this process
 * of the tests can do so: the product has no such switch. Settings come by the environment, orders by IPC.
 */

import { useCompileCache } from '../../src/compile-cache.ts';

useCompileCache();
const { loadConfig } = await import('../../src/platform/config/index.ts');
const { openDatabase } = await import('../../src/platform/db/index.ts');
const { createApp } = await import('../../src/app.ts');
const { invariantFindings } = await import('../../src/cli/invariants/index.ts');

/** What the parent may say. */
export type Order = { do: 'arm'; at: number; when: 'before' | 'after' } | { do: 'count' } | { do: 'calm' } | { do: 'invariants' };
export type Word = { ready: true; broken: string[] } | { count: number } | { broken: string[] };

const { CLOCK_AHEAD_SECONDS: ahead = '0', ...env } = process.env as Record<string, string>;
const clock = { now: () => new Date(Date.now() + Number(ahead) * 1000) };
const config = loadConfig({ env, cwd: env.DATA_DIR ?? '.' });
const database = await openDatabase({
  databaseUrl: config.databaseUrl,
  dataDir: config.dataDir,
  poolMax: config.databasePoolMax,
});

let count = 0;
let armed: Extract<Order, { do: 'arm' }> | undefined;
const sent = new Set<string>();
const strike = (when: 'before' | 'after', id: string): void => {
  if (when === 'before') {
    count += 1;
    sent.add(id);
  } else if (!sent.delete(id)) return;
  if (armed?.when === when && count >= armed.at) process.kill(process.pid, 'SIGKILL');
};
database.knex.on('query', ({ __knexQueryUid: id }: { __knexQueryUid: string }) => strike('before', id));
database.knex.on('query-response', (_answer: unknown, { __knexQueryUid: id }: { __knexQueryUid: string }) => strike('after', id));

const broken = async (attempts = 5): Promise<string[]> => {
  try {
    const findings = await invariantFindings({ database, clock });
    return findings.filter(({ state }) => state === 'failed').map(({ check, message }) => `${check} ${message}`);
  } catch (error) {
    // On a loaded machine the one connection may be busy for longer than a question waits for it.
    if (attempts > 1) return await broken(attempts - 1);
    throw error;
  }
};
const say = (word: Word): void => void process.send?.(word);

const found = await broken();
const app = await createApp(config, { database, passwordCost: 4, clock });
await app.listen();
process.on('message', async (order: Order) => {
  if (order.do === 'arm') {
    count = 0;
    armed = order;
  }
  if (order.do === 'calm') await database.knex('failure_counters').del();
  say(order.do === 'invariants' ? { broken: await broken() } : { count });
});
// The test that started this process is gone.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
say({ ready: true, broken: found });
