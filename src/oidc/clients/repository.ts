import type { Knex } from 'knex';

export type ClientOrigin = 'builtin' | 'bootstrap' | 'admin' | 'dynamic';

export interface ClientRow {
  client_id: string;
  name: string;
  metadata: Record<string, unknown>;
  settings: Record<string, unknown>;
  source: ClientOrigin;
  is_first_party: boolean;
  is_verified: boolean;
  disabled_at: Date | null;
  revoked_before: Date | null;
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

export interface ClientRepository {
  find(clientId: string): Promise<ClientRow | undefined>;
  secrets(clientId: string, now: Date): Promise<SecretRow[]>;
  /** Inserts, or replaces what a registration may change. */
  put(row: ClientRow): Promise<void>;
  addSecret(row: SecretRow): Promise<void>;
  removeSecrets(clientId: string): Promise<void>;
  remove(clientId: string): Promise<void>;
}

export const createClientRepository = (db: Knex): ClientRepository => ({
  find: (clientId) => db('clients').where({ client_id: clientId }).first(),
  secrets: (clientId, now) =>
    db('client_secrets')
      .where({ client_id: clientId })
      .where((live) => live.whereNull('expires_at').orWhere('expires_at', '>', now)),
  put: async (row) => {
    const values = { ...row, metadata: JSON.stringify(row.metadata), settings: JSON.stringify(row.settings) };
    const { name, metadata, settings, updated_at } = values;
    await db('clients').insert(values).onConflict('client_id').merge({ name, metadata, settings, updated_at });
  },
  addSecret: async (row) => void (await db('client_secrets').insert(row)),
  removeSecrets: async (clientId) => void (await db('client_secrets').where({ client_id: clientId }).delete()),
  remove: async (clientId) => void (await db('clients').where({ client_id: clientId }).delete()),
});
