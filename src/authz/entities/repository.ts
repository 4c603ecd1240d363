import type { Knex } from 'knex';
import type { TenantScope } from '../../platform/db/index.ts';

export interface EntityRow {
  id: string;
  organization_id: string | null;
  type: string;
  entity_id: string;
  attributes: Record<string, unknown>;
  user_id: string | null;
  updated_at: Date;
}

export interface EntityFilter {
  type?: string | undefined;
  id?: string | undefined;
}

export interface EntityRepository {
  /** Of every owner. */
  named(type: string, entityId: string): Promise<EntityRow[]>;
  types(): Promise<string[]>;
  /** By key, of these owners; the deployment's own where the scope is all. */
  page(filter: EntityFilter, scope: TenantScope, limit: number, after: string | undefined): Promise<EntityRow[]>;
  find(id: string): Promise<EntityRow | undefined>;
  /** Inserts or replaces by owner, type and id. */
  put(rows: readonly EntityRow[]): Promise<void>;
  remove(id: string): Promise<boolean>;
  /** Of these people those in the scope. */
  people(ids: readonly string[], scope: TenantScope): Promise<string[]>;
}

/** @param trx with its tenants set */
export const createEntityRepository = (trx: Knex): EntityRepository => ({
  named: (type, entityId) => trx('authz_entities').where({ type, entity_id: entityId }).orderBy('id'),
  types: async () => (await trx('authz_entities').distinct('type')).map(({ type }) => type),
  page: async ({ type, id }, scope, limit, after) => {
    const query = trx('authz_entities').orderBy('id').limit(limit);
    if (type !== undefined) query.where({ type });
    if (id !== undefined) query.where({ entity_id: id });
    if (after !== undefined) query.where('id', '>', after);
    if (scope !== 'all') query.whereIn('organization_id', [...scope]);
    return await query;
  },
  find: (id) => trx('authz_entities').where({ id }).first(),
  put: async (rows) => {
    await trx.raw(
      `insert into authz_entities (id, organization_id, type, entity_id, attributes, user_id, updated_at)
       select id, organization_id, type, entity_id, attributes, user_id, updated_at
       from jsonb_to_recordset(?::jsonb) as x(id uuid, organization_id uuid, type text, entity_id text, attributes jsonb, user_id uuid, updated_at timestamptz)
       on conflict (coalesce(organization_id, '00000000-0000-0000-0000-000000000000'), type, entity_id)
       do update set attributes = excluded.attributes, user_id = excluded.user_id, updated_at = excluded.updated_at`,
      [JSON.stringify(rows)],
    );
  },
  remove: async (id) => (await trx('authz_entities').where({ id }).delete()) === 1,
  people: async (ids, scope) => {
    const query = trx('users').whereIn('id', [...ids]);
    if (scope !== 'all') {
      const members = trx('organization_members').whereIn('organization_id', [...scope]);
      query.whereIn('id', members.select('user_id'));
    }
    return (await query.select('id')).map(({ id }) => id);
  },
});
