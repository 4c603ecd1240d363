import type { Knex } from 'knex';
import { containing } from '../../platform/db/index.ts';

export interface RoleRecord {
  id: string;
  organization_id: string | null;
  name: string;
  description: string | null;
  is_system: boolean;
  version: number;
  created_at: Date;
  updated_at: Date;
  permissions: string[];
  parents: { id: string; name: string }[];
}

export type NewRole = Omit<RoleRecord, 'permissions' | 'parents' | 'version'>;

export interface PermissionRecord {
  id: string;
  name: string;
  description: string | null;
  created_at: Date;
}

export interface RoleFilter {
  organizationId?: string | undefined;
  search?: string | undefined;
}

export interface RoleRepository {
  find(id: string): Promise<RoleRecord | undefined>;
  lock(id: string): Promise<boolean>;
  byName(name: string): Promise<RoleRecord[]>;
  list(filter: RoleFilter, limit: number, after: readonly string[] | undefined): Promise<RoleRecord[]>;
  /** False when the name is taken in that organization. */
  insert(role: NewRole): Promise<boolean>;
  /** Counts the version up. */
  update(id: string, change: { name: string; description: string | null; updated_at: Date }): Promise<void>;
  /** The role itself and all above it, or below it, up to eleven steps. */
  ancestors(id: string): Promise<{ id: string; depth: number }[]>;
  descendants(id: string): Promise<{ id: string; depth: number }[]>;
  /** Serializes what changes the hierarchy or who holds a role. */
  lockHierarchy(): Promise<void>;
  organizationExists(id: string): Promise<boolean>;
}

const columns = `roles.*,
  array(select p.name from role_permissions rp join permissions p on p.id = rp.permission_id where rp.role_id = roles.id order by p.name)::text[] as permissions,
  (select coalesce(json_agg(json_build_object('id', r.id, 'name', r.name) order by r.name), '[]')
   from role_parents rp join roles r on r.id = rp.parent_id where rp.role_id = roles.id) as parents`;

const walk = (from: string, to: string): string => `with recursive tree(id, depth) as (
    select ?::uuid, 0
    union
    select rp.${to}, tree.depth + 1 from tree join role_parents rp on rp.${from} = tree.id where tree.depth < 11
  ) select id, max(depth) as depth from tree group by id`;

const hierarchyLock = 7_203_570;

/** @param trx with its tenants set */
export const createRoleRepository = (trx: Knex): RoleRepository => ({
  find: (id) => trx('roles').where({ id }).first(trx.raw(columns)),
  lock: async (id) => (await trx('roles').where({ id }).forUpdate().first('id')) !== undefined,
  byName: (name) => trx('roles').where({ name }).select(trx.raw(columns)),
  list: async ({ organizationId, search }, limit, after) => {
    const query = trx('roles').select(trx.raw(columns)).orderBy(['name', 'id']).limit(limit);
    if (organizationId !== undefined) query.where({ organization_id: organizationId });
    if (search !== undefined) query.whereILike('name', containing(search));
    if (after) query.whereRaw('(name, id) > (?, ?::uuid)', [...after]);
    return await query;
  },
  insert: async (role) => (await trx('roles').insert(role).onConflict().ignore().returning('id')).length === 1,
  update: async (id, change) => {
    await trx('roles')
      .where({ id })
      .update({ ...change, version: trx.raw('version + 1') });
  },
  ancestors: async (id) => (await trx.raw(walk('role_id', 'parent_id'), [id])).rows,
  descendants: async (id) => (await trx.raw(walk('parent_id', 'role_id'), [id])).rows,
  lockHierarchy: async () => void (await trx.raw('select pg_advisory_xact_lock(?)', [hierarchyLock])),
  organizationExists: async (id) => (await trx('organizations').where({ id }).first('id')) !== undefined,
});

export interface PermissionRepository {
  find(idOrName: { id: string } | { name: string }): Promise<PermissionRecord | undefined>;
  byNames(names: readonly string[]): Promise<PermissionRecord[]>;
  /** Names that share resource and action with one of these, `*` meeting everything. */
  isKnown(resource: string, action: string): Promise<boolean>;
  list(search: string | undefined, limit: number, after: string | undefined): Promise<PermissionRecord[]>;
  /** Those there already stay. */
  insert(rows: readonly PermissionRecord[]): Promise<void>;
  isUsed(id: string): Promise<boolean>;
  remove(id: string): Promise<void>;
}

export const createPermissionRepository = (trx: Knex): PermissionRepository => ({
  find: (wanted) => trx('permissions').where(wanted).first(),
  byNames: (names) => trx('permissions').whereIn('name', [...names]),
  isKnown: async (resource, action) => {
    const query = trx('permissions');
    if (resource !== '*') query.whereRaw(`split_part(name, ':', 1) = ?`, [resource]);
    if (action !== '*') query.whereRaw(`split_part(name, ':', 2) = ?`, [action]);
    return (await query.first('id')) !== undefined;
  },
  list: async (search, limit, after) => {
    const query = trx('permissions').orderBy('name').limit(limit);
    if (search !== undefined) query.whereILike('name', containing(search));
    if (after !== undefined) query.where('name', '>', after);
    return await query;
  },
  insert: async (rows) => {
    if (rows.length > 0)
      await trx('permissions')
        .insert([...rows])
        .onConflict('name')
        .ignore();
  },
  isUsed: async (id) => {
    const { rows } = await trx.raw(
      'select exists (select 1 from role_permissions where permission_id = ?) or exists (select 1 from user_permissions where permission_id = ?) as used',
      [id, id],
    );
    return rows[0].used;
  },
  remove: async (id) => void (await trx('permissions').where({ id }).delete()),
});
