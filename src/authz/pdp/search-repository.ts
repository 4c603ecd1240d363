import type { Knex } from 'knex';
import { type Database, setTenants, type TenantScope } from '../../platform/db/index.ts';

/** What somebody must hold to come into question, whatever the scope. */
export interface HeldPermission {
  resource: string;
  action: string;
}

export interface SearchRepository {
  /**
   * Active accounts by id, of these organizations or of all.
   * @param held only those who hold such a permission in any way: superset of those who may do it, where no policy allows it
   */
  people(scope: TenantScope, limit: number, after: string | undefined, held?: HeldPermission): Promise<string[]>;
  /** Actions that registered permissions know of a resource. */
  actions(resource: string): Promise<string[]>;
  /** The deployment's roles that give one of the permissions. */
  rolesWith(permissions: readonly string[], limit: number): Promise<string[]>;
  clientOrganization(clientId: string): Promise<string | null | undefined>;
}

// Roles inherit upwards, members of a group have the roles of those above it; USER is everybody's.
const holders = `
  with recursive meant as (
    select id from permissions where split_part(name, ':', 1) in (?, '*') and split_part(name, ':', 2) in (?, '*')
  ), giving as (
    select role_id from role_permissions where permission_id in (select id from meant)
    union
    select child.role_id from role_parents child join giving on giving.role_id = child.parent_id
  ), inside as (
    select group_id from group_roles where role_id in (select role_id from giving)
    union
    select g.id from groups g join inside on inside.group_id = g.parent_id
  )
  select user_id from user_roles where role_id in (select role_id from giving) and not is_eligible
  union select user_id from user_permissions where permission_id in (select id from meant)
  union select user_id from group_members where group_id in (select group_id from inside)
  union select id from users where exists (
    select from roles join giving on giving.role_id = roles.id where roles.name = 'USER' and roles.organization_id is null
  )`;

export const createSearchRepository = ({ knex: db, transaction }: Pick<Database, 'knex' | 'transaction'>): SearchRepository => ({
  people: (scope, limit, after, held) =>
    transaction(async (trx: Knex.Transaction) => {
      await setTenants(trx, 'all');
      const query = trx('users').where({ status: 'active' }).orderBy('id').limit(limit);
      if (after !== undefined) query.where('id', '>', after);
      if (held) query.whereRaw(`id in (${holders})`, [held.resource, held.action]);
      if (scope !== 'all') {
        const members = trx('organization_members').whereIn('organization_id', [...scope]);
        query.whereIn('id', members.select('user_id'));
      }
      return (await query.select('id')).map(({ id }) => id);
    }),
  actions: async (resource) => {
    const rows = await db('permissions')
      .whereRaw(`split_part(name, ':', 1) = ? and split_part(name, ':', 2) <> '*'`, [resource])
      .distinct(db.raw(`split_part(name, ':', 2) as action`));
    return rows.map(({ action }) => action).sort();
  },
  rolesWith: async (permissions, limit) => {
    const rows = await db('roles')
      .join('role_permissions', 'role_permissions.role_id', 'roles.id')
      .join('permissions', 'permissions.id', 'role_permissions.permission_id')
      .whereNull('roles.organization_id')
      .whereIn('permissions.name', [...permissions])
      .distinct('roles.name')
      .orderBy('roles.name')
      .limit(limit);
    return rows.map(({ name }) => name);
  },
  clientOrganization: (clientId) =>
    transaction(async (trx) => {
      await setTenants(trx, 'all');
      const found = await trx('clients').where({ client_id: clientId }).whereNull('disabled_at').first('organization_id');
      return found?.organization_id;
    }),
});
