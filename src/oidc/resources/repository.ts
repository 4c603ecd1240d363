import type { Knex } from 'knex';
import type { ResourceClaim } from '../ports.ts';

export type ResourceOrigin = 'builtin' | 'bootstrap' | 'admin';

export interface ResourceRow {
  id: string;
  identifier: string;
  name: string;
  scopes: { name: string; description?: string }[];
  access_token_format: 'jwt' | 'opaque';
  access_token_ttl_seconds: number | null;
  signing_alg: string | null;
  introspection_clients: string[];
  access_token_claims: ResourceClaim[];
  source: ResourceOrigin;
  version: number;
  created_at: Date;
  updated_at: Date;
}

export interface ResourceRepository {
  find(identifier: string): Promise<ResourceRow | undefined>;
  findById(id: string): Promise<ResourceRow | undefined>;
  lock(identifier: string): Promise<ResourceRow | undefined>;
  lockById(id: string): Promise<ResourceRow | undefined>;
  withScope(scope: string): Promise<ResourceRow[]>;
  /** By identifier. @param after the last identifier seen */
  list(limit: number, after: string | undefined): Promise<ResourceRow[]>;
  /** False when the identifier is taken. */
  insert(row: ResourceRow): Promise<boolean>;
  update(id: string, change: Partial<ResourceRow>): Promise<void>;
  remove(id: string): Promise<void>;
}

const toColumns = (row: Partial<ResourceRow>): Record<string, unknown> => ({
  ...row,
  ...(row.scopes && { scopes: JSON.stringify(row.scopes) }),
  ...(row.access_token_claims && { access_token_claims: JSON.stringify(row.access_token_claims) }),
  ...(row.introspection_clients && { introspection_clients: JSON.stringify(row.introspection_clients) }),
});

export const createResourceRepository = (db: Knex): ResourceRepository => ({
  find: (identifier) => db('resources').where({ identifier }).first(),
  findById: (id) => db('resources').where({ id }).first(),
  lock: (identifier) => db('resources').where({ identifier }).forUpdate().first(),
  lockById: (id) => db('resources').where({ id }).forUpdate().first(),
  withScope: async (scope) =>
    (await db('resources')
      .whereRaw('scopes @> ?::jsonb', [JSON.stringify([{ name: scope }])])
      .orderBy('identifier')) as ResourceRow[],
  list: async (limit, after) => {
    const query = db('resources').orderBy('identifier').limit(limit);
    if (after !== undefined) query.where('identifier', '>', after);
    return (await query) as ResourceRow[];
  },
  insert: async (row) => {
    const inserted = await db('resources').insert(toColumns(row)).onConflict('identifier').ignore().returning('id');
    return inserted.length === 1;
  },
  update: async (id, change) => {
    await db('resources')
      .where({ id })
      .update({ ...toColumns(change), version: db.raw('version + 1') });
  },
  remove: async (id) => void (await db('resources').where({ id }).delete()),
});
