import type { Database } from '../db/index.ts';
import type { Clock } from '../ports.ts';
import type { Jobs } from './jobs.ts';

export interface UpkeepDeps {
  jobs: Jobs;
  database: Database;
  clock: Clock;
  /** Purge of the outbox. */
  outbox: { purge(): Promise<number> };
}

const hour = 3600;
const day = 24 * hour;
/** Rows that say themselves until when they count. */
const expiring = [
  ['failure_counters', 'window_ends_at'],
  ['replay_ids', 'expires_at'],
  ['idempotency_keys', 'expires_at'],
  ['revoked_tokens', 'expires_at'],
  ['authentication_flows', 'expires_at'],
  ['webauthn_challenges', 'expires_at'],
  ['trusted_devices', 'expires_at'],
  ['tickets', 'expires_at'],
  ['known_devices', 'expires_at'],
  ['upstream_flows', 'expires_at'],
] as const;
const batch = 5000;

/** Small transactions: a purge never holds many rows, and what it deletes nobody reads any more. */
const purge = async ({ knex }: Database, table: string, column: string, before: Date, signal: AbortSignal): Promise<void> => {
  for (let deleted = batch; deleted === batch && !signal.aborted; ) {
    const ids = knex(table).select('ctid').where(column, '<', before).limit(batch);
    deleted = await knex(table).whereIn('ctid', ids).del();
  }
};

const monthsAhead = 12;

/** A partition of `audit_events` a month; what no partition covers would end in the default one, which cannot be split off later. */
const partitionOf = (now: Date, offset: number): string => {
  const start = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset));
  const end = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset + 1));
  const name = `audit_events_${start.toISOString().slice(0, 7).replace('-', '_')}`;
  // AU-02: the application adds events, nothing else; a partition carries grants of its own, and is read through the whole only.
  return `
    create table if not exists ${name} partition of audit_events for values from ('${start.toISOString()}') to ('${end.toISOString()}');
    revoke update, delete, truncate on ${name} from castellan_app;
    alter table ${name} enable row level security;`;
};

/** The database's own upkeep, declared once in `app.ts`. */
export const registerUpkeep = ({ jobs, database, clock, outbox }: UpkeepDeps): void => {
  jobs.every('expired-rows', 10 * 60, async ({ signal }) => {
    // An hour's grace for clocks that differ (F-18).
    const before = new Date(clock.now().getTime() - hour * 1000);
    for (const [table, column] of expiring) await purge(database, table, column, before, signal);
  });
  jobs.every('outbox-purge', hour, async () => void (await outbox.purge()));
  jobs.every('audit-partitions', day, () =>
    database.maintain(Array.from({ length: monthsAhead }, (_, offset) => partitionOf(clock.now(), offset)).join('')),
  );
  // The embedded engine has no autovacuum (GROUND.md §5).
  if (database.engine === 'embedded') jobs.every('analyze', 15 * 60, () => database.analyze());
};
