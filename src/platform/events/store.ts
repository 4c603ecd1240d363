import type { Knex } from 'knex';
import type { Envelope } from '../crypto/index.ts';
import { uuidv7 } from '../crypto/index.ts';
import { prepared, type SealedColumn, statement } from '../db/index.ts';
import type { OutboxEntry } from '../ports.ts';

/** An entry that this process has leased. */
export interface LeasedEntry {
  id: string;
  topic: string;
  key: string | null;
  payload_sealed: string;
  correlation_id: string | null;
  created_at: Date;
  /** Counts up with each lease: the fence of the attempt. */
  attempts: number;
}

export type OutboxState = 'pending' | 'delivered' | 'dead';

export interface ListedEntry {
  id: string;
  topic: string;
  key: string | undefined;
  state: OutboxState;
  createdAt: Date;
  availableAt: Date;
  attempts: number;
  lastError: string | undefined;
  /** Opened; empty once delivered, and where the master key that sealed it is gone. */
  payload: Record<string, unknown>;
}

interface OutboxRow extends Omit<LeasedEntry, 'correlation_id'> {
  available_at: Date;
  last_error: string | null;
  delivered_at: Date | null;
  dead_at: Date | null;
}

export const outboxChannel = 'castellan_outbox';

const contextOf = (id: string): string => `outbox:${id}`;

export const sealedOutbox: SealedColumn = { table: 'outbox', key: 'id', column: 'payload_sealed', context: contextOf };
const columns = '(id, topic, key, payload_sealed, correlation_id, created_at, available_at) values ($1, $2, $3, $4, $5, $6, $6)';
const add = statement('outbox-add', `insert into outbox ${columns}`);
// NOTIFY is delivered at commit and never after a rollback. The embedded engine has no second process to tell.
const addAndNotify = statement(
  'outbox-add-notify',
  `with added as (insert into outbox ${columns}) select pg_notify('${outboxChannel}', $7)`,
);

const isPending = 'delivered_at is null and dead_at is null';

// Of each key only the oldest entry may be leased, so that entries with one key are delivered in order.
const lease = statement(
  'outbox-lease',
  `update outbox set locked_until = $2, attempts = attempts + 1 where id in (
     select id from outbox entry
     where ${isPending} and available_at <= $1 and (locked_until is null or locked_until <= $1) and topic = any($3)
       and (key is null or not exists (
         select 1 from outbox earlier
         where earlier.topic = entry.topic and earlier.key = entry.key and earlier.seq < entry.seq
           and earlier.delivered_at is null and earlier.dead_at is null))
     order by seq limit $4 for update skip locked)
   returning id, topic, key, payload_sealed, correlation_id, created_at, attempts`,
);

// A lease that was lost changes nothing: the attempt's number is the fence. What was delivered is not kept.
const delivered = statement(
  'outbox-delivered',
  `update outbox set delivered_at = $3, locked_until = null, last_error = null, payload_sealed = ''
   where id = $1 and attempts = $2 and ${isPending}`,
);
const failed = statement(
  'outbox-failed',
  `update outbox set available_at = $3, dead_at = $4, last_error = $5, locked_until = null
   where id = $1 and attempts = $2 and ${isPending}`,
);

const stateOf = ({ delivered_at, dead_at }: OutboxRow): OutboxState =>
  delivered_at !== null ? 'delivered' : dead_at !== null ? 'dead' : 'pending';

const conditions: Record<OutboxState, string> = {
  pending: isPending,
  delivered: 'delivered_at is not null',
  dead: 'dead_at is not null',
};

export interface StoreDeps {
  knex: Knex;
  envelope: Envelope;
  /** What other processes are told who added; absent where there are none. */
  sender: string | undefined;
}

export type OutboxStore = ReturnType<typeof createOutboxStore>;

/** SQL of the outbox. Payloads are sealed: mails hold one-time links. */
export const createOutboxStore = ({ knex, envelope, sender }: StoreDeps) => {
  const open = (id: string, sealed: string): Record<string, unknown> =>
    JSON.parse(envelope.open(sealed, contextOf(id))) as Record<string, unknown>;

  const openOrNothing = ({ id, payload_sealed: sealed }: OutboxRow): Record<string, unknown> => {
    try {
      return sealed === '' ? {} : open(id, sealed);
    } catch {
      return {};
    }
  };

  const listed = (row: OutboxRow): ListedEntry => ({
    id: row.id,
    topic: row.topic,
    key: row.key ?? undefined,
    state: stateOf(row),
    createdAt: row.created_at,
    availableAt: row.available_at,
    attempts: row.attempts,
    lastError: row.last_error ?? undefined,
    payload: openOrNothing(row),
  });

  return {
    add: async (trx: Knex, { topic, payload, key }: OutboxEntry, now: Date, correlationId: string | undefined): Promise<void> => {
      const id = uuidv7(now);
      const sealed = envelope.seal(JSON.stringify(payload), contextOf(id));
      const row = [id, topic, key ?? null, sealed, correlationId ?? null, now];
      await (sender === undefined ? prepared(trx, add, row) : prepared(trx, addAndNotify, [...row, sender]));
    },
    lease: async (topics: readonly string[], now: Date, until: Date, limit: number): Promise<LeasedEntry[]> =>
      (await prepared<LeasedEntry>(knex, lease, [now, until, topics, limit])).rows,
    open: (entry: LeasedEntry): Record<string, unknown> => open(entry.id, entry.payload_sealed),
    delivered: async ({ id, attempts }: LeasedEntry, now: Date): Promise<void> => {
      await prepared(knex, delivered, [id, attempts, now]);
    },
    failed: async ({ id, attempts }: LeasedEntry, again: Date, deadAt: Date | undefined, error: string): Promise<void> => {
      await prepared(knex, failed, [id, attempts, again, deadAt ?? null, error.slice(0, 500)]);
    },
    /** When the oldest entry became due that these topics have, and when the next one will. */
    due: async (topics: readonly string[]): Promise<Date | undefined> => {
      const row = await knex('outbox')
        .whereRaw(isPending)
        .whereIn('topic', [...topics])
        .min('available_at as due')
        .first();
      return (row?.due as Date | null) ?? undefined;
    },
    find: async (id: string): Promise<ListedEntry | undefined> => {
      const row = /^[0-9a-f-]{36}$/.test(id)
        ? ((await knex('outbox').where({ id }).first()) as OutboxRow | undefined)
        : undefined;
      return row && listed(row);
    },
    list: async (filter: { topic?: string; state?: OutboxState; limit?: number }): Promise<ListedEntry[]> => {
      const query = knex('outbox')
        .orderBy('seq', 'desc')
        .limit(filter.limit ?? 50);
      if (filter.topic !== undefined) query.where({ topic: filter.topic });
      if (filter.state !== undefined) query.whereRaw(conditions[filter.state]);
      return ((await query) as OutboxRow[]).map(listed);
    },
    /** Gives a dead entry another life. False when there is no such entry. */
    revive: async (id: string, now: Date): Promise<boolean> =>
      (await knex('outbox')
        .where({ id })
        .whereNotNull('dead_at')
        .update({ dead_at: null, available_at: now, created_at: now, locked_until: null })) === 1,
    purge: async (deliveredBefore: Date, restBefore: Date): Promise<number> =>
      await knex('outbox').where('delivered_at', '<', deliveredBefore).orWhere('created_at', '<', restBefore).del(),
  };
};
