/** Composition root: builds every room and joins them (STYLE.md, "The tree"). */
import { createAudit } from './audit/index.ts';
import { createAuthn } from './authn/index.ts';
import { conformancePerson, readBootstrap } from './bootstrap.ts';
import { createAccounts } from './identity/index.ts';
import { createInteractions, createLogoAddress, createProtocolPages, mountLogos } from './interactions/index.ts';
import { createOidc, type Oidc } from './oidc/index.ts';
import type { Config } from './platform/config/index.ts';
import { createEnvelope, loadMasterKeys, randomSecret } from './platform/crypto/index.ts';
import { type Database, openDatabase } from './platform/db/index.ts';
import { createHttp, createHttpServer, createIdempotencyRepository, drain, listenOn } from './platform/http/index.ts';
import { createLogger } from './platform/logging/index.ts';
import { createMetrics } from './platform/metrics/index.ts';
import { createOutbound } from './platform/outbound/index.ts';
import type { Clock } from './platform/ports.ts';
import { createViews } from './platform/views/index.ts';

export interface App {
  readonly issuer: string;
  /** Present at the first start only. */
  readonly firstAdministrator: { email: string; password: string | undefined } | undefined;
  /** Present with PROFILE=conformance; the password where it was generated. */
  readonly conformancePerson: { email: string; password: string } | undefined;
  /** @returns the port */
  listen(): Promise<number>;
  close(): Promise<void>;
  /** An operator's step: new signing keys for every algorithm. */
  rotateKeys(): Promise<void>;
}

export interface AppOptions {
  clock?: Clock;
  database?: Database;
}

const systemClock: Clock = { now: () => new Date() };

const openEnvelope = async (config: Config, database: Database) => {
  const isFresh = (await database.knex('signing_keys').first('kid')) === undefined;
  return createEnvelope(loadMasterKeys(config.masterKeys, config.dataDir, isFresh));
};

export const createApp = async (config: Config, { clock = systemClock, database: given }: AppOptions = {}): Promise<App> => {
  const bootstrap = readBootstrap(config);
  const logger = createLogger(config.logLevel);
  const { databaseUrl, dataDir, databasePoolMax: poolMax } = config;
  const database = given ?? (await openDatabase({ databaseUrl, dataDir, poolMax }));
  const envelope = await openEnvelope(config, database);
  const metrics = createMetrics();
  const views = createViews({ logoAddress: createLogoAddress(envelope) });
  const outbound = createOutbound({
    config,
    clock,
    onRefused: ({ host }) => logger.warn({ host }, 'an outbound call was refused'),
  });
  database.onStatement(({ durationSeconds }) => metrics.queryDuration.observe(durationSeconds));
  const audit = createAudit({ database, clock, logger, lost: (count) => logger.error({ count }, 'audit events were lost') });

  const accounts = createAccounts({ database, clock, audit: (trx) => audit.in(trx) });
  const authn = createAuthn({
    database,
    accounts,
    clock,
    audit: audit.buffer,
    envelope,
    site: {
      issuer: config.issuer,
      sink: (trx) => audit.in(trx),
      nameOf: async (id) => String((await accounts.find(id))?.claims.email ?? id),
      holdingsOf: async () => ({ roles: [], organizations: [] }),
    },
    protection: {
      loginLimit: config.rateLimits.login,
      attempted: (method, outcome) => metrics.authenticationAttempts.inc({ method, outcome }),
    },
  });

  const http = createHttp({
    config,
    clock,
    logger,
    metrics,
    envelope,
    views,
    authenticator: { authenticate: (token, scope) => oidc.authenticator.authenticate(token, scope) },
    guard: { reach: async () => undefined },
    audit: audit.buffer,
    idempotencyKeys: createIdempotencyRepository(database.knex),
    probes: [
      {
        name: 'database',
        essential: true,
        check: async () => {
          await database.knex.raw('select 1');
          return { status: 'ok' };
        },
      },
    ],
  });
  const pages = createProtocolPages({ pageOf: http.pageOf, accounts });
  const nobody = { roles: [], permissions: [], groups: [], organizations: [] };
  const oidc: Oidc = await createOidc({
    config,
    database,
    clock,
    logger,
    envelope,
    outbound,
    sinks: { audit: (trx) => audit.in(trx), auditStatement: audit.statement, outbox: () => ({ add: async () => undefined }) },
    audit: audit.buffer,
    accounts,
    entitlements: { entitlementsOf: async () => nobody },
    factors: {
      isRequired: async (accountId, clientId) => (await authn.factorPolicy.requirementOf(accountId, clientId)) === 'required',
    },
    pages,
  });
  const site = {
    issuer: config.issuer,
    registration: config.registration,
    doors: () => [{ name: 'device', href: '/device' }] as const,
  };
  createInteractions({ interactions: oidc.interactions, authn, accounts, views, clock, site }).mount(http.pages);
  mountLogos(http.pages, { envelope, outbound });
  audit.mount(http.admin);
  authn.mount(http.admin);
  oidc.mount(http.admin, { organizationsOf: async () => nobody.organizations });
  http.setKeys(oidc.cookieKeys);
  http.useLast(oidc.middleware);

  const person = async (email: string, password: string | undefined, claims: Record<string, unknown>, emailVerified: boolean) => {
    if ((await accounts.idOf(email)) !== undefined) return undefined;
    const chosen = password ?? randomSecret(16);
    await accounts.create({ email, emailVerified, passwordHash: await authn.hashPassword(chosen), claims, source: 'bootstrap' });
    return chosen;
  };
  const { email, password } = config.bootstrapAdmin;
  const administrator = (await accounts.isEmpty()) ? await person(email, password, {}, true) : undefined;
  await oidc.applyBootstrap(bootstrap);
  for (const { email: address, password: secret, roles: _roles, ...claims } of bootstrap.users) {
    await person(address, secret, claims, claims.email_verified === true);
  }
  const isConformance = config.profile === 'conformance';
  const tester = isConformance
    ? await person(conformancePerson.email, config.conformancePassword, conformancePerson.claims, true)
    : undefined;

  const server = createHttpServer(config);
  server.on('request', http.callback());
  return {
    issuer: config.issuer,
    firstAdministrator:
      administrator === undefined ? undefined : { email, password: password === undefined ? administrator : undefined },
    conformancePerson: tester === undefined ? undefined : { email: conformancePerson.email, password: tester },
    listen: () => listenOn(server, config),
    rotateKeys: async () => void (await oidc.keys.rotate()),
    close: async () => {
      http.startDraining();
      await drain(server, config.drainDelaySeconds);
      await authn.close();
      await audit.flush();
      await database.close();
    },
  };
};
