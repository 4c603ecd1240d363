/** Real processes of `src/main.ts` behind one address, as an operator runs them: for what one process in a test cannot show. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { conformancePerson } from '../../src/bootstrap.ts';
import { invariantFindings } from '../../src/cli/invariants/index.ts';
import { openDatabase } from '../../src/platform/db/index.ts';
import { type Engine, locate } from './database.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface Replica {
  /** Everything written to standard output since the first start: the JSON log. */
  log(): string;
  errors(): string;
  start(): Promise<void>;
  /** SIGKILL: nothing is drained, nothing is said. */
  kill(): Promise<void>;
  /** SIGTERM. @returns the exit code */
  stop(): Promise<number | null>;
}

export interface Fleet {
  issuer: string;
  databaseUrl: string | undefined;
  dataDir: string;
  person: { login: string; password: string };
  administrator: { login: string; password: string };
  masterKey: string;
  replicas: Replica[];
  /** Sends everything to one replica from now on; `robin` takes them in turn. A request's `x-replica` header goes before. */
  route(to: number | 'robin'): void;
  close(): Promise<void>;
}

export interface FleetOptions {
  engine?: Engine;
  replicas?: number;
  env?: Record<string, string>;
  /** Puts something of the test's between the processes and the database. */
  databaseUrl?: (real: string) => Promise<string>;
  bootstrap?: Record<string, Record<string, unknown>[]>;
}

export const freePort = async (): Promise<number> => {
  const probe = createTcpServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
};

/** Asks until the answer is good enough; the bound is generous, because loaded machines are slow. */
export const eventually = async <Value>(
  ask: () => Promise<Value>,
  isGood: (value: Value) => boolean,
  limitMs = 15_000,
): Promise<Value> => {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await ask();
    if (isGood(value) || Date.now() > end) return value;
    await sleep(50);
  }
};

const createReplica = (env: Record<string, string>): Replica => {
  const text = { out: '', errors: '' };
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const ending = child;
    child = undefined;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return ending?.exitCode ?? null;
    const exit = once(ending, 'exit');
    ending.kill(signal);
    const [code] = (await exit) as [number | null];
    return code;
  };
  return {
    log: () => text.out,
    errors: () => text.errors,
    start: async () => {
      const inherited = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', TMPDIR: tmpdir() };
      const starting = spawn(process.execPath, [main], { env: { ...inherited, ...env }, cwd: env.DATA_DIR });
      child = starting;
      const from = text.errors.length;
      starting.stdout.on('data', (chunk: Buffer) => {
        text.out += chunk.toString();
      });
      await new Promise<void>((resolve, reject) => {
        starting.stderr.on('data', (chunk: Buffer) => {
          text.errors += chunk.toString();
          if (text.errors.slice(from).includes('Castellan is ready')) resolve();
        });
        starting.once('exit', (code) => reject(new Error(`ended with ${code} before it served: ${text.errors.slice(from)}`)));
      });
    },
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
  };
};

/** The balancer: replicas by header, by `route`, or in turn; who refuses the connection is passed over. It keeps the Host, as the
 * operators' guide asks for. */
const createFront = (ports: readonly number[]) => {
  const state = { to: 'robin' as number | 'robin', turn: 0 };
  const inTurn = (): number => {
    if (state.to !== 'robin') return state.to;
    state.turn += 1;
    return state.turn % ports.length;
  };
  const readBody = async (incoming: IncomingMessage): Promise<Buffer> => {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    return Buffer.concat(parts);
  };
  const forward = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { 'x-replica': header, ...headers } = incoming.headers;
    const first = header === undefined ? inTurn() : Number(header);
    const others = header === undefined && state.to === 'robin' ? ports.length - 1 : 0;
    const body = await readBody(incoming);
    const send = (tries: number): void => {
      const port = ports[(first + tries) % ports.length];
      const upstream = httpRequest({ host: '127.0.0.1', port, path: incoming.url, method: incoming.method, headers });
      upstream.on('response', (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(outgoing);
        answer.on('error', () => outgoing.destroy());
      });
      upstream.on('error', ({ code }: NodeJS.ErrnoException) => {
        if (code === 'ECONNREFUSED' && tries < others) send(tries + 1);
        else outgoing.destroy();
      });
      upstream.end(body);
    };
    send(0);
  };
  const route = (to: number | 'robin'): void => {
    state.to = to;
  };
  return {
    server: createServer((incoming, outgoing) => void forward(incoming, outgoing).catch(() => outgoing.destroy())),
    route,
  };
};

const closeServer = async (server: Server): Promise<void> => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
};

/** Starts replicas on one database, with one person and one administrator whose passwords the test knows. */
export const startFleet = async ({
  engine = 'postgres',
  replicas: count = 2,
  env = {},
  bootstrap = {},
  databaseUrl: through,
}: FleetOptions = {}): Promise<Fleet> => {
  const location = await locate(engine);
  const directory = mkdtempSync(join(tmpdir(), 'castellan-fleet-'));
  const person = { login: conformancePerson.email, password: `person ${randomBytes(9).toString('base64url')}` };
  const administrator = { login: 'admin@example.test', password: `admin ${randomBytes(9).toString('base64url')}` };
  const users = [
    { email: person.login, password: person.password, email_verified: true, ...conformancePerson.claims },
    ...(bootstrap.users ?? []),
  ];
  const file = join(directory, 'bootstrap.json');
  writeFileSync(file, JSON.stringify({ ...bootstrap, users }));
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  const front = createFront(ports);
  front.server.listen(0, '127.0.0.1');
  await once(front.server, 'listening');
  const issuer = `http://localhost:${(front.server.address() as AddressInfo).port}`;
  const masterKey = randomBytes(32).toString('base64url');
  const databaseUrl = location.databaseUrl && through ? await through(location.databaseUrl) : location.databaseUrl;
  const replicas = ports.map((port) =>
    createReplica({
      ISSUER: issuer,
      PORT: String(port),
      DATA_DIR: location.dataDir,
      MASTER_KEY: masterKey,
      RATE_LIMITS: 'off',
      LOG_LEVEL: 'debug',
      BOOTSTRAP_ADMIN_EMAIL: administrator.login,
      BOOTSTRAP_ADMIN_PASSWORD: administrator.password,
      BOOTSTRAP_FILE: file,
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
      ...env,
    }),
  );
  const close = async (): Promise<void> => {
    await Promise.all(replicas.map((replica) => replica.kill()));
    await closeServer(front.server);
    await location.remove();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await Promise.all(replicas.map((replica) => replica.start()));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    issuer,
    databaseUrl: location.databaseUrl,
    dataDir: location.dataDir,
    person,
    administrator,
    masterKey,
    replicas,
    route: front.route,
    close,
  };
};

/** Which of N-01 to N-10 do not hold (security-cases §2.1); an embedded database must be closed. */
export const brokenInvariants = async ({ databaseUrl, dataDir }: Fleet): Promise<string[]> => {
  const database = await openDatabase({ databaseUrl, dataDir, poolMax: 2, migrate: false });
  try {
    const findings = await invariantFindings({ database, clock: { now: () => new Date() } });
    return findings.filter(({ state }) => state === 'failed').map(({ check, message }) => `${check} ${message}`);
  } finally {
    await database.close();
  }
};
