import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, createApp } from '../../src/app.ts';
import { conformancePerson } from '../../src/bootstrap.ts';
import { loadConfig } from '../../src/platform/config/index.ts';
import type { Database } from '../../src/platform/db/index.ts';
import type { Clock } from '../../src/platform/ports.ts';
import { type Engine, openTestDatabase } from './database.ts';

export interface Stand {
  issuer: string;
  /** Where it listens, also when `ISSUER` names another place. */
  port: number;
  /** Somebody with every standard claim. */
  person: { login: string; password: string };
  app: App;
  /** The application's own: for what a test looks up or counts. */
  database: Database;
  close(): Promise<void>;
}

export interface StandOptions {
  /** The embedded one by default. */
  engine?: Engine;
  env?: Record<string, string>;
  bootstrap?: {
    clients?: Record<string, unknown>[];
    resources?: Record<string, unknown>[];
    users?: Record<string, unknown>[];
    organizations?: Record<string, unknown>[];
  };
  /** Moved by the test; the real time where absent. */
  clock?: Clock;
  /** log2 of bcrypt's rounds: as little as it takes, unless time is what is measured. */
  passwordCost?: number;
  /** Cookies belong to a host, whatever the port: two stands in one browser need two names. */
  host?: 'localhost' | '127.0.0.1';
  /** What others call it by, where that is another name for this machine; with its port. */
  issuer?: string | undefined;
  /** Free space where the embedded database is. */
  freeBytes?: () => number;
  /** Serves https with this certificate. */
  tls?: { cert: string; key: string };
}

/** A port that was free a moment ago: the issuer has to be known before the app listens. */
const freePort = async (): Promise<number> => {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
};

/** The whole application on a fresh database, listening, with one person who may sign in. */
export const startStand = async ({
  engine,
  freeBytes,
  env = {},
  bootstrap = {},
  tls,
  clock,
  host = 'localhost',
  passwordCost = 4,
  issuer: given,
}: StandOptions = {}): Promise<Stand> => {
  const directory = mkdtempSync(join(tmpdir(), 'castellan-stand-'));
  const write = (name: string, content: string): string => {
    const file = join(directory, name);
    writeFileSync(file, content);
    return file;
  };
  const port = given === undefined ? await freePort() : Number(new URL(given).port);
  const issuer = given ?? `${tls ? 'https' : 'http'}://${host}:${port}`;
  const { email, claims } = conformancePerson;
  const person = { login: email, password: randomBytes(12).toString('base64url') };
  const users = [{ email, password: person.password, email_verified: true, ...claims }, ...(bootstrap.users ?? [])];
  const config = loadConfig({
    env: {
      DATA_DIR: ':memory:',
      LOG_LEVEL: 'silent',
      RATE_LIMITS: 'off',
      ISSUER: issuer,
      PORT: String(port),
      UNSAFE_ACK: issuer,
      BOOTSTRAP_FILE: write('bootstrap.json', JSON.stringify({ ...bootstrap, users })),
      ...(tls ? { TLS_CERT_FILE: write('cert.pem', tls.cert), TLS_KEY_FILE: write('key.pem', tls.key) } : {}),
      ...env,
    },
    cwd: directory,
  });
  const database = await openTestDatabase(engine, freeBytes);
  const app = await createApp(config, { database, passwordCost, ...(clock ? { clock } : {}) });
  await app.listen();
  return {
    issuer,
    port,
    person,
    app,
    database,
    close: async () => {
      await app.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
