/** What rooms are told of the deployment and of each other, beyond the plain parts that `app.ts` hands around. */
import type { Authn, AuthnDeps, FactorPolicyRow, TermsRow } from './authn/index.ts';
import { type Authz, callerOf } from './authz/index.ts';
import { mountAccountConsole, mountAdminConsole } from './consoles/index.ts';
import type { Foundation } from './foundation.ts';
import { type Accounts, type Alongside, createBrands, createDirectory, type Directory } from './identity/index.ts';
import { type InteractionsDeps, passwordProblems, viewOfHouse, viewOfPerson } from './interactions/index.ts';
import { authorizationPath, type Endings, type ExchangePolicy, type Oidc, pagesClientId } from './oidc/index.ts';
import { errors } from './platform/errors/index.ts';
import type { AdminRoutes, PageRoutes } from './platform/http/index.ts';
import type { Mail } from './platform/mail/index.ts';
import type { Actor, House, MailMessage } from './platform/ports.ts';
import type { Sms } from './platform/sms/index.ts';
import type { Views } from './platform/views/index.ts';
import { createHistoryRepository, createSignInRisk, type SignInRisk } from './risk/index.ts';
import type { Sessions } from './sessions/index.ts';

type Transaction = Parameters<Alongside>[0];

interface AuthnSiteDeps {
  foundation: Foundation;
  accounts: Accounts;
  authz: Pick<Authz, 'entitlementsOf' | 'outranks' | 'assignIn' | 'requireGivable' | 'change'>;
  mail: Mail;
  sms: Sms;
  /** Built later than `authn`. */
  endings(): Endings;
}

export const createAuthnSite = ({ foundation, accounts, authz, mail, sms, endings }: AuthnSiteDeps): AuthnDeps['site'] => {
  const { config, sinks, caches, outbound, logger } = foundation;
  const factorPolicies = caches.cache<readonly FactorPolicyRow[]>({
    name: 'mfa-policies',
    l1Seconds: 60,
    l2Seconds: 300,
    maxEntries: 1,
  });
  const newestTerms = caches.cache<TermsRow | 'none'>({ name: 'terms', l1Seconds: 60, l2Seconds: 60, maxEntries: 1 });
  return {
    issuer: config.issuer,
    sink: sinks.audit,
    outbox: sinks.outbox,
    mail: mail.in,
    sms: sms.in,
    isSendingOffered: (method) => (method === 'sms' ? sms.isOffered : mail.isOffered),
    isLinkOffered: config.signInLink && mail.isOffered,
    endSessions: (trx, id, cause) => endings().endAccountIn(trx, id, { cause, actor: { type: 'user', id } }),
    forget: async (trx, id) => caches.invalidate([`user:${id}`], trx),
    roles: (trx) => ({
      change: (inviterId, userId, run) => {
        const actor = inviterId === null ? ({ type: 'anonymous' } as const) : ({ type: 'user', id: inviterId } as const);
        return authz.change(trx, { actor, scope: 'all' }, { userIds: [userId] }, run);
      },
      requireGivable: (inviter, wanted) => authz.requireGivable(trx, inviter, wanted),
      give: (inviterId, userId, wanted) => {
        const caller = { actor: { type: 'user', id: inviterId }, scope: 'all' } as const;
        return authz.assignIn(trx, caller, userId, { ...wanted, reason: 'invitation' });
      },
    }),
    registration: { mode: config.registration, ...config.registrationPolicy },
    terms: {
      cached: async (load) => (await newestTerms.get('newest', async () => ({ value: await load(), tags: ['terms'] }))) ?? 'none',
      changed: async (trx) => caches.invalidate(['terms'], trx),
    },
    policies: {
      cached: async (load) =>
        (await factorPolicies.get('all', async () => ({ value: await load(), tags: ['mfa-policies'] }))) ?? [],
      changed: async (trx) => caches.invalidate(['mfa-policies'], trx),
    },
    isNetworkCounted: config.rateLimits.enabled,
    upstream: {
      config,
      caches,
      outbound,
      logger,
      // Who set the provider up lets people in as nothing but members; duties are kept apart all the same (AZ-11).
      joining: (trx, userId, run) => authz.change(trx, { actor: { type: 'system' }, scope: 'all' }, { userIds: [userId] }, run),
    },
    nameOf: async (id) => String((await accounts.find(id))?.claims.email ?? id),
    outranks: authz.outranks,
    holdingsOf: async (id) => {
      const { roles, organizations } = await authz.entitlementsOf(id);
      return { roles, organizations: organizations.map((organization) => organization.id) };
    },
  };
};

export interface PeopleSiteDeps {
  foundation: Foundation;
  accounts: Accounts;
  authn: Pick<Authn, 'accountProblems' | 'hashPassword' | 'invite'>;
  authz: Pick<Authz, 'change' | 'endAssignments'>;
  oidc: Pick<Oidc, 'endings' | 'revocations'>;
}

/** @throws invalid_request, unavailable */
const createHash =
  ({ accountProblems, hashPassword }: Pick<Authn, 'accountProblems' | 'hashPassword'>) =>
  async (email: string, password: string, claims: Record<string, unknown>): Promise<string> => {
    const busy = (error: unknown): never => {
      throw error instanceof Error && error.name === 'HashingBusy'
        ? errors.unavailable({ headers: { 'Retry-After': '5' } })
        : error;
    };
    const problems = await accountProblems(email, password, claims).catch(busy);
    if (problems.length > 0) throw passwordProblems(problems);
    return hashPassword(password).catch(busy);
  };

/** People, groups and organizations as administrators keep them. */
export const mountPeople = (admin: AdminRoutes, deps: PeopleSiteDeps): Directory => {
  const { foundation, accounts, authn, authz, oidc } = deps;
  const { database, clock, sinks, caches } = foundation;
  const forget = async (trx: Transaction, ...tags: string[]) => caches.invalidate(tags, trx);
  const rights = { change: authz.change, endAssignments: authz.endAssignments, forget };
  const outside = {
    hash: createHash(authn),
    invite: authn.invite,
    end: oidc.endings.endAccountIn,
    endOrganization: async (trx: Transaction, organizationId: string, actor: Actor) =>
      void (await oidc.revocations.revokeIn(trx, { organizationId, actor, reason: 'suspended' })),
  };
  const directory = createDirectory({ database, clock, audit: sinks.audit, rights, accounts, outside });
  directory.mount(admin);
  return directory;
};

/** FEATURES P1: policies say whether a client may act for a person. */
export const createExchangePolicy = ({ ruling }: Pick<Authz, 'ruling'>): ExchangePolicy => ({
  ruling: ({ action, clientId, attributes, context }) =>
    ruling(clientId, { action, resource: { type: 'token-exchange', attributes }, context }),
});

export const createRisk = ({ database, places, clock, audit, metrics }: Foundation): SignInRisk =>
  createSignInRisk({
    history: createHistoryRepository(database.knex),
    places,
    clock,
    audit: audit.buffer,
    assessed: (level) => metrics.signInRisk.inc({ level }),
  });

interface ConsoleRooms {
  foundation: Foundation;
  accounts: Accounts;
  authn: Authn;
  authz: Authz;
  oidc: Oidc;
  sessions: Sessions;
  views: Views;
  directory: Directory;
  houses: InteractionsDeps['houses'];
}

/** More organizations than a person would choose from. */
const maxPlaces = 100;

export const mountConsoles = (pages: PageRoutes, rooms: ConsoleRooms): void => {
  const { foundation, accounts, authn, authz, oidc, sessions, views, directory, houses } = rooms;
  const { config, clock, audit, outbox } = foundation;
  const shared = {
    accounts,
    sessions: oidc.browser,
    nameOf: async (id: string) => viewOfPerson((await accounts.find(id))?.claims ?? {}, id),
    clock,
    site: { issuer: config.issuer, clientId: pagesClientId, authorizationPath },
  };
  const { applications, endings, keys } = oidc;
  const houseOf = async (id: string, preferredId: string | undefined) => viewOfHouse(await houses.ofPerson(id, preferredId));
  mountAccountConsole(pages, { ...shared, houseOf, authn, views, applications, devices: sessions.devices, endings });
  mountAdminConsole(pages, {
    ...shared,
    directory,
    placesOf: async (caller) => {
      const found = await directory.organizations.list(callerOf(caller), {}, maxPlaces + 1, undefined);
      return found.length > maxPlaces ? {} : Object.fromEntries(found.map(({ id, name }) => [id, name]));
    },
    guard: authz.guard,
    holds: authz.holds,
    services: authz.services,
    check: authz.check,
    audit: audit.buffer,
    events: audit.events,
    keys,
    clients: oidc.clients.admin,
    resources: oidc.resources.admin,
    idOfLogin: accounts.idOf,
    devices: sessions.devices,
    factors: authn.factors,
    deadEntries: async () => (await outbox.list({ state: 'dead', limit: 100 })).length,
  });
};

export type SiteHouses = InteractionsDeps['houses'] & {
  /** Whose a mail is: of the organization it names, else of the only one that its reader is a member of. */
  ofMail(message: Pick<MailMessage, 'to' | 'organizationId'>): Promise<House | undefined>;
};

/** Whose name and colours pages and mails have. */
export const createHouses = (
  { database, caches }: Foundation,
  { accounts, authz: { entitlementsOf } }: { accounts: Pick<Accounts, 'idOf'>; authz: Pick<Authz, 'entitlementsOf'> },
): SiteHouses => {
  const named = createBrands({ database, caches });
  const houses: InteractionsDeps['houses'] = {
    named,
    ofPerson: async (accountId, preferredId) => {
      const { organizations } = await entitlementsOf(accountId);
      const [one] = organizations.length === 1 ? organizations : organizations.filter(({ id }) => id === preferredId);
      return one && named(one.id);
    },
    ofMember: async (accountId, slug) => {
      const brand = await named(slug);
      if (!brand) return undefined;
      const { organizations } = await entitlementsOf(accountId);
      return organizations.some(({ id }) => id === brand.id) ? brand : undefined;
    },
  };
  return {
    ...houses,
    ofMail: async ({ to, organizationId }) => {
      if (organizationId !== undefined) return viewOfHouse(await named(organizationId));
      const accountId = await accounts.idOf(to);
      return accountId === undefined ? undefined : viewOfHouse(await houses.ofPerson(accountId));
    },
  };
};
