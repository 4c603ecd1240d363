import { createRequire } from 'node:module';
import type { Cluster, Redis } from 'ioredis';
import type { Logger } from '../logging/index.ts';

type Client = Redis | Cluster;

export interface RedisDeps {
  urls: readonly string[];
  logger: Logger;
}

export interface RedisLink {
  /** Runs a script. `undefined` when Redis is away, slow or resting: a caller goes on without it. */
  script(text: string, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown>;
  /** Messages of a channel. @param onGap called when messages may have been missed, at the cut and when it listens again */
  subscribe(channel: string, handler: (message: string) => void, onGap: (isListening: boolean) => void): void;
  isUp(): boolean;
  close(): Promise<void>;
}

/** No request waits longer for Redis; after three such waits none waits at all for five seconds (F-07). */
const commandMs = 50;
const maxFailures = 3;
const restMs = 5000;
const heartbeatMs = 5000;

const retryStrategy = (attempt: number): number => Math.min(5000, attempt * 200);
const options = {
  commandTimeout: commandMs,
  connectTimeout: 1000,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  retryStrategy,
};

/** Only who uses Redis pays for its client: 24 ms of the start and 5 MB. */
const library = () => createRequire(import.meta.url)('ioredis') as typeof import('ioredis');

const connect = (urls: readonly string[], more: { autoResubscribe?: boolean; commandTimeout?: number }): Client => {
  const [first = ''] = urls;
  const { Cluster, Redis } = library();
  if (urls.length === 1) return new Redis(first, { ...options, ...more });
  const { username, password, protocol } = new URL(first);
  const redisOptions = {
    ...options,
    ...more,
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
  };
  const nodes = urls.map((url) => ({ host: new URL(url).hostname, port: Number(new URL(url).port || 6379) }));
  return new Cluster(nodes, { redisOptions, enableOfflineQueue: false, clusterRetryStrategy: retryStrategy });
};

/** Lets nobody wait for a Redis that does not answer. Time is the process's own, not the clock's (F-18). */
const createBreaker = () => {
  let failures = 0;
  let restUntil = 0;
  return {
    isResting: () => performance.now() < restUntil,
    succeeded: () => {
      failures = 0;
    },
    failed: () => {
      failures += 1;
      if (failures >= maxFailures) restUntil = performance.now() + restMs;
    },
  };
};

export const createRedisLink = ({ urls, logger }: RedisDeps): RedisLink => {
  const client = connect(urls, {});
  const breaker = createBreaker();
  const closers: (() => void)[] = [];
  // The address may hold a password: only the kind of failure is told.
  client.on('error', (error: NodeJS.ErrnoException) => logger.warn({ reason: error.code }, 'redis is away'));
  const isUp = (): boolean => client.status === 'ready' && !breaker.isResting();

  return {
    isUp,
    script: async (text, keys, values) => {
      if (!isUp()) return undefined;
      try {
        const answer = await client.eval(text, keys.length, ...keys, ...values);
        breaker.succeeded();
        return answer;
      } catch {
        breaker.failed();
        return undefined;
      }
    },
    subscribe: (channel, handler, onGap) => {
      const listener = connect(urls, { autoResubscribe: false, commandTimeout: 1000 });
      let isClosed = false;
      listener.on('error', () => undefined);
      listener.on('message', (_channel: string, message: string) => handler(message));
      listener.on('close', () => isClosed || onGap(false));
      listener.on('ready', () => {
        listener.subscribe(channel).then(
          () => onGap(true),
          () => listener.disconnect(true),
        );
      });
      // A connection that is half open says nothing by itself.
      const timer = setInterval(() => {
        if (listener.status === 'ready') listener.ping().catch(() => isClosed || listener.disconnect(true));
      }, heartbeatMs).unref();
      closers.push(() => {
        isClosed = true;
        clearInterval(timer);
        listener.disconnect();
      });
    },
    close: async () => {
      for (const close of closers) close();
      client.disconnect();
    },
  };
};
