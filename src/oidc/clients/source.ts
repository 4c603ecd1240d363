import type { Envelope } from '../../platform/crypto/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { ClientBrand, ClientRecord, ClientSource, RecordCaches } from '../ports.ts';
import { applyProfile, type ClientProfile } from '../protocol/profiles.ts';
import type { ClientRepository, ClientRow, SecretRow } from './repository.ts';
import { type KeptSecret, matches, openSecret } from './secrets.ts';

/** What the cache holds: the row and its secrets as they are kept, so that a shared cache holds no usable secret either. */
interface CachedClient {
  clientId: string;
  metadata: Record<string, unknown>;
  settings: Record<string, unknown>;
  isFirstParty: boolean;
  isVerified: boolean;
  isDisabled: boolean;
  brand?: ClientBrand | undefined;
  revokedBefore: string | null;
  secrets: (KeptSecret & { expiresAt: string | null })[];
}

export interface ClientSourceDeps {
  clients: ClientRepository;
  clock: Clock;
  envelope: Envelope;
  caches?: RecordCaches | undefined;
  /** PROFILE=fapi2 */
  profile?: ClientProfile | undefined;
}

export const clientTag = (clientId: string): string => `client:${clientId}`;

/** Invalidated by whoever suspends an organization or lets it work again. */
export const organizationTag = (organizationId: string): string => `organization:${organizationId}`;

/** P9: the server's profile holds for clients from before as well; one that is weaker does not work until it is changed. */
const underProfile = (row: ClientRow, profile: ClientProfile | undefined): ClientRow => {
  if (profile === undefined || row.source === 'builtin' || row.settings.profile !== undefined) return row;
  const { metadata, problems } = applyProfile(profile, row.metadata);
  const disabled_at = problems.length > 0 ? (row.disabled_at ?? row.updated_at) : row.disabled_at;
  return { ...row, metadata: { ...metadata }, settings: { ...row.settings, profile }, disabled_at };
};

const cached = (
  row: ClientRow,
  secrets: readonly SecretRow[],
  organization: Awaited<ReturnType<ClientRepository['organization']>>,
): CachedClient => ({
  clientId: row.client_id,
  metadata: row.metadata,
  settings: row.settings,
  isFirstParty: row.is_first_party,
  isVerified: row.is_verified,
  isDisabled: row.disabled_at !== null || organization?.isSuspended === true,
  brand: organization?.brand,
  revokedBefore: row.revoked_before?.toISOString() ?? null,
  secrets: secrets.map(({ digest, sealed, expires_at }) => ({ digest, sealed, expiresAt: expires_at?.toISOString() ?? null })),
});

/** What the provider reads at each request. One record object for each cached client: the core builds its client once for each. */
export const createClientSource = ({ clients, clock, envelope, caches, profile }: ClientSourceDeps): ClientSource => {
  const records = new WeakMap<CachedClient, ClientRecord>();
  const cache = caches?.cache<CachedClient>({ name: 'clients', l1Seconds: 60, l2Seconds: 300, maxEntries: 5000 });

  const read = async (clientId: string): Promise<{ value: CachedClient; tags: string[] } | undefined> => {
    const row = await clients.find(clientId);
    if (!row) return undefined;
    const { organization_id: organizationId } = row;
    const organization = organizationId === null ? undefined : await clients.organization(organizationId);
    return {
      value: cached(underProfile(row, profile), await clients.secrets([clientId], clock.now()), organization),
      tags: [clientTag(clientId), ...(organizationId === null ? [] : [organizationTag(organizationId)])],
    };
  };
  const load = async (clientId: string): Promise<CachedClient | undefined> => {
    const load = () => read(clientId);
    return cache ? cache.get(clientId, load) : (await load())?.value;
  };

  const recordOf = (client: CachedClient): ClientRecord => {
    const { clientId, settings, isFirstParty, isVerified, brand, revokedBefore } = client;
    const [newest] = client.secrets;
    const secret = newest ? { client_secret: openSecret(envelope, clientId, newest) } : {};
    return {
      clientId,
      metadata: { ...client.metadata, ...secret },
      settings,
      isFirstParty,
      isVerified,
      brand,
      revokedBefore: revokedBefore === null ? undefined : new Date(revokedBefore),
    };
  };

  return {
    find: async (clientId) => {
      const client = await load(clientId);
      if (!client || client.isDisabled) return undefined;
      const record = records.get(client) ?? recordOf(client);
      records.set(client, record);
      return record;
    },
    verifySecret: async (clientId, secret) => {
      const now = clock.now();
      const secrets = (await load(clientId))?.secrets ?? [];
      const isLive = ({ expiresAt }: { expiresAt: string | null }): boolean => expiresAt === null || new Date(expiresAt) > now;
      // Every live secret is looked at: which of them fitted must not show in the time.
      return secrets
        .filter(isLive)
        .map((kept) => matches(envelope, clientId, kept, secret))
        .includes(true);
    },
  };
};
