import { randomUUID } from 'node:crypto';
import type { Envelope } from '../crypto/index.ts';
import { type Database, prepared, statement } from '../db/index.ts';
import type { DependencyState } from '../http/index.ts';
import type { Logger } from '../logging/index.ts';
import { everything } from './generations.ts';
import { createLevel2, type Level2 } from './level2.ts';
import { createRedisLink } from './redis.ts';

type Executor = Parameters<Parameters<Database['transaction']>[0]>[0] | Database['knex'];

export interface BusDeps {
  database: Database;
  redisUrls: readonly string[];
  envelope: Envelope;
  logger: Logger;
  /** Forgets in this process. */
  apply: (tags: readonly string[]) => void;
}

export interface Bus {
  readonly level2: Level2 | undefined;
  /** Forgets here and tells the others. Never throws: staleness is bounded by the time that values live. */
  publish(tags: readonly string[]): Promise<void>;
  /** Where the database is the bus: tells the others at the commit, even if this process dies right after it. */
  publishIn(trx: Executor, tags: readonly string[]): Promise<boolean>;
  start(): Promise<void>;
  stateOfRedis(): DependencyState;
  stateOfBus(): DependencyState;
  close(): Promise<void>;
}

const channel = 'castellan_cache';
const notify = statement('cache-notify', 'select pg_notify($1, $2)');
/** PostgreSQL refuses a payload of 8000 bytes; more tags than fit are everything. */
const maxMessageBytes = 7500;

interface Message {
  from: string;
  tags: string[];
}

const parse = (text: string): Message | undefined => {
  try {
    const message = JSON.parse(text) as Partial<Message> | null;
    const isOurs = typeof message?.from === 'string' && Array.isArray(message.tags);
    return isOurs && message.tags?.every((tag) => typeof tag === 'string') ? (message as Message) : undefined;
  } catch {
    return undefined;
  }
};

/** Redis pub/sub where there is Redis, with LISTEN/NOTIFY standing in while it is away; else LISTEN/NOTIFY; else this process only. */
export const createBus = ({ database, redisUrls, envelope, logger, apply }: BusDeps): Bus => {
  const self = randomUUID();
  const isShared = database.engine === 'postgres';
  const redis = redisUrls.length > 0 ? createRedisLink({ urls: redisUrls, logger }) : undefined;
  const level2 = redis && createLevel2({ redis, envelope, namespace: 'castellan', channel });
  let isRedisListening = redis === undefined;
  let isDatabaseListening = !isShared;
  let stopListening: (() => Promise<void>) | undefined;
  let isClosed = false;

  const messageOf = (tags: readonly string[]): string => {
    const message = JSON.stringify({ from: self, tags });
    return Buffer.byteLength(message) > maxMessageBytes ? JSON.stringify({ from: self, tags: [everything] }) : message;
  };

  const hear = (text: string): readonly string[] => {
    const message = parse(text) ?? { from: '', tags: [everything] };
    if (message.from === self) return [];
    apply(message.tags);
    return message.tags;
  };
  // The sender could not reach Redis; whoever can takes the values out of it.
  const hearFromDatabase = (text: string): void => {
    const tags = hear(text);
    if (tags.length > 0) void level2?.invalidate(tags, text);
  };
  const onRedisGap = (isListening: boolean): void => {
    if (isRedisListening !== isListening)
      logger[isListening ? 'info' : 'warn']('cache bus on redis %s', isListening ? 'is back' : 'is away');
    isRedisListening = isListening;
    apply([everything]);
    if (isListening) void level2?.reset();
  };
  const onDatabaseGap = (isListening: boolean): void => {
    isDatabaseListening = isListening;
    if (redis === undefined || !isRedisListening) apply([everything]);
  };

  const tell = async (executor: Executor, tags: readonly string[]): Promise<void> => {
    await prepared(executor, notify, [channel, messageOf(tags)]);
  };

  const publish = async (tags: readonly string[]): Promise<void> => {
    apply(tags);
    try {
      const isSent = await level2?.invalidate(tags, messageOf(tags));
      if (!isSent && isShared) await tell(database.knex, tags);
    } catch (error) {
      logger.warn({ err: error }, 'an invalidation did not reach the other processes; values age out');
    }
  };

  return {
    level2,
    publish,
    publishIn: async (trx, tags) => {
      if (redis !== undefined || !isShared) return redis === undefined;
      await tell(trx, tags);
      return true;
    },
    start: async () => {
      redis?.subscribe(
        channel,
        (text) => void hear(text),
        (isListening) => isClosed || onRedisGap(isListening),
      );
      if (!isShared) return;
      stopListening = await database.listen(channel, hearFromDatabase, onDatabaseGap);
      isDatabaseListening = true;
    },
    stateOfRedis: () => {
      if (redis === undefined) return { status: 'ok', detail: 'in process' };
      return redis.isUp() ? { status: 'ok', detail: 'redis' } : { status: 'degraded', detail: 'redis is away' };
    },
    stateOfBus: () => {
      const isListening = redis === undefined ? isDatabaseListening : isRedisListening;
      return isListening ? { status: 'ok' } : { status: 'degraded', detail: 'away: cached values may be up to a minute old' };
    },
    close: async () => {
      isClosed = true;
      await stopListening?.();
      await redis?.close();
    },
  };
};
