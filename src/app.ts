/** Composition root: builds every room and joins them (STYLE.md, "The tree"). */
import { type Authn, createAuthn } from './authn/index.ts';
import { type Bootstrap, conformancePerson, readBootstrap } from './bootstrap.ts';
import { type Foundation, type FoundationOptions, openFoundation } from './foundation.ts';
import { type Accounts, createAccounts } from './identity/index.ts';
import {
  createAuthApi,
  createInteractions,
  createLogoAddress,
  createProtocolPages,
  mountAuthRoutes,
  mountLogos,
} from './interactions/index.ts';
import { createOidc, firstPartyClientId, type Oidc } from './oidc/index.ts';
import type { Config } from './platform/config/index.ts';
import { randomSecret } from './platform/crypto/index.ts';
import { createHttp, createHttpServer, createIdempotencyRepository, drain, type Http, listenOn } from './platform/http/index.ts';
import { createViews } from './platform/views/index.ts';
import { createSessions } from './sessions/index.ts';

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

export type AppOptions = FoundationOptions;

/** The rooms, joined but not listening: what the service and the commands of `castellan` work with. */
export interface Rooms {
  foundation: Foundation;
  accounts: Accounts;
  authn: Authn;
  oidc: Oidc;
  http: Http;
  close(): Promise<void>;
}

const nobody = { roles: [], permissions: [], groups: [], organizations: [] };

export const openRooms = async (config: Config, options: AppOptions = {}): Promise<Rooms> => {
  const foundation = await openFoundation(config, options);
  const { clock, logger, metrics, database, envelope, outbound, audit, caches, sinks } = foundation;
  const views = createViews({ logoAddress: createLogoAddress(envelope) });

  const accounts = createAccounts({ database, clock, audit: sinks.audit });
  const authn = createAuthn({
    database,
    accounts,
    clock,
    audit: audit.buffer,
    envelope,
    site: {
      issuer: config.issuer,
      sink: sinks.audit,
      outbox: sinks.outbox,
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
    probes: foundation.probes,
  });
  const sessions = createSessions({ database, clock, audit: sinks.audit });
  const pages = createProtocolPages({ pageOf: http.pageOf, accounts });
  const oidc: Oidc = await createOidc({
    config,
    database,
    clock,
    logger,
    envelope,
    outbound,
    caches,
    sinks,
    audit: audit.buffer,
    accounts,
    entitlements: { entitlementsOf: async () => nobody },
    factors: {
      isRequired: async (accountId, clientId) => (await authn.factorPolicy.requirementOf(accountId, clientId)) === 'required',
    },
    sessions: sessions.recorder,
    pages,
    issued: (kind, grantType) => metrics.tokensIssued.inc({ kind, grant_type: grantType }),
  });
  const site = {
    issuer: config.issuer,
    registration: config.registration,
    doors: () => [{ name: 'device', href: '/device' }] as const,
  };
  createInteractions({ interactions: oidc.interactions, authn, accounts, views, clock, site }).mount(http.pages);
  mountLogos(http.pages, { envelope, outbound });
  const isRegistrationOpen = config.registration === 'open';
  const authApi = createAuthApi({
    authn,
    accounts,
    firstParty: oidc.firstParty,
    endings: oidc.endings,
    clock,
    site: { clientId: firstPartyClientId, isRegistrationOpen },
  });
  mountAuthRoutes(http.admin, { api: authApi, authenticator: oidc.authenticator, entitlementsOf: async () => nobody });
  sessions.mount(http.admin, { endings: oidc.endings, guard: { reach: async () => undefined }, audit: audit.buffer });
  audit.mount(http.admin);
  authn.mount(http.admin);
  oidc.mount(http.admin, { organizationsOf: async () => nobody.organizations });
  http.setKeys(oidc.cookieKeys);
  http.useLast(oidc.middleware);
  http.setMachineLane(oidc.machineLane);
  foundation.outbox.subscribe(oidc.logoutNotices.topic, ({ payload }) => oidc.logoutNotices.deliver(payload));
  foundation.jobs.every('signing-keys', keyJobSeconds, () => oidc.keys.maintain());
  foundation.jobs.every('expired-artifacts', sweepJobSeconds, ({ signal }) => oidc.sweep(signal));

  return {
    foundation,
    accounts,
    authn,
    oidc,
    http,
    close: async () => {
      await authn.close();
      await foundation.close();
    },
  };
};

const keyJobSeconds = 3600;
const sweepJobSeconds = 300;

/** First administrator, people of the bootstrap file, the tester of PROFILE=conformance: created only where they are absent. */
const createPeople = async ({ accounts, authn }: Rooms, config: Config, bootstrap: Bootstrap) => {
  const person = async (email: string, password: string | undefined, claims: Record<string, unknown>, emailVerified: boolean) => {
    if ((await accounts.idOf(email)) !== undefined) return undefined;
    const chosen = password ?? randomSecret(16);
    await accounts.create({ email, emailVerified, passwordHash: await authn.hashPassword(chosen), claims, source: 'bootstrap' });
    return chosen;
  };
  const { email, password } = config.bootstrapAdmin;
  const administrator = (await accounts.isEmpty()) ? await person(email, password, {}, true) : undefined;
  for (const { email: address, password: secret, roles: _roles, ...claims } of bootstrap.users) {
    await person(address, secret, claims, claims.email_verified === true);
  }
  const tester =
    config.profile === 'conformance'
      ? await person(conformancePerson.email, config.conformancePassword, conformancePerson.claims, true)
      : undefined;
  return {
    firstAdministrator:
      administrator === undefined ? undefined : { email, password: password === undefined ? administrator : undefined },
    conformancePerson: tester === undefined ? undefined : { email: conformancePerson.email, password: tester },
  };
};

export const createApp = async (config: Config, options: AppOptions = {}): Promise<App> => {
  const bootstrap = readBootstrap(config);
  const rooms = await openRooms(config, options);
  const { foundation, http, oidc } = rooms;
  await oidc.applyBootstrap(bootstrap);
  const people = await createPeople(rooms, config, bootstrap);
  await foundation.start();
  const server = createHttpServer(config);
  server.on('request', http.callback());
  return {
    issuer: config.issuer,
    ...people,
    listen: () => listenOn(server, config),
    rotateKeys: async () => void (await oidc.keys.rotate()),
    close: async () => {
      http.startDraining();
      await drain(server, config.drainDelaySeconds);
      await rooms.close();
    },
  };
};
