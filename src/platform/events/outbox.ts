import type { Knex } from 'knex';
import { type Envelope, uuidv7 } from '../crypto/index.ts';
import { afterCommit, type Database } from '../db/index.ts';
import { currentScope, type Logger, type RequestScope } from '../logging/index.ts';
import type { Clock, Outbox } from '../ports.ts';
import { createRelay, type OutboxHandler } from './relay.ts';
import { createOutboxStore, type ListedEntry, type OutboxState, outboxChannel } from './store.ts';

export interface OutboxDeps {
  database: Database;
  envelope: Envelope;
  clock: Clock;
  logger: Logger;
  /** Age in seconds of the oldest entry that is due (`queue_lag_seconds`). */
  lag?: (seconds: number) => void;
  /** How long a shutdown waits for attempts under way. */
  graceMs?: number;
}

export interface OutboxRelay {
  /** The outbox of a transaction: an entry commits with the change that owes it. */
  in(trx: Knex.Transaction): Outbox;
  /** One handler a topic, named before `start`. Entries of a topic without one are kept. */
  subscribe(topic: string, handler: OutboxHandler): void;
  /** Delivers from now on, at commits of this and of other processes and by the clock. */
  start(): Promise<void>;
  /** Delivers everything that is due and waits for it. */
  drain(): Promise<void>;
  /** Newest first, with opened payloads: for `castellan outbox` and `/dev/outbox`, never for an API. */
  list(filter?: { topic?: string; state?: OutboxState; limit?: number }): Promise<ListedEntry[]>;
  find(id: string): Promise<ListedEntry | undefined>;
  /** Tries a dead entry again. False when there is none of that id. */
  revive(id: string): Promise<boolean>;
  /** Deletes what was delivered a week ago and whatever is a month old. @returns rows deleted */
  purge(): Promise<number>;
  /** Seconds that the oldest due entry has waited. */
  measureLag(): Promise<number>;
  /** Takes nothing new and waits for what is under way; what does not end is given back (F-13). */
  close(): Promise<void>;
}

const pollMs = 10_000;
const daySeconds = 86_400;

/** Work that leaves the process after commit, at least once, in any replica (FEATURES O10, C5). */
export const createOutbox = ({ database, envelope, clock, logger, lag, graceMs }: OutboxDeps): OutboxRelay => {
  const self = uuidv7(clock.now());
  const store = createOutboxStore({ knex: database.knex, envelope, sender: database.engine === 'postgres' ? self : undefined });
  const handlers = new Map<string, OutboxHandler>();
  const relay = createRelay({ store, clock, logger, handlers, graceMs });
  let timer: NodeJS.Timeout | undefined;
  let stopListening: (() => Promise<void>) | undefined;
  let isStarted = false;

  const wake = (): void => {
    if (isStarted) relay.pump();
  };
  // PW-05: delivery starts once the answer has left, so that its time does not tell whether there was something to deliver.
  const wakeAfter = (scope: RequestScope | undefined): void => (scope?.afterAnswer ? scope.afterAnswer(wake) : wake());
  const wakeForOthers = (sender: string): void => {
    if (sender !== self) wake();
  };
  const ago = (seconds: number): Date => new Date(clock.now().getTime() - seconds * 1000);

  const measureLag = async (): Promise<number> => {
    const due = await store.due([...handlers.keys()]);
    const seconds = due === undefined ? 0 : Math.max(0, (clock.now().getTime() - due.getTime()) / 1000);
    lag?.(seconds);
    return seconds;
  };

  // Retries, leases of dead processes and notifications that were lost: nothing waits longer than this for a new look.
  const poll = (): void => {
    measureLag().then(
      (seconds) => seconds > 0 && relay.pump(),
      (error: unknown) => logger.warn({ err: error }, 'outbox waits for the database'),
    );
  };

  return {
    in: (trx) => ({
      add: async (entry) => {
        const scope = currentScope();
        await store.add(trx, entry, clock.now(), scope?.correlationId);
        afterCommit(trx, () => wakeAfter(scope));
      },
    }),
    subscribe: (topic, handler) => {
      if (handlers.has(topic)) throw new Error(`outbox topic ${topic} has a handler already`);
      handlers.set(topic, handler);
    },
    start: async () => {
      isStarted = true;
      if (database.engine === 'postgres') stopListening = await database.listen(outboxChannel, wakeForOthers, wake);
      timer = setInterval(poll, pollMs).unref();
      wake();
    },
    drain: relay.drain,
    list: (filter = {}) => store.list(filter),
    find: store.find,
    revive: async (id) => {
      const isRevived = await store.revive(id, clock.now());
      if (isRevived) wake();
      return isRevived;
    },
    purge: () => store.purge(ago(7 * daySeconds), ago(30 * daySeconds)),
    measureLag,
    close: async () => {
      isStarted = false;
      clearInterval(timer);
      await stopListening?.();
      await relay.close();
    },
  };
};
