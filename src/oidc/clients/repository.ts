import type { Knex } from 'knex';
import { containing } from '../../platform/db/index.ts';
import type { ClientBrand } from '../ports.ts';
import type { Uses } from '../protocol/discovery.ts';

export type ClientOrigin = 'builtin' | 'bootstrap' | 'admin' | 'dynamic';

export interface ClientRow {
  client_id: string;
  organization_id: string | null;
  name: string;
  metadata: Record<string, unknown>;
  settings: Record<string, unknown>;
  source: ClientOrigin;
  is_first_party: boolean;
  is_verified: boolean;
  disabled_at: Date | null;
  revoked_before: Date | null;
  version: number;
  created_at: Date;
  updated_at: Date;
}

export interface SecretRow {
  id: string;
  client_id: string;
  digest: string | null;
  sealed: string | null;
  created_at: Date;
  expires_at: Date | null;
}

export type ClientChange = Partial<Omit<ClientRow, 'client_id' | 'version' | 'created_at'>>;

export interface ClientFilter {
  ids?: readonly string[] | undefined;
  organizationIds?: readonly string[] | undefined;
  source?: string | undefined;
  /** Part of the name or the id. */
  search?: string | undefined;
}

/** What a client holds at a moment. */
export interface ClientHoldings {
  /** Who have signed in there, or consented. */
  people: number;
  /** Access and refresh tokens. */
  tokens: number;
}

export interface ClientRepository {
  find(clientId: string): Promise<ClientRow | undefined>;
  /** The same, held until the transaction ends. */
  lock(clientId: string): Promise<ClientRow | undefined>;
  /** TK-05: of an organization that is suspended nothing works. And how it shows itself. */
  organization(organizationId: string): Promise<{ isSuspended: boolean; brand: ClientBrand } | undefined>;
  /** Of the redirect URIs of live clients, each once. */
  origins(): Promise<string[]>;
  /** A live first-party client one of whose redirect URIs it is, character by character. */
  ofFirstPartyUri(uri: string): Promise<string | undefined>;
  /** By id. @param after id of the last client seen */
  list(filter: ClientFilter, limit: number, after: string | undefined): Promise<ClientRow[]>;
  /** False when the id is taken. */
  insert(row: ClientRow): Promise<boolean>;
  /** Counts the version up. */
  update(clientId: string, change: ClientChange): Promise<void>;
  remove(clientId: string): Promise<boolean>;
  /** Codes, grants and tokens of the client; what leads a life of its own is dead by `revoked_before`. */
  removeArtifacts(clientId: string): Promise<void>;
  /** What would end with it. */
  holdings(clientId: string, now: Date): Promise<ClientHoldings>;
  /** Live ones, the newest first. */
  secrets(clientIds: readonly string[], now: Date): Promise<SecretRow[]>;
  addSecret(row: SecretRow): Promise<void>;
  /** Live secrets end then, unless they end sooner. */
  endSecrets(clientId: string, at: Date): Promise<void>;
  removeSecret(clientId: string, id: string): Promise<boolean>;
  removeSecrets(clientId: string): Promise<void>;
  /** Which optional protocols any enabled client has been allowed. */
  uses(): Promise<Uses>;
}

const jsonColumns = ['metadata', 'settings'] as const;

const toColumns = (values: ClientChange): Record<string, unknown> => {
  const columns: Record<string, unknown> = { ...values };
  for (const name of jsonColumns) if (values[name] !== undefined) columns[name] = JSON.stringify(values[name]);
  return columns;
};

const live = (now: Date) => (query: Knex.QueryBuilder) => query.whereNull('expires_at').orWhere('expires_at', '>', now);

const usesColumns = `
  coalesce(bool_or(metadata->'grant_types' @> '["urn:openid:params:grant-type:ciba"]'), false) as "ciba",
  coalesce(bool_or(metadata->'grant_types' @> '["implicit"]'), false) as "implicit",
  coalesce(bool_or(jsonb_array_length(coalesce(metadata->'request_uris', '[]')) > 0), false) as "requestUri",
  coalesce(bool_or(metadata->>'frontchannel_logout_uri' is not null), false) as "frontchannelLogout",
  coalesce(bool_or(settings->>'sessionManagement' = 'true'), false) as "sessionManagement"`;

export const createClientRepository = (db: Knex): ClientRepository => ({
  uses: async () => {
    const { rows } = await db.raw(`select ${usesColumns} from clients where disabled_at is null`);
    return (rows as Uses[])[0] as Uses;
  },
  // IN-02: no text of the database holds NUL, so that it fails where a caller asks for one.
  find: async (clientId) => (clientId.includes('\0') ? undefined : db('clients').where({ client_id: clientId }).first()),
  organization: async (organizationId) => {
    const row = await db('organizations').where({ id: organizationId }).first('name', 'status', 'branding');
    if (!row) return undefined;
    const { displayName = row.name, logoUri, accentColor } = row.branding;
    return { isSuspended: row.status === 'suspended', brand: { id: organizationId, name: displayName, logoUri, accentColor } };
  },
  lock: (clientId) => db('clients').where({ client_id: clientId }).forUpdate().first(),
  origins: async () => {
    const uris = db.raw(`jsonb_array_elements_text(case when jsonb_typeof(metadata->'redirect_uris') = 'array'
      then metadata->'redirect_uris' else '[]' end) as uri`);
    const origin = db.raw(`distinct substring(uri from ?) as origin`, ['^(https?://[^/]+)(?:/|$)']);
    const found: { origin: string | null }[] = await db('clients')
      .joinRaw('cross join lateral ?', [uris])
      .whereNull('disabled_at')
      .select(origin);
    return found.flatMap(({ origin: name }) => name ?? []);
  },
  ofFirstPartyUri: async (uri) => {
    const named = JSON.stringify({ redirect_uris: [uri] });
    const found = await db('clients')
      .where({ is_first_party: true, disabled_at: null })
      .whereRaw('metadata @> ?::jsonb', [named])
      .first('client_id');
    return found?.client_id;
  },
  list: async ({ ids, organizationIds, source, search }, limit, after) => {
    const query = db('clients').orderBy('client_id').limit(limit);
    if (ids) query.whereIn('client_id', [...ids]);
    if (organizationIds) query.whereIn('organization_id', [...organizationIds]);
    if (source !== undefined) query.where({ source });
    if (search !== undefined) {
      const pattern = containing(search);
      query.where((either) => either.whereILike('name', pattern).orWhereILike('client_id', pattern));
    }
    if (after !== undefined) query.where('client_id', '>', after);
    return (await query) as ClientRow[];
  },
  holdings: async (clientId, now) => {
    const row = await db('oidc_artifacts')
      .where({ client_id: clientId })
      .andWhere('expires_at', '>', now)
      .first(
        db.raw('count(distinct account_id) as people'),
        db.raw(
          `count(*) filter (where kind in ('AccessToken', 'ClientCredentials', 'RefreshToken') and consumed_at is null) as tokens`,
        ),
      );
    return { people: Number(row.people), tokens: Number(row.tokens) };
  },
  insert: async (row) => {
    const inserted = await db('clients').insert(toColumns(row)).onConflict('client_id').ignore().returning('client_id');
    return inserted.length === 1;
  },
  update: async (clientId, change) => {
    await db('clients')
      .where({ client_id: clientId })
      .update({ ...toColumns(change), version: db.raw('version + 1') });
  },
  remove: async (clientId) => (await db('clients').where({ client_id: clientId }).delete()) === 1,
  removeArtifacts: async (clientId) => void (await db('oidc_artifacts').where({ client_id: clientId }).delete()),
  secrets: async (clientIds, now) =>
    (await db('client_secrets')
      .whereIn('client_id', [...clientIds])
      .where(live(now))
      .orderBy([
        { column: 'created_at', order: 'desc' },
        { column: 'id', order: 'desc' },
      ])) as SecretRow[],
  addSecret: async (row) => void (await db('client_secrets').insert(row)),
  endSecrets: async (clientId, at) =>
    void (await db('client_secrets').where({ client_id: clientId }).where(live(at)).update({ expires_at: at })),
  removeSecret: async (clientId, id) => (await db('client_secrets').where({ client_id: clientId, id }).delete()) === 1,
  removeSecrets: async (clientId) => void (await db('client_secrets').where({ client_id: clientId }).delete()),
});
