import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAudit } from '../../src/audit/index.ts';
import { createInteractions, createLogoAddress, createProtocolPages, mountLogos } from '../../src/interactions/index.ts';
import type { ClientRegistration } from '../../src/oidc/clients/intake.ts';
import { createOidc } from '../../src/oidc/index.ts';
import { loadConfig } from '../../src/platform/config/index.ts';
import { createEnvelope, uuidv7 } from '../../src/platform/crypto/index.ts';
import { createHttp, createHttpServer, listenOn } from '../../src/platform/http/index.ts';
import { createLogger } from '../../src/platform/logging/index.ts';
import { createMetrics } from '../../src/platform/metrics/index.ts';
import { createOutbound } from '../../src/platform/outbound/index.ts';
import { createViews } from '../../src/platform/views/index.ts';
import { openTestDatabase } from './database.ts';

export interface Stand {
  issuer: string;
  person: { login: string; password: string };
  rotateKeys(): Promise<void>;
  close(): Promise<void>;
}

export interface StandOptions {
  env?: Record<string, string>;
  bootstrap?: {
    clients?: Record<string, unknown>[];
    resources?: { identifier: string; name: string; scopes: string[]; accessTokenFormat: 'jwt' | 'opaque' }[];
  };
  tls?: { cert: string; key: string };
}

const everyClaim = {
  name: 'Ada Lovelace',
  family_name: 'Lovelace',
  given_name: 'Ada',
  middle_name: 'King',
  nickname: 'ada',
  preferred_username: 'ada',
  profile: 'https://ada.example.test/',
  picture: 'https://ada.example.test/picture.png',
  website: 'https://ada.example.test/',
  gender: 'female',
  birthdate: '1815-12-10',
  zoneinfo: 'Europe/London',
  locale: 'en-GB',
  updated_at: 1_700_000_000,
  email: 'conformance@example.test',
  email_verified: true,
  phone_number: '+44 20 7946 0000',
  phone_number_verified: true,
  address: { formatted: '12 St James Square, London' },
};

/** Provider, storage and hosted pages with one person who may sign in: for what relying parties see. */
export const startStand = async ({ env = {}, bootstrap = {}, tls }: StandOptions = {}): Promise<Stand> => {
  const directory = mkdtempSync(join(tmpdir(), 'castellan-stand-'));
  const files = tls ? { TLS_CERT_FILE: join(directory, 'cert.pem'), TLS_KEY_FILE: join(directory, 'key.pem') } : {};
  if (tls && files.TLS_CERT_FILE) {
    writeFileSync(files.TLS_CERT_FILE, tls.cert);
    writeFileSync(files.TLS_KEY_FILE, tls.key);
  }
  const base = { DATA_DIR: ':memory:', LOG_LEVEL: 'silent', RATE_LIMITS: 'off', ...files, ...env };
  const server = createHttpServer(loadConfig({ env: base, cwd: directory }));
  const port = await listenOn(server, { host: '127.0.0.1', port: 0 });
  const issuer = `${tls ? 'https' : 'http'}://localhost:${port}`;
  const config = loadConfig({ env: { ...base, ISSUER: issuer, UNSAFE_ACK: issuer }, cwd: directory });

  const database = await openTestDatabase();
  const clock = { now: () => new Date() };
  const logger = createLogger(config.logLevel);
  const envelope = createEnvelope([randomBytes(32)]);
  const outbound = createOutbound({ config, clock });
  const views = createViews({ logoAddress: createLogoAddress(envelope) });
  const audit = createAudit({ database, clock, logger, lost: () => undefined });
  const person = { login: everyClaim.email, password: randomBytes(12).toString('base64url') };
  const personId = uuidv7(clock.now());
  await database.knex('users').insert({ id: personId, created_at: clock.now(), updated_at: clock.now() });
  const accounts = {
    find: async (id: string) => (id === personId ? { id, status: 'active', claims: everyClaim } : undefined),
    idOf: async (login: string) => (login === person.login ? personId : undefined),
  };

  const http = createHttp({
    config,
    clock,
    logger,
    metrics: createMetrics(),
    envelope,
    views,
    authenticator: { authenticate: () => Promise.reject(new Error('no API here')) },
    guard: { reach: async () => undefined },
    audit: audit.buffer,
    probes: [],
  });
  const oidc = await createOidc({
    config,
    database,
    clock,
    logger,
    envelope,
    outbound,
    sinks: { audit: (trx) => audit.in(trx), outbox: () => ({ add: async () => undefined }) },
    audit: audit.buffer,
    accounts,
    entitlements: { entitlementsOf: async () => ({ roles: [], permissions: [], groups: [], organizations: [] }) },
    pages: createProtocolPages({ pageOf: http.pageOf, accounts }),
  });
  for (const client of bootstrap.clients ?? []) await oidc.clients.put(client as ClientRegistration, 'bootstrap');
  for (const { scopes, ...resource } of bootstrap.resources ?? []) {
    const record = { ...resource, scopes: scopes.map((name) => ({ name })), introspectionClients: [] };
    await oidc.resources.put(record, 'bootstrap');
  }
  const signIn = async (attempt: { login: string; password: string }) =>
    attempt.login === person.login && attempt.password === person.password
      ? {
          kind: 'authenticated' as const,
          accountId: personId,
          acr: 'urn:mace:incommon:iap:bronze',
          amr: ['pwd'],
          authTime: clock.now(),
        }
      : { kind: 'refused' as const };
  createInteractions({
    interactions: oidc.interactions,
    authn: { signIn, register: async () => ({ kind: 'accepted' }) },
    accounts,
    views,
    clock,
    site: { issuer, registration: 'open', doors: () => [] },
  }).mount(http.pages);
  mountLogos(http.pages, { envelope, outbound });
  http.setKeys(oidc.cookieKeys);
  http.useLast(oidc.middleware);
  server.on('request', http.callback());

  return {
    issuer,
    person,
    rotateKeys: async () => void (await oidc.keys.rotate()),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await audit.flush();
      await database.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
