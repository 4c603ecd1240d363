import type { JWKS } from 'oidc-provider';
import { everything } from '../platform/cache/index.ts';
import type { Config } from '../platform/config/index.ts';
import type { Envelope } from '../platform/crypto/index.ts';
import { type Database, inAllTenants, setTenants } from '../platform/db/index.ts';
import type { AdminRoutes } from '../platform/http/index.ts';
import type { Logger } from '../platform/logging/index.ts';
import type { Outbound } from '../platform/outbound/index.ts';
import type { AuditBuffer, Clock, Mailer } from '../platform/ports.ts';
import { createArtifactStore } from './adapters/index.ts';
import { createApprovalRoom } from './approvals/create.ts';
import { createBootstrap } from './bootstrap/service.ts';
import { createBrowserSessions } from './browser/service.ts';
import { createResourceClaims } from './claims/entitlements.ts';
import { withDocuments } from './clients/documents.ts';
import type { ClientRegistration } from './clients/intake.ts';
import { createRegisteredOrigins } from './clients/origins.ts';
import { createClientRepository } from './clients/repository.ts';
import { mountClientRoutes } from './clients/routes.ts';
import { createClients } from './clients/service.ts';
import { createUses } from './clients/uses.ts';
import { createApplicationRoom } from './consents/create.ts';
import { createConsents } from './consents/service.ts';
import { createDirect } from './direct/create.ts';
import { createEndingRoom } from './endings/create.ts';
import { apiScopes, ensureBuiltin } from './first-party/builtin.ts';
import { createFirstParty } from './first-party/service.ts';
import { createInteractionService } from './interactions/service.ts';
import { createKeyRepository } from './keys/repository.ts';
import { mountKeyRoutes } from './keys/routes.ts';
import { createKeys, type KeyDeps } from './keys/service.ts';
import { createOpenings } from './limits/openings.ts';
import { createCounterRepository } from './limits/repository.ts';
import { createProtocolLimits } from './limits/service.ts';
import type {
  AccountSource,
  EntitlementSource,
  ExchangePolicy,
  FactorDemand,
  RecordCaches,
  SessionRoom,
  Transaction,
  TransactionalSinks,
} from './ports.ts';
import { backchannelAuthentication } from './protocol/backchannel-authentication.ts';
import { registerTokenExchange } from './protocol/token-exchange.ts';
import { settingsOf } from './provider/client-view.ts';
import { type Core, type CoreDeps, createCore } from './provider/core.ts';
import { attachEvents } from './provider/events.ts';
import type { ProtocolPages } from './provider/pages.ts';
import { machinePaths, routes } from './provider/routes.ts';
import { mountRegistrationTokenRoutes } from './registration-tokens/routes.ts';
import { createRegistrationTokens } from './registration-tokens/service.ts';
import { mountResourceRoutes } from './resources/routes.ts';
import { createResources } from './resources/service.ts';
import { mountRevocationRoutes } from './revocations/routes.ts';
import { attachBinding } from './sessions/binding.ts';
import { tokenAnswers } from './tokens/answers.ts';
import { createTokenRoom } from './tokens/create.ts';

export interface OidcDeps {
  config: Config;
  database: Database;
  clock: Clock;
  logger: Logger;
  envelope: Envelope;
  outbound: Outbound;
  caches: RecordCaches;
  sinks: TransactionalSinks;
  audit: AuditBuffer;
  accounts: AccountSource & { idOf(login: string): Promise<string | undefined> };
  entitlements: EntitlementSource;
  exchangePolicy: ExchangePolicy;
  factors: FactorDemand;
  /** Device rows beside the provider's sessions, and where these may be used. */
  sessions: SessionRoom;
  pages: ProtocolPages;
  mail(trx: Transaction): Mailer;
  /** `tokens_issued_total`. */
  issued(kind: string, grantType: string): void;
}

/** What is invalidated when the signing keys change: every process reads them again (P6). */
const keysTag = 'keys';
const sweepBatch = 1000;

export const createOidc = async (deps: OidcDeps) => {
  const { config, database, clock, logger, envelope, outbound, caches } = deps;
  const { issuer } = config;
  const { sinks, audit, accounts, entitlements, factors, pages, issued } = deps;
  const { knex } = database;
  const provider = (): Core['provider'] => core.provider;
  const clients = createClients({ config, database, clock, envelope, caches, sinks });
  const resources = createResources({ database, clock, caches, sinks });
  const inTransaction: KeyDeps['inTransaction'] = (work) =>
    database.transaction(async (trx) => {
      await setTenants(trx, 'all');
      const announce = async (): Promise<void> => caches.invalidate([keysTag], trx);
      return await work({ keys: createKeyRepository(trx), audit: sinks.audit(trx), announce });
    });
  // The official suite's oidcc-server-rotate-keys knows no new key but RSA and EC.
  const isLeftAlone = (alg: string): boolean => config.profile === 'conformance' && alg === 'EdDSA';
  const keys = createKeys({ clock, envelope, logger, keys: createKeyRepository(knex), inTransaction, isLeftAlone });
  const store = createArtifactStore({
    database,
    clients: withDocuments(clients),
    clock,
    audit: { statement: sinks.auditStatement, buffer: audit },
  });
  const consents = createConsents({ store, clock });
  const { approvals, ...approval } = createApprovalRoom({ provider, store, resources, given: deps });
  const registrationTokens = createRegistrationTokens({ database, clock, sinks });
  const limits = createProtocolLimits({ counters: createCounterRepository(knex), envelope, clock });
  const registrar = {
    ...clients,
    register: (metadata: Record<string, unknown>) => clients.put(metadata as ClientRegistration, 'dynamic'),
  };
  const cookieKeys = [envelope.blindIndex('cookie', 'cookie-keys')];

  const { structured, policy, active, authenticator, bind } = createTokenRoom({ given: deps, provider, keys, store, resources });

  const { endings, revocations, recording, lateReuse, notices } = createEndingRoom({
    issuer,
    provider,
    given: deps,
    disableTokens: clients.endTokens,
  });

  const connected = createApplicationRoom({ provider, database, resources, endings });
  const resourceClaims = createResourceClaims(resources, entitlements);
  const core: Core = createCore({
    config,
    logger,
    clock,
    envelope,
    outbound,
    store,
    clients: registrar,
    resources,
    accounts,
    entitlements,
    resourceClaims,
    factors,
    consents,
    pages,
    ciba: backchannelAuthentication({ approvals, clock, accountOf: (login) => accounts.idOf(login) }),
    cookieKeys,
    uses: () => uses.current(),
    around: tokenAnswers({ paths: routes, structured, store, rules: { policy, resourceClaims }, audit }) as CoreDeps['around'],
    policy,
    registrationTokens,
    limits,
    lateReuse,
    openings: createOpenings(store),
    extend: (provider) => {
      recording.attach(provider);
      attachBinding(provider, { binding: deps.sessions.binding, endSessions: endings.endSessions });
      notices.attach(provider);
      attachEvents(provider, { audit, recording, issued });
      approval.attach(provider);
      registerTokenExchange(provider, {
        active,
        resources,
        bind: bind(provider),
        policy: deps.exchangePolicy,
        mayImpersonate: (client) => settingsOf(client).mayImpersonate === true,
        audit,
      });
    },
  });
  const direct = createDirect({ ...deps, issuer, provider, store, clients, resources, limits, policy, resourceClaims });
  const uses = createUses({
    config,
    clients: inAllTenants(database, createClientRepository),
    caches,
    logger,
    changed: () => reload(),
  });
  const load = async (): Promise<void> => core.rebuild((await keys.current()) as unknown as JWKS);
  const reload = (): void =>
    void load().catch((error: unknown) => logger.error({ err: error }, 'the provider goes on with the settings of before'));
  keys.onChange(reload);
  caches.onInvalidate((tags) => {
    if (tags.includes(keysTag) || tags.includes(everything))
      keys.reload().catch((error: unknown) => logger.error({ err: error }, 'signing keys could not be read'));
  });
  await ensureBuiltin({ issuer, clients, resources });
  await keys.prepare();
  await uses.read();
  await load();

  return {
    applyBootstrap: createBootstrap({ database, clients, resources }),
    mount: (admin: AdminRoutes): void => {
      mountClientRoutes(admin, { clients: clients.admin });
      mountRegistrationTokenRoutes(admin, registrationTokens);
      const takesCertificates = config.tlsClientCert !== 'off';
      mountResourceRoutes(admin, resources.admin, { issuer, scopes: apiScopes, takesCertificates });
      mountKeyRoutes(admin, keys);
      mountRevocationRoutes(admin, revocations);
      connected.mount(admin);
    },
    middleware: core.middleware,
    machineLane: { paths: machinePaths, document: core.document },
    direct,
    isRegisteredOrigin: createRegisteredOrigins(inAllTenants(database, createClientRepository), caches),
    /** RU-05: whether an application of our own registered the address. */
    isFirstPartyAddress: async (uri: string): Promise<boolean> =>
      (await inAllTenants(database, createClientRepository).ofFirstPartyUri(uri)) !== undefined,
    authenticator,
    /** The outer app signs the same cookies (GROUND.md §7). */
    cookieKeys,
    firstParty: createFirstParty({
      provider,
      issuer,
      store,
      resources,
      recording,
      lateReuse,
      binding: deps.sessions.binding,
      endSession: (uid) => endings.endSessions([uid], { cause: 'device_mismatch', actor: { type: 'system' } }),
      issued,
    }),
    endings,
    revocations,
    applications: connected.applications,
    /** Back-channel logout: the outbox topic and what delivers an entry of it. */
    logoutNotices: { topic: notices.topic, deliver: notices.deliver },
    interactions: createInteractionService({ provider, store, consents, resources }),
    clients,
    resources,
    keys,
    approvals: approval.pages,
    /** CIBA's ping: the outbox topic and what delivers an entry of it. */
    pings: { topic: approval.pings.topic, deliver: approval.pings.deliver },
    browser: createBrowserSessions({ provider, issuer: config.issuer }),
    /** The job: removes expired artifacts in batches. */
    sweep: async (signal: AbortSignal): Promise<void> => {
      while (!signal.aborted && (await store.sweep(sweepBatch)) >= sweepBatch);
      if (!signal.aborted) await approvals.sweep();
      if (!signal.aborted) await revocations.settle(signal);
    },
    registrationTokens,
  };
};

export type Oidc = Awaited<ReturnType<typeof createOidc>>;
