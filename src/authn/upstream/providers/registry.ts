import type { Caches } from '../../../platform/cache/index.ts';
import type { Config, SocialProvider } from '../../../platform/config/index.ts';
import type { Envelope } from '../../../platform/crypto/index.ts';
import { type Provider, type ProviderKind, usual } from './provider.ts';
import type { OfferedProviders, ProviderRow } from './repository.ts';
import { secretContext } from './service.ts';

/** What is invalidated when any provider changes: there are few, and they change seldom. */
export const providersTag = 'upstream-providers';

/** Without its dates, which a shared cache would turn into text. */
type Kept = Omit<ProviderRow, 'created_at' | 'updated_at'>;

export interface RegistryDeps {
  social: Config['social'];
  offered: OfferedProviders;
  envelope: Pick<Envelope, 'open'>;
  caches: Pick<Caches, 'cache'>;
}

const fromEnvironment = (kind: Exclude<ProviderKind, 'oidc'>, { clientId, clientSecret, baseUrl }: SocialProvider): Provider => {
  const base = baseUrl?.replace(/\/+$/, '');
  const { issuer, displayName, scopes } = usual[kind];
  return {
    name: kind,
    displayName,
    kind,
    organizationId: null,
    // Who a stand-in names is nobody whom the real provider named.
    issuer: base ?? issuer,
    baseUrl: base,
    clientId,
    clientSecret,
    clientAuthentication: 'client_secret_post',
    scopes,
    trustedDomains: [],
    trustsFactors: false,
    allowsSignUp: true,
    revision: 'environment',
  };
};

/** Providers of the environment and of the database, as sign-ins see them. */
export const createRegistry = ({ social, offered, envelope, caches }: RegistryDeps) => {
  // `null`: there is none; nothing is kept of `undefined`.
  const rows = caches.cache<Kept | null>({ name: 'upstream-provider', l1Seconds: 60, l2Seconds: 300, maxEntries: 2000 });
  const lists = caches.cache<Kept[]>({ name: 'upstream-offers', l1Seconds: 60, l2Seconds: 300, maxEntries: 2000 });
  const fixed = new Map<string, Provider>();
  for (const kind of ['google', 'facebook', 'github'] as const) {
    const settings = social[kind];
    if (settings) fixed.set(kind, fromEnvironment(kind, settings));
  }

  const providerOf = (row: Kept): Provider => ({
    name: row.name,
    displayName: row.display_name,
    kind: row.kind,
    organizationId: row.organization_id,
    issuer: row.kind === 'oidc' ? (row.issuer ?? '') : usual[row.kind].issuer,
    baseUrl: undefined,
    clientId: row.client_id,
    clientSecret: row.client_secret_sealed === null ? undefined : envelope.open(row.client_secret_sealed, secretContext(row.id)),
    clientAuthentication: row.client_authentication,
    scopes: row.scopes,
    trustedDomains: row.trusted_domains,
    trustsFactors: row.trusts_factors,
    allowsSignUp: row.allows_sign_up,
    revision: `${row.id}.${row.version}`,
  });

  const tagsOf = (organizationIds: readonly (string | null)[]): string[] => [
    providersTag,
    ...organizationIds.flatMap((id) => (id === null ? [] : [`organization:${id}`])),
  ];

  return {
    /** Names that the environment has taken. */
    reserved: new Set(fixed.keys()) as ReadonlySet<string>,
    find: async (name: string): Promise<Provider | undefined> => {
      const own = fixed.get(name);
      if (own || !/^[a-z0-9-]{1,40}$/.test(name)) return own;
      const row = await rows.get(name, async () => {
        const value = (await offered.byName(name)) ?? null;
        return { value, tags: tagsOf([value?.organization_id ?? null]) };
      });
      return row ? providerOf(row) : undefined;
    },
    /** What a sign-in at the client is offered; those of the environment first. */
    offers: async (clientId: string): Promise<Pick<Provider, 'name' | 'displayName' | 'kind'>[]> => {
      const found = await lists.get(clientId, async () => {
        const value = await offered.forClient(clientId);
        return { value, tags: [...tagsOf(value.map((row) => row.organization_id)), `client:${clientId}`] };
      });
      const stored = (found ?? [])
        .filter(({ name }) => !fixed.has(name))
        .map(({ name, display_name: displayName, kind }) => ({ name, displayName, kind }));
      return [...fixed.values(), ...stored].map(({ name, displayName, kind }) => ({ name, displayName, kind }));
    },
  };
};

export type Registry = ReturnType<typeof createRegistry>;
