import { setTimeout as sleep } from 'node:timers/promises';
import { inScope, type Logger } from '../logging/index.ts';
import type { Clock } from '../ports.ts';
import type { LeasedEntry, OutboxStore } from './store.ts';

/** One attempt to deliver an entry. */
export interface Delivery {
  /** The same over all attempts: what a receiver finds duplicates by. */
  id: string;
  topic: string;
  key: string | undefined;
  payload: Record<string, unknown>;
  createdAt: Date;
  /** 1 for the first attempt. */
  attempt: number;
  /** Fires when the attempt has run out of time. */
  signal: AbortSignal;
}

/** Delivers once or throws; called again after a throw, and after a process died in between. Must be idempotent. */
export type OutboxHandler = (delivery: Delivery) => Promise<void>;

export interface RelayDeps {
  store: OutboxStore;
  clock: Clock;
  logger: Logger;
  /** How long a shutdown waits for attempts under way. */
  graceMs?: number | undefined;
  handlers: ReadonlyMap<string, OutboxHandler>;
}

const maxInFlight = 16;
const attemptMs = 30_000;
const defaultGraceMs = 5000;
/** Longer than an attempt may take; what a killed process held is taken over after it. */
const leaseSeconds = 60;
const firstPauseSeconds = 2;
const maxPauseSeconds = 3600;
/** "dead-lettered and alarmed after 3 days" (security-cases, degraded operation). */
const maxAgeSeconds = 3 * 86_400;

const later = (date: Date, seconds: number): Date => new Date(date.getTime() + seconds * 1000);

/** Exponential, with jitter so that what failed together does not come back together. */
const pauseSeconds = (attempt: number): number =>
  Math.min(maxPauseSeconds, firstPauseSeconds * 2 ** Math.min(attempt - 1, 20)) * (0.8 + Math.random() * 0.4);

/** @param ending cuts the attempt short */
const withinTime = async (work: (signal: AbortSignal) => Promise<void>, ending: AbortSignal): Promise<void> => {
  const controller = new AbortController();
  let cut = (_reason: Error): void => undefined;
  const late = new Promise<never>((_, reject) => {
    cut = (reason) => {
      controller.abort(reason);
      reject(reason);
    };
  });
  const timer = setTimeout(() => cut(new Error('no answer in time')), attemptMs);
  const onEnding = (): void => cut(new Error('shutting down'));
  ending.addEventListener('abort', onEnding);
  try {
    await Promise.race([work(controller.signal), late]);
  } finally {
    clearTimeout(timer);
    ending.removeEventListener('abort', onEnding);
  }
};

/** Takes due entries under a lease and hands each to its topic's handler, a bounded number at once. */
export const createRelay = ({ store, clock, logger, handlers, graceMs = defaultGraceMs }: RelayDeps) => {
  const inFlight = new Set<Promise<void>>();
  let pumping: Promise<boolean> | undefined;
  let isClosed = false;
  const ending = new AbortController();

  const handOver = (entry: LeasedEntry): Promise<void> => {
    const handler = handlers.get(entry.topic);
    if (!handler) throw new Error(`nobody takes ${entry.topic}`);
    const payload = store.open(entry);
    const { id, topic, attempts: attempt, created_at: createdAt } = entry;
    const deliverOnce = (signal: AbortSignal) =>
      handler({ id, topic, key: entry.key ?? undefined, payload, createdAt, attempt, signal });
    return withinTime(deliverOnce, ending.signal);
  };

  const giveBack = async (entry: LeasedEntry, error: unknown): Promise<void> => {
    const now = clock.now();
    const isDead = now.getTime() - entry.created_at.getTime() >= maxAgeSeconds * 1000;
    const message = error instanceof Error ? error.message : 'failed';
    // F-13: what a shutdown cuts short is free for others at once.
    const again = ending.signal.aborted ? now : later(now, pauseSeconds(entry.attempts));
    await store.failed(entry, again, isDead ? now : undefined, message);
    const facts = { err: error, topic: entry.topic, entry: entry.id, attempt: entry.attempts };
    if (isDead) logger.error(facts, 'outbox entry given up');
    else logger.warn(facts, 'outbox entry will be tried again');
  };

  const attempt = async (entry: LeasedEntry): Promise<void> => {
    try {
      await handOver(entry);
    } catch (error) {
      return await giveBack(entry, error);
    }
    await store.delivered(entry, clock.now());
  };

  // What is noted during a delivery belongs to the request that asked for it.
  const deliver = (entry: LeasedEntry): Promise<void> =>
    inScope({ correlationId: entry.correlation_id ?? entry.id, ip: undefined }, () => attempt(entry)).catch(
      // The lease ends by itself, and the entry is tried again.
      (error: unknown) => logger.warn({ err: error, entry: entry.id }, 'outbox waits for the database'),
    );

  const take = async (): Promise<boolean> => {
    const topics = [...handlers.keys()];
    const room = maxInFlight - inFlight.size;
    if (isClosed || topics.length === 0 || room === 0) return false;
    const now = clock.now();
    const entries = await store.lease(topics, now, later(now, leaseSeconds), room);
    for (const entry of entries) {
      const work: Promise<void> = deliver(entry).finally(() => {
        inFlight.delete(work);
        void pump();
      });
      inFlight.add(work);
    }
    return entries.length > 0;
  };

  let isAskedAgain = false;
  /** Takes what is due; a call during another makes that one look again. Never throws. */
  const pump = (): Promise<boolean> => {
    isAskedAgain = true;
    pumping ??= (async () => {
      let found = false;
      try {
        while (isAskedAgain) {
          isAskedAgain = false;
          found = (await take()) || found;
        }
      } catch (error) {
        logger.warn({ err: error }, 'outbox waits for the database');
      } finally {
        pumping = undefined;
      }
      return found;
    })();
    return pumping;
  };

  const idle = async (): Promise<void> => {
    while (inFlight.size > 0) await Promise.all(inFlight);
  };

  return {
    pump: (): void => void pump(),
    /** Until nothing is due and nothing under way. */
    drain: async (): Promise<void> => {
      while ((await pump()) || inFlight.size > 0) await idle();
    },
    close: async (): Promise<void> => {
      isClosed = true;
      await pumping;
      await Promise.race([idle(), sleep(graceMs, undefined, { ref: false })]);
      ending.abort();
      await idle();
    },
  };
};
