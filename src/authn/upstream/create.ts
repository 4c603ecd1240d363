import { type Accounts, createAddressRepository, createPasswordRepository } from '../../identity/index.ts';
import type { Caches } from '../../platform/cache/index.ts';
import type { Config } from '../../platform/config/index.ts';
import type { Envelope } from '../../platform/crypto/index.ts';
import { type Database, inAllTenants, setTenants } from '../../platform/db/index.ts';
import type { AdminRoutes } from '../../platform/http/index.ts';
import { currentScope, type Logger } from '../../platform/logging/index.ts';
import { createStandInOutbound, type Outbound } from '../../platform/outbound/index.ts';
import type { AuditBuffer, AuditSink, Clock, InTransaction, Outbox, Principal } from '../../platform/ports.ts';
import { createDeviceRepository } from '../factors/repository.ts';
import { noticeTopic } from '../notices/service.ts';
import type { SignIn } from '../signin/service.ts';
import { createSurrender } from '../surrender/unit.ts';
import { createFacebookDialect } from './dialects/facebook.ts';
import { createGithubDialect } from './dialects/github.ts';
import { createOidcDialect } from './dialects/oidc.ts';
import { createUpstreamFlowRepository } from './flows/repository.ts';
import { createUpstreamFlows } from './flows/service.ts';
import { createFlowStore } from './flows/store.ts';
import { createSocialAccounts } from './identities/links.ts';
import { createIdentityRepository, type IdentityRepository } from './identities/repository.ts';
import { mountSocialAccountRoutes } from './identities/routes.ts';
import { createUpstreamSignIn } from './identities/service.ts';
import type { IdentityUnit } from './identities/unit.ts';
import { createWaitingPeople } from './identities/waiting.ts';
import type { Provider } from './providers/provider.ts';
import { createRegistry, providersTag } from './providers/registry.ts';
import { createOfferedProviders, createProviderRepository } from './providers/repository.ts';
import { mountProviderRoutes } from './providers/routes.ts';
import { createProviderAdmin } from './providers/service.ts';

type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

/** What upstream sign-in needs of the deployment. */
export interface UpstreamSite {
  config: Pick<Config, 'social' | 'registration' | 'registrationPolicy' | 'outboundAllow'>;
  caches: Pick<Caches, 'cache' | 'invalidate'>;
  /** The guarded client. */
  outbound: Outbound;
  logger: Logger;
  /** Somebody new becomes a member of an organization, which changes what they hold. @throws duties_conflict */
  joining(trx: Transaction, accountId: string, run: () => Promise<void>): Promise<void>;
}

export interface UpstreamRoomDeps {
  database: Database;
  accounts: Accounts;
  clock: Clock;
  envelope: Envelope;
  audit: AuditBuffer;
  site: {
    issuer: string;
    sink(trx: Transaction): AuditSink;
    outbox(trx: Transaction): Outbox;
    endSessions(trx: Transaction, accountId: string, cause: string): Promise<void>;
    upstream: UpstreamSite;
    attempted(method: string, outcome: string): void;
  };
  signIn: { conclude: SignIn['conclude']; isActive(accountId: string): Promise<boolean> };
}

/** Upstream providers, who is known to them, and the way there and back, with their storage (FEATURES A5). */
export const createUpstreamRoom = ({ database, accounts, clock, envelope, audit, site, signIn }: UpstreamRoomDeps) => {
  const { knex } = database;
  const { caches, config, logger } = site.upstream;
  const { issuer, attempted } = site;
  const { social, registration, registrationPolicy } = config;
  // The operator's own stand-ins (`SOCIAL_*_BASE_URL`) may be anywhere.
  const outboundFor = createStandInOutbound({ config, clock, outbound: site.upstream.outbound });
  const registry = createRegistry({ social, offered: createOfferedProviders(database), envelope, caches });
  const identitiesIn = (trx: Transaction): IdentityRepository => {
    const repository = createIdentityRepository(trx);
    // Somebody new comes in a transaction of the accounts, which know of no tenant.
    const insert: IdentityRepository['insert'] = async (row) => {
      await setTenants(trx, 'all');
      return await repository.insert(row);
    };
    return { ...repository, insert };
  };
  const bind = (trx: Transaction): IdentityUnit => ({
    identities: identitiesIn(trx),
    addresses: createAddressRepository(trx),
    passwords: createPasswordRepository(trx),
    factors: createDeviceRepository(trx),
    surrender: createSurrender(trx),
    audit: site.sink(trx),
    endSessions: (accountId, cause) => site.endSessions(trx, accountId, cause),
    joinOrganization: async (accountId, organizationId, now) => {
      await setTenants(trx, [organizationId]);
      await site.upstream.joining(trx, accountId, () =>
        createIdentityRepository(trx).joinOrganization(accountId, organizationId, now),
      );
    },
    notify: (accountId, notice, provider) =>
      site
        .outbox(trx)
        .add({ topic: noticeTopic, key: accountId, payload: { accountId, notice, provider, ip: currentScope()?.ip } }),
  });
  const inTransaction: InTransaction<IdentityUnit> = (work) =>
    database.transaction(async (trx) => {
      await setTenants(trx, 'all');
      return await work(bind(trx));
    });
  const identities = inAllTenants(database, createIdentityRepository);
  const outbound = ({ baseUrl }: Provider): Outbound => outboundFor(baseUrl);
  const oidc = createOidcDialect(outbound, clock);
  const dialects = { oidc, google: oidc, github: createGithubDialect(outbound), facebook: createFacebookDialect(outbound) };
  const store = createFlowStore({ flows: createUpstreamFlowRepository(knex), envelope, clock });
  const socialAccounts = createSocialAccounts({ identities, inTransaction, registry });
  const admin = createProviderAdmin({
    inTenants: (scope, work) =>
      database.transaction(async (trx) => {
        await setTenants(trx, scope);
        const announce = () => caches.invalidate([providersTag], trx);
        return await work({ providers: createProviderRepository(trx), audit: site.sink(trx), announce });
      }),
    envelope,
    clock,
    issuer,
    reserved: registry.reserved,
  });
  return {
    offers: registry.offers,
    /** Those that an account is connected with. */
    offersOf: async (accountId: string): Promise<Awaited<ReturnType<typeof registry.offers>>> => {
      const names = new Set((await identities.list(accountId)).map(({ provider }) => provider));
      const found = await Promise.all([...names].map((name) => registry.find(name)));
      return found.flatMap((provider) => {
        if (!provider) return [];
        const { name, displayName, kind } = provider;
        return [{ name, displayName, kind }];
      });
    },
    flows: createUpstreamFlows({ store, registry, dialects, issuer, audit, logger, attempted }),
    people: createUpstreamSignIn({
      accounts,
      identities,
      inTransaction,
      bind,
      signIn,
      surroundings: {
        clock,
        audit,
        signUp: { isOpen: registration === 'open', policy: registrationPolicy },
        attempted,
      },
    }),
    waiting: createWaitingPeople({ store, registry }),
    socialAccounts,
    mount: (routes: AdminRoutes, requireOwner: (principal: Principal) => Promise<void>): void => {
      mountProviderRoutes(routes, admin);
      mountSocialAccountRoutes(routes, { accounts: socialAccounts, requireOwner });
    },
  };
};

export type Upstream = ReturnType<typeof createUpstreamRoom>;
