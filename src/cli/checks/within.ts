import type { Foundation } from '../../foundation.ts';
import type { ExaminedKey } from '../../oidc/index.ts';
import { type Inspection, inspect, ownRelease } from '../../platform/db/index.ts';
import { type Finding, failed, guarded, ok, warning } from './finding.ts';

type Reach = Pick<Foundation, 'database' | 'envelope' | 'clock' | 'outbox'>;

const oldestVersion = 140_000;
const daySeconds = 86_400;

const versionOf = ({ version }: Inspection): Finding => {
  const words = `PostgreSQL ${Math.floor(version / 10_000)}.${version % 10_000}`;
  if (version >= oldestVersion) return ok('database', `reachable, ${words}`);
  return failed('database', `${words} is too old`, 'Use PostgreSQL 14 or later');
};

const schemaOf = ({ completed, pending, unknown, release }: Inspection): Finding => {
  const newer = `of a newer version: ${unknown.join(', ')}`;
  if (release > ownRelease + 1) return failed('schema', newer, 'Start the newer version, or restore the backup from before');
  if (pending.length > 0)
    return failed('schema', `${pending.length} migrations wait`, 'castellan migrate up, or start this version');
  if (unknown.length > 0) return warning('schema', newer, 'This version goes on serving; start the newer one everywhere');
  return ok('schema', `up to date, ${completed.length} migrations`);
};

/** Schema and role; `isFresh` says that no start has been there, which is no fault. */
export const schemaFindings = (inspection: Inspection): Finding[] => {
  const isFresh = inspection.completed.length === 0;
  if (isFresh) return [versionOf(inspection), ok('schema', 'empty: the first start makes it')];
  const role = inspection.hasRole
    ? ok('role', 'castellan_app is there and may be taken')
    : failed('role', 'the user of DATABASE_URL is no member of castellan_app', 'grant castellan_app to that user');
  return [versionOf(inspection), schemaOf(inspection), role];
};

const clockFinding = ({ now }: Inspection, ours: Date): Finding => {
  const seconds = Math.abs(now.getTime() - ours.getTime()) / 1000;
  const words = `${seconds.toFixed(1)} s between this machine and the database`;
  if (seconds < 2) return ok('clock', words);
  return (seconds < 30 ? warning : failed)('clock', words, 'Run a time service (NTP) on both');
};

const unreadable = (keys: readonly ExaminedKey[]): Finding => {
  const closed = keys.filter(({ isReadable }) => !isReadable);
  if (closed.length === 0) return ok('master key', `opens all ${keys.length} stored keys`);
  const remedy = 'Give the MASTER_KEY that sealed them as well: MASTER_KEY=new,old';
  if (closed.some(({ state }) => state === 'active')) return failed('master key', 'does not open the keys in use', remedy);
  return warning('master key', `does not open ${closed.map(({ kid }) => kid).join(', ')}, which are left out`, remedy);
};

const keyFindings = (keys: readonly ExaminedKey[], now: Date): Finding[] => {
  if (keys.length === 0) return [ok('signing keys', 'none yet: the first start makes them')];
  const algorithms = [...new Set(keys.map(({ alg }) => alg))];
  const has = (alg: string, state: string): boolean => keys.some((key) => key.alg === alg && key.state === state);
  const idle = algorithms.filter((alg) => !has(alg, 'active'));
  const old = keys.filter(
    ({ state, activatedAt }) =>
      state === 'active' && activatedAt && now.getTime() - activatedAt.getTime() > 100 * daySeconds * 1000,
  );
  const state =
    idle.length > 0
      ? failed('signing keys', `no active key for ${idle.join(', ')}`, `castellan keys rotate --alg ${idle[0]}`)
      : old.length > 0
        ? warning('signing keys', `${old.length} are older than 100 days: the rotation job does not run`, 'castellan keys rotate')
        : ok('signing keys', `an active key for ${algorithms.join(', ')}`);
  return [unreadable(keys), state];
};

const outboxFindings = async ({ outbox }: Reach): Promise<Finding[]> => {
  const dead = await outbox.list({ state: 'dead', limit: 100 });
  if (dead.length === 0) return [ok('outbox', 'nothing was given up')];
  const topics = [...new Set(dead.map(({ topic }) => topic))].join(', ');
  return [
    warning('outbox', `${dead.length} entries were given up (${topics})`, 'castellan outbox list --state dead, then retry'),
  ];
};

/** Keys and outbox of a database whose schema is ours. */
export const contentFindings = async (reach: Reach): Promise<Finding[]> => [
  ...(await guarded('signing keys', async () => {
    const { examineKeys } = await import('../../oidc/index.ts');
    return keyFindings(await examineKeys(reach.database, reach.envelope), reach.clock.now());
  })),
  ...(await guarded('outbox', () => outboxFindings(reach))),
];

/** Everything that is found out through the database. Also asked of the running server that owns it. */
export const findingsWithin = async (reach: Reach): Promise<Finding[]> => {
  const inspection = await inspect(reach.database.knex);
  const clock = reach.database.engine === 'postgres' ? [clockFinding(inspection, reach.clock.now())] : [];
  return [...schemaFindings(inspection), ...clock, ...(await contentFindings(reach))];
};
