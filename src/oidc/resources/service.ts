import type { Knex } from 'knex';
import { uuidv7 } from '../../platform/crypto/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { ResourceRecord, ResourceSource } from '../ports.ts';

interface ResourceRow {
  identifier: string;
  name: string;
  scopes: { name: string; description?: string }[];
  access_token_format: 'jwt' | 'opaque';
  access_token_ttl_seconds: number | null;
  signing_alg: string | null;
  introspection_clients: string[];
}

const recordOf = (row: ResourceRow): ResourceRecord => ({
  identifier: row.identifier,
  name: row.name,
  scopes: row.scopes,
  accessTokenFormat: row.access_token_format,
  accessTokenTtlSeconds: row.access_token_ttl_seconds ?? undefined,
  signingAlg: row.signing_alg ?? undefined,
  introspectionClients: row.introspection_clients,
});

export const createResources = ({ knex, clock }: { knex: Knex; clock: Clock }) => {
  const source: ResourceSource = {
    find: async (identifier) => {
      const row: ResourceRow | undefined = await knex('resources').where({ identifier }).first();
      return row && recordOf(row);
    },
    withScope: async (scope) => {
      const rows: ResourceRow[] = await knex('resources').whereRaw('scopes @> ?::jsonb', [JSON.stringify([{ name: scope }])]);
      return rows.map(recordOf);
    },
  };
  return {
    ...source,
    put: async (record: ResourceRecord, origin: 'builtin' | 'bootstrap' | 'admin'): Promise<void> => {
      const now = clock.now();
      const values = {
        identifier: record.identifier,
        name: record.name,
        scopes: JSON.stringify(record.scopes),
        access_token_format: record.accessTokenFormat,
        access_token_ttl_seconds: record.accessTokenTtlSeconds ?? null,
        signing_alg: record.signingAlg ?? null,
        introspection_clients: JSON.stringify(record.introspectionClients),
        updated_at: now,
      };
      const row = { ...values, id: uuidv7(now), source: origin, created_at: now };
      await knex('resources').insert(row).onConflict('identifier').merge(values);
    },
  };
};

export type Resources = ReturnType<typeof createResources>;
