import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** A Redis of the test's own, which it may kill. */
export interface OwnRedis {
  url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** After the last stop. */
  remove(): void;
  pause(): void;
  resume(): void;
  flush(): Promise<void>;
  keys(): Promise<string[]>;
  command(...words: string[]): Promise<unknown>;
  /** Everything in it as text. */
  dump(): Promise<string>;
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

export const startRedis = async (): Promise<OwnRedis> => {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'castellan-redis-'));
  const url = `redis://127.0.0.1:${port}`;
  let server: ChildProcess | undefined;
  let client: Redis | undefined;

  const start = async (): Promise<void> => {
    const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', directory]);
    server = child;
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error('redis-server ended')));
      child.stdout.on('data', (chunk: Buffer) => chunk.includes('Ready to accept') && resolve());
    });
    client = new Redis(url).on('error', () => undefined);
  };
  const call = async (...words: string[]): Promise<unknown> => {
    const [name = '', ...rest] = words;
    return await client?.call(name, ...rest);
  };
  await start();
  return {
    url,
    start,
    stop: async () => {
      client?.disconnect();
      const child = server;
      server = undefined;
      if (child) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
    pause: () => void server?.kill('SIGSTOP'),
    resume: () => void server?.kill('SIGCONT'),
    flush: async () => void (await call('FLUSHALL')),
    keys: async () => (await call('KEYS', '*')) as string[],
    command: call,
    dump: async () => {
      const keys = (await call('KEYS', '*')) as string[];
      const values = await Promise.all(keys.map((key) => call('HGETALL', key)));
      return JSON.stringify([keys, values]);
    },
  };
};
