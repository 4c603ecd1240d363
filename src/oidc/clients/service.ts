import { constantTimeEqual, type Envelope, sha256, uuidv7 } from '../../platform/crypto/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { ClientRecord, ClientSettings, ClientSource } from '../ports.ts';
import { applyProfile } from '../protocol/profiles.ts';
import { type ClientOrigin, type ClientRow, createClientRepository } from './repository.ts';

interface ClientDeps {
  database: Database;
  clock: Clock;
  envelope: Envelope;
}

/** A registration as the bootstrap file or an administrator writes it: RFC 7591 metadata with our settings beside it. */
export type Registration = Record<string, unknown> & { client_id: string };

/** The registration is not acceptable; the words are for whoever wrote it. */
export class ClientProblem extends Error {
  override readonly name = 'ClientProblem';
}

/** Names of our settings in a registration (CONTRACT.md, "PKCE", "Defaults"). */
const settingNames: Readonly<Record<string, keyof ClientSettings>> = {
  require_pkce: 'requirePkce',
  profile: 'profile',
  access_token_ttl_seconds: 'accessTokenTtlSeconds',
  refresh_token_ttl_seconds: 'refreshTokenTtlSeconds',
  id_token_ttl_seconds: 'idTokenTtlSeconds',
  skip_consent: 'skipConsent',
  session_management: 'sessionManagement',
};

/** CL-06: where the method only compares, a digest is kept, and the core is given a stand-in of the same shape. */
const standIn = 'kept-as-a-digest-only-0123456789abcdef';
const computed = /^HS/;
const needsValue = (metadata: Record<string, unknown>): boolean =>
  metadata.token_endpoint_auth_method === 'client_secret_jwt' ||
  Object.entries(metadata).some(
    ([name, value]) => name.endsWith('_alg') && (computed.test(String(value)) || /^(A|dir|PBES2)/.test(String(value))),
  );

const sealContext = (clientId: string): string => `client-secret/${clientId}`;

const split = (
  registration: Registration,
): { metadata: Record<string, unknown>; settings: ClientSettings; secret: string | undefined } => {
  const { client_id: _id, client_secret: secret, ...rest } = registration;
  const entries = Object.entries(rest);
  const settings = Object.fromEntries(
    entries.flatMap(([name, value]) => (settingNames[name] ? [[settingNames[name], value]] : [])),
  );
  const metadata = Object.fromEntries(entries.filter(([name]) => !settingNames[name]));
  return { metadata, settings, secret: typeof secret === 'string' ? secret : undefined };
};

const withProfile = (
  clientId: string,
  metadata: Record<string, unknown>,
  { profile, requirePkce }: ClientSettings,
): Record<string, unknown> => {
  if (profile === undefined) return metadata;
  const applied = applyProfile(profile, metadata);
  const problems = requirePkce === false ? [...applied.problems, `profile ${profile} needs PKCE`] : applied.problems;
  if (problems.length > 0) throw new ClientProblem(`client ${clientId}: ${problems.join('; ')}`);
  return { ...applied.metadata };
};

export const createClients = ({ database, clock, envelope }: ClientDeps) => {
  const repository = createClientRepository(database.knex);

  const secretFor = async (row: ClientRow): Promise<{ client_secret?: string }> => {
    const [first] = await repository.secrets(row.client_id, clock.now());
    if (!first) return {};
    return { client_secret: first.sealed === null ? standIn : envelope.open(first.sealed, sealContext(row.client_id)) };
  };

  const recordOf = async (row: ClientRow): Promise<ClientRecord> => ({
    clientId: row.client_id,
    metadata: { ...row.metadata, ...(await secretFor(row)) },
    settings: row.settings,
    isFirstParty: row.is_first_party,
    isVerified: row.is_verified,
    revokedBefore: row.revoked_before ?? undefined,
  });

  const keepSecret = async (clientId: string, metadata: Record<string, unknown>, secret: string | undefined): Promise<void> => {
    if (secret === undefined || secret === standIn) return;
    await repository.removeSecrets(clientId);
    const kept = needsValue(metadata)
      ? { digest: null, sealed: envelope.seal(secret, sealContext(clientId)) }
      : { digest: sha256(secret), sealed: null };
    await repository.addSecret({
      id: uuidv7(clock.now()),
      client_id: clientId,
      created_at: clock.now(),
      expires_at: null,
      ...kept,
    });
  };

  const source: ClientSource = {
    find: async (clientId) => {
      const row = await repository.find(clientId);
      return row && row.disabled_at === null ? recordOf(row) : undefined;
    },
    verifySecret: async (clientId, secret) => {
      const rows = await repository.secrets(clientId, clock.now());
      const matches = rows.map(({ digest, sealed }) =>
        digest === null
          ? constantTimeEqual(envelope.open(sealed ?? '', sealContext(clientId)), secret)
          : constantTimeEqual(digest, sha256(secret)),
      );
      return matches.includes(true);
    },
  };

  return {
    ...source,
    /** @throws ClientProblem */
    put: async (
      registration: Registration,
      origin: ClientOrigin,
      trust: { isFirstParty?: boolean; isVerified?: boolean } = {},
    ): Promise<void> => {
      const { client_id: clientId } = registration;
      const { metadata: given, settings, secret } = split(registration);
      const metadata = withProfile(clientId, given, settings);
      const now = clock.now();
      await repository.put({
        client_id: clientId,
        name: String(metadata.client_name ?? clientId),
        metadata,
        settings: { ...settings },
        source: origin,
        is_first_party: trust.isFirstParty ?? false,
        is_verified: trust.isVerified ?? origin !== 'dynamic',
        disabled_at: null,
        revoked_before: null,
        created_at: now,
        updated_at: now,
      });
      await keepSecret(clientId, metadata, secret);
    },
    remove: (clientId: string): Promise<void> => repository.remove(clientId),
  };
};

export type Clients = ReturnType<typeof createClients>;
