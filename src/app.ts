/** Composition root: builds every room and joins them (STYLE.md, "The tree"). */
import { type Authn, createAuthn } from './authn/index.ts';
import { type Authz, createAuthz, directEvaluation } from './authz/index.ts';
import { declareBackground } from './background.ts';
import { readBootstrap } from './bootstrap.ts';
import { type Foundation, type FoundationOptions, openFoundation } from './foundation.ts';
import { type Accounts, createAccounts, type Directory } from './identity/index.ts';
import {
  createInteractions,
  createLogoAddress,
  createProtocolPages,
  mountJsonSignIn,
  mountLogos,
  mountOutbox,
  mountUpstream,
} from './interactions/index.ts';
import { createOidc, firstPartyClientId, type Oidc, proofAlgorithms } from './oidc/index.ts';
import { createPeople } from './people.ts';
import type { Config } from './platform/config/index.ts';
import { inTurn } from './platform/db/index.ts';
import {
  cors,
  createHttp,
  createHttpServer,
  createIdempotencyRepository,
  drain,
  type Http,
  listenOn,
} from './platform/http/index.ts';
import { createMail, type Mail } from './platform/mail/index.ts';
import type { Authenticator } from './platform/ports.ts';
import { createSms, type Sms } from './platform/sms/index.ts';
import { createViews } from './platform/views/index.ts';
import { resealAll } from './sealed.ts';
import { createSessions } from './sessions/index.ts';
import { createAuthnSite, createExchangePolicy, createHouses, createRisk, mountConsoles, mountPeople } from './sites.ts';

export interface App {
  readonly issuer: string;
  /** Present at the first start only. */
  readonly firstAdministrator: { email: string; password: string | undefined } | undefined;
  /** Present with PROFILE=conformance; the password where it was generated. */
  readonly conformancePerson: { email: string; password: string } | undefined;
  /** @returns the port */
  listen(): Promise<number>;
  close(): Promise<void>;
  /** For the operator's commands. */
  readonly rooms: Rooms;
  /** An operator's step: new signing keys for every algorithm. */
  rotateKeys(): Promise<void>;
}

export type AppOptions = FoundationOptions;

/** The rooms, joined but not listening: what the service and the commands of `castellan` work with. */
export interface Rooms {
  foundation: Foundation;
  accounts: Accounts;
  directory: Directory;
  authn: Authn;
  authz: Authz;
  oidc: Oidc;
  http: Http;
  mail: Mail;
  sms: Sms;
  close(): Promise<void>;
}

export const openRooms = async (config: Config, options: AppOptions = {}): Promise<Rooms> => {
  const foundation = await openFoundation(config, options);
  const { clock, logger, metrics, database, envelope, outbox, outbound, audit, caches, sinks, places } = foundation;
  const views = createViews({ logoAddress: createLogoAddress(envelope) });

  const mail = createMail({ config, outbox, views, clock, logger, metrics, houseOf: (message) => houses.ofMail(message) });
  const sms = createSms({ config, outbox, outbound, views, clock, logger, metrics });
  const accounts = createAccounts({ database, clock, audit: sinks.audit });
  const authz = createAuthz({
    database,
    clock,
    caches,
    audit: sinks.audit,
    buffer: audit.buffer,
    issuer: config.issuer,
    idOfLogin: accounts.idOf,
  });
  const houses = createHouses(foundation, { accounts, authz });
  const authn = createAuthn({
    database,
    accounts,
    clock,
    audit: audit.buffer,
    envelope,
    site: createAuthnSite({ foundation, accounts, authz, mail, sms, endings: () => oidc.endings }),
    protection: {
      assess: createRisk(foundation).assess,
      loginLimit: config.rateLimits.login,
      passwordCost: options.passwordCost,
      attempted: (method, outcome) => metrics.authenticationAttempts.inc({ method, outcome }),
    },
  });

  const authenticate: Authenticator['authenticate'] = async (presented, ...scopes) => {
    const principal = await oidc.authenticator.authenticate(presented, ...scopes);
    return { ...principal, roles: await authz.rolesOf(principal) };
  };
  const http = createHttp({
    config,
    clock,
    logger,
    metrics,
    envelope,
    views,
    authenticator: {
      dpop: {
        algorithms: proofAlgorithms,
        nextNonce: () => oidc.authenticator.dpop.nextNonce(),
      },
      authenticate,
    },
    guard: authz.guard,
    audit: audit.buffer,
    idempotencyKeys: createIdempotencyRepository(database.knex),
    probes: [...foundation.probes, mail.probe],
  });
  const sessions = createSessions(
    { database, clock, audit: sinks.audit, buffer: audit.buffer, places, count: config.sessions },
    { mode: config.sessions.binding, mismatched: (response) => metrics.sessionMismatches.inc({ response }) },
  );
  metrics.countSessionsBy(sessions.count);
  const pages = createProtocolPages({ pageOf: http.pageOf, accounts });
  await inTurn(database, () => resealAll(foundation));
  const oidc: Oidc = await inTurn(database, () =>
    createOidc({
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
      entitlements: authz,
      exchangePolicy: createExchangePolicy(authz),
      factors: {
        areTermsDue: (accountId) => authn.terms.isDue(accountId),
        isRequired: async (accountId, clients) => (await authn.factorPolicy.requirementOf(accountId, clients)) === 'required',
      },
      sessions: { ...sessions.recorder, binding: sessions.binding },
      mail: mail.in,
      pages,
      issued: (kind, grantType) => metrics.tokensIssued.inc({ kind, grant_type: grantType }),
    }),
  );
  const site = {
    issuer: config.issuer,
    registration: config.registration,
    needsApproval: config.registrationPolicy.needsApproval,
    doors: () =>
      [
        { name: 'account', href: '/account' },
        { name: 'admin', href: '/admin' },
        { name: 'device', href: '/device' },
      ] as const,
  };
  createInteractions({
    interactions: oidc.interactions,
    houses,
    approvals: oidc.approvals,
    browser: oidc.browser,
    authn,
    accounts,
    views,
    clock,
    site,
  }).mount(http.pages);
  if (config.issuerIsLoopback && config.smtpUrl === undefined) {
    mountOutbox(http.pages, { list: outbox.list, render: mail.render, renderText: sms.render });
  }
  mountLogos(http.pages, { envelope, outbound });
  const authApi = mountJsonSignIn(http.admin, {
    ...oidc,
    authn,
    accounts,
    entitlementsOf: authz.entitlementsOf,
    clock,
    site: { clientId: firstPartyClientId, isRegistrationOpen: config.registration === 'open', csrf: http.csrf },
  });
  mountUpstream(http, { ...authn, api: authApi, isOwnAddress: oidc.isFirstPartyAddress });
  sessions.mount(http.admin, { endings: oidc.endings, guard: authz.guard, audit: audit.buffer });
  audit.mount(http.admin);
  authn.mount(http.admin, { authzGuard: authz.guard });
  oidc.mount(http.admin);
  authz.mount(http.admin);
  const directory = mountPeople(http.admin, { foundation, accounts, authn, authz, oidc });
  mountConsoles(http.pages, { foundation, houses, accounts, authn, authz, oidc, sessions, views, directory });
  http.useFirst(cors({ issuer: config.issuer, isRegistered: oidc.isRegisteredOrigin }));
  http.useFirst(authz.echoRequestId);
  http.setKeys(oidc.cookieKeys);
  http.useLast(oidc.middleware);
  http.setMachineLane(oidc.machineLane);
  http.addDirect([...oidc.direct, directEvaluation(authenticate, authz.check)]);
  declareBackground(foundation, { authn, oidc });

  return {
    foundation,
    accounts,
    directory,
    authn,
    authz,
    oidc,
    http,
    mail,
    sms,
    close: async () => {
      await authn.close();
      await foundation.close();
      mail.close();
    },
  };
};

export const createApp = async (config: Config, options: AppOptions = {}): Promise<App> => {
  const bootstrap = readBootstrap(config);
  const rooms = await openRooms(config, options);
  const { foundation, http, oidc } = rooms;
  const people = await inTurn(foundation.database, async () => {
    await rooms.authz.seed(http.rows.map(({ spec }) => spec.permission));
    await oidc.applyBootstrap(bootstrap);
    return await createPeople(rooms, config, bootstrap);
  });
  await foundation.start();
  const server = createHttpServer(config);
  server.on('request', http.callback());
  return {
    issuer: config.issuer,
    rooms,
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
