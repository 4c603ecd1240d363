import type { Envelope } from '../crypto/index.ts';
import { afterCommit, type Database } from '../db/index.ts';
import type { DependencyState } from '../http/index.ts';
import type { Logger } from '../logging/index.ts';
import type { Metrics } from '../metrics/index.ts';
import type { Clock } from '../ports.ts';
import { createBus } from './bus.ts';
import { createGenerations, everything } from './generations.ts';
import { createLevel1, type Level1 } from './level1.ts';
import type { Level2 } from './level2.ts';

export { everything } from './generations.ts';

type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

export interface CacheDeps {
  database: Database;
  /** Empty: no Redis. More than one: a cluster. */
  redisUrls: readonly string[];
  envelope: Envelope;
  clock: Clock;
  logger: Logger;
  metrics: Pick<Metrics, 'cacheHits' | 'cacheMisses' | 'hitsOf'>;
}

export interface Loaded<Value> {
  value: Value;
  /** What the value was made of, all of it: `client:ID`, `user:ID`, `role:ID`, `keys`, `resource:ID`… No line breaks. */
  tags: readonly string[];
}

type Load<Value> = () => Promise<Loaded<Value> | undefined>;

export interface CacheOptions {
  /** Unique; change it when the shape of the values changes. */
  name: string;
  /** How stale a value may get at most while the bus is away. */
  l1Seconds: number;
  /** 0: not in Redis. */
  l2Seconds: number;
  maxEntries: number;
}

export interface Cache<Value> {
  /**
   * The value under `key`, loaded when no level has it; loads at the same time are one. Nothing is kept of `undefined`, nor of a load
   * that began before an invalidation of one of its tags. The value is shared: never change it.
   */
  get(key: string, load: Load<Value>): Promise<Value | undefined>;
}

export interface Caches {
  cache<Value>(options: CacheOptions): Cache<Value>;
  /**
   * Forgets every value with one of the tags, in all processes.
   * @param trx the change's transaction: then at its commit, and never after a rollback
   */
  invalidate(tags: readonly string[], trx?: Transaction): Promise<void>;
  /** Hears of invalidations here and elsewhere, `*` (everything) where some may have been missed. Returns the way to stop. */
  onInvalidate(handler: (tags: readonly string[]) => void): () => void;
  start(): Promise<void>;
  /** State of Redis, for health. */
  checkCache(): Promise<DependencyState>;
  /** State of the bus, for health: while it is away, values may be as old as `l1Seconds`. */
  checkBus(): Promise<DependencyState>;
  close(): Promise<void>;
}

export const createCaches = ({ database, redisUrls, envelope, clock, logger, metrics }: CacheDeps): Caches => {
  const generations = createGenerations();
  const levels = new Map<string, Level1>();
  const handlers = new Set<(tags: readonly string[]) => void>();

  const apply = (tags: readonly string[]): void => {
    generations.bump(tags);
    const isAll = tags.includes(everything);
    for (const level of levels.values()) isAll ? level.clear() : level.invalidate(tags);
    for (const handler of handlers) handler(tags);
  };
  const bus = createBus({ database, redisUrls, envelope, logger, apply });

  const createCache = <Value>({ name, l1Seconds, l2Seconds, maxEntries }: CacheOptions): Cache<Value> => {
    if (levels.has(name)) throw new Error(`cache ${name} is declared twice`);
    const level1 = createLevel1(clock, l1Seconds, maxEntries);
    levels.set(name, level1);
    const countHit = metrics.hitsOf(name);
    const level2: Level2 | undefined = l2Seconds > 0 ? bus.level2 : undefined;
    const flights = new Map<string, { start: number; value: Promise<Value | undefined> }>();

    const count = (isFound: boolean): void =>
      isFound ? metrics.cacheHits.inc({ cache: name, level: 'l2' }) : metrics.cacheMisses.inc({ cache: name });

    const fetch = async (key: string, load: Load<Value>, start: number): Promise<Value | undefined> => {
      const remote = await level2?.read(name, key);
      const found = remote?.found as Loaded<Value> | undefined;
      count(found !== undefined);
      const loaded = found ?? (await load());
      if (loaded === undefined) return undefined;
      const { value, tags } = loaded;
      if (!generations.isCurrent(start, tags)) return value;
      level1.set(key, value, tags);
      if (remote && !found) void level2?.store(name, key, remote.place, value, tags, l2Seconds);
      return value;
    };

    return {
      get: async (key, load) => {
        const hit = level1.get(key);
        if (hit) {
          countHit();
          return hit.value as Value;
        }
        const start = generations.now();
        const flight = flights.get(key);
        // A load from before an invalidation is never joined by somebody who came after it.
        if (flight?.start === start) return await flight.value;
        const value = fetch(key, load, start).finally(() => {
          if (flights.get(key)?.value === value) flights.delete(key);
        });
        flights.set(key, { start, value });
        return await value;
      },
    };
  };

  return {
    cache: createCache,
    invalidate: async (tags, trx) => {
      if (tags.length === 0) return;
      if (trx === undefined) return await bus.publish(tags);
      const isSent = await bus.publishIn(trx, tags);
      afterCommit(trx, () => (isSent ? apply(tags) : bus.publish(tags)));
    },
    onInvalidate: (handler) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    start: bus.start,
    checkCache: async () => bus.stateOfRedis(),
    checkBus: async () => bus.stateOfBus(),
    close: bus.close,
  };
};
