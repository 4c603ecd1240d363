/** Servers under load, each a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { createAgent, passPages } from '../support/agent.ts';
import { enforcer } from '../support/callers.ts';
import { postgresUrl } from '../support/services.ts';
import { administrator, benchClients, benchResources, person, redirectUri } from './world.ts';

export interface Usage {
  /** CPU seconds of the process since it started. */
  cpuSeconds: number;
  rssBytes: number;
}

export interface SignedIn {
  cookie: string;
  location: string;
}

export interface Target {
  name: string;
  origin: string;
  introspection: string;
  /** Milliseconds from spawn to the first 200. */
  startMs: number;
  usage(): Promise<Usage>;
  /** Signs the person in with offline access: the browser's `Cookie` header and the answer to the relying party. */
  signIn(challenge: string): Promise<SignedIn>;
  close(): Promise<void>;
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });

const usageOf = (child: ChildProcess): Promise<Usage> =>
  new Promise((resolve) => {
    const listen = (message: { type: string; cpu: NodeJS.CpuUsage; rss: number }): void => {
      if (message.type !== 'usage') return;
      child.off('message', listen);
      resolve({ cpuSeconds: (message.cpu.user + message.cpu.system) / 1e6, rssBytes: message.rss });
    };
    child.on('message', listen);
    child.send({ type: 'usage' });
  });

const untilReady = async (origin: string, child: ChildProcess): Promise<void> => {
  let hasEnded = false;
  child.once('exit', () => {
    hasEnded = true;
  });
  while (!hasEnded) {
    const answer = await fetch(`${origin}/.well-known/openid-configuration`).catch(() => undefined);
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`${origin} did not start`);
};

const signIn = async (origin: string, challenge: string): Promise<SignedIn> => {
  const agent = createAgent(origin);
  const query = new URLSearchParams({
    client_id: 'bench',
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid offline_access email',
    prompt: 'consent',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  });
  const first = await agent.open(`${origin}/authorize?${query}`);
  const location = await passPages(agent, first, { login: person.email, password: person.password });
  const cookie = [...agent.cookies]
    .filter(([, { path }]) => path === '/')
    .map(([key, { value }]) => `${key.slice(0, key.indexOf(';'))}=${value}`)
    .join('; ');
  return { cookie, location };
};

const launch = async (name: string, module: string, args: string[], env: NodeJS.ProcessEnv, port: number): Promise<Target> => {
  const origin = `http://localhost:${port}`;
  const started = performance.now();
  const child = fork(fileURLToPath(new URL(module, import.meta.url)), args, {
    env: { ...process.env, ...env, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await untilReady(origin, child);
  const startMs = performance.now() - started;
  return {
    name,
    origin,
    introspection: '/introspect',
    startMs,
    usage: () => usageOf(child),
    signIn: (challenge) => signIn(origin, challenge),
    close: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
};

const onServer = async (sql: string): Promise<void> => {
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  await client.query(sql);
  await client.end();
};

const freshDatabase = async (): Promise<{ url: string; drop(): Promise<void> }> => {
  const name = `castellan_bench_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
  await onServer(`create database ${name}`);
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => onServer(`drop database if exists ${name} with (force)`) };
};

/** R0: bare oidc-provider on plain Maps. */
export const startR0 = async (): Promise<Target> => {
  const port = await freePort();
  return await launch('R0', './servers/reference.ts', [String(port), 'map'], {}, port);
};

/** The least that answers a decision over HTTP. */
export const startPlain = async (): Promise<Target> => {
  const port = await freePort();
  return await launch('Koa', './servers/plain.ts', [String(port)], {}, port);
};

/** RN: the same on the obvious Knex adapter, PostgreSQL. */
export const startRn = async (): Promise<Target> => {
  const [port, database] = [await freePort(), await freshDatabase()];
  const target = await launch('RN', './servers/reference.ts', [String(port), 'knex', database.url], {}, port);
  return { ...target, close: () => target.close().then(database.drop) };
};

export interface CastellanOptions {
  engine: 'embedded' | 'postgres';
  workers?: number;
  /** False: no event is written, which the product itself cannot be told. */
  isAudited?: boolean;
  /** Reuse a data directory, to measure a second start. */
  dataDir?: string;
}

/** The product as `npm start` runs it, request budgets off. */
export const startCastellan = async ({ engine, workers = 1, isAudited = true, dataDir }: CastellanOptions): Promise<Target> => {
  const port = await freePort();
  const directory = dataDir ?? mkdtempSync(join(tmpdir(), 'castellan-bench-'));
  const database = engine === 'postgres' ? await freshDatabase() : undefined;
  const bootstrap = join(directory, 'bootstrap.json');
  writeFileSync(
    bootstrap,
    JSON.stringify({
      clients: [...benchClients(`http://localhost:${port}`), enforcer],
      resources: benchResources,
      users: [{ email: person.email, password: person.password, email_verified: true }],
    }),
  );
  const env: NodeJS.ProcessEnv = {
    PORT: String(port),
    DATA_DIR: directory,
    BOOTSTRAP_FILE: bootstrap,
    RATE_LIMITS: 'off',
    BOOTSTRAP_ADMIN_EMAIL: administrator.email,
    BOOTSTRAP_ADMIN_PASSWORD: administrator.password,
    WORKERS: String(workers),
    ...(database ? { DATABASE_URL: database.url, MASTER_KEY: Buffer.alloc(32, 7).toString('base64url') } : {}),
  };
  const target = await launch(`Castellan (${engine})`, './servers/castellan.ts', isAudited ? [] : ['without-audit'], env, port);
  return {
    ...target,
    close: async () => {
      await target.close();
      await database?.drop();
      if (dataDir === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
};
