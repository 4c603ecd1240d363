/** Everything that changes what people hold. Handed out within `Work.change` only, so that no path can forget what is checked there. */
import type { Knex } from 'knex';
import { prepared, statement } from '../../platform/db/index.ts';
import type { AssignmentRow, UserPermissionRow } from './assignments-repository.ts';
import { superAdmin } from './catalogue.ts';

export interface GrantWrites {
  assign(row: Omit<AssignmentRow, 'role_name'>): Promise<void>;
  unassign(ids: readonly string[]): Promise<void>;
  grantPermission(row: Omit<UserPermissionRow, 'permission_name'>): Promise<void>;
  revokePermissions(ids: readonly string[]): Promise<void>;
  /** False where the group has the role. */
  bindRole(groupId: string, roleId: string, now: Date): Promise<boolean>;
  unbindRole(groupId: string, roleId: string): Promise<boolean>;
  setPermissions(roleId: string, permissionIds: readonly string[]): Promise<void>;
  setParents(roleId: string, parentIds: readonly string[]): Promise<void>;
  removeRole(id: string): Promise<void>;
}

const replace = async (
  trx: Knex,
  [table, column]: readonly [string, string],
  roleId: string,
  ids: readonly string[],
): Promise<void> => {
  await trx(table)
    .where({ role_id: roleId })
    .whereNotIn(column, [...ids])
    .delete();
  const rows = ids.map((id) => ({ role_id: roleId, [column]: id }));
  if (rows.length > 0) await trx(table).insert(rows).onConflict().ignore();
};

const removeFrom = async (trx: Knex, table: string, ids: readonly string[]): Promise<void> => {
  await trx(table)
    .whereIn('id', [...ids])
    .delete();
};

/** @param trx with its tenants set */
export const createGrantWrites = (trx: Knex): GrantWrites => ({
  assign: async (row) => void (await trx('user_roles').insert(row)),
  unassign: (ids) => removeFrom(trx, 'user_roles', ids),
  grantPermission: async (row) => void (await trx('user_permissions').insert(row)),
  revokePermissions: (ids) => removeFrom(trx, 'user_permissions', ids),
  bindRole: async (groupId, roleId, now) => {
    const row = { group_id: groupId, role_id: roleId, created_at: now };
    return (await trx('group_roles').insert(row).onConflict().ignore().returning('role_id')).length === 1;
  },
  unbindRole: async (groupId, roleId) => (await trx('group_roles').where({ group_id: groupId, role_id: roleId }).delete()) === 1,
  setPermissions: (roleId, ids) => replace(trx, ['role_permissions', 'permission_id'], roleId, ids),
  setParents: (roleId, ids) => replace(trx, ['role_parents', 'parent_id'], roleId, ids),
  removeRole: (id) => removeFrom(trx, 'roles', [id]),
});

// Roles that inherit SUPER_ADMIN are as good, and so are groups of the deployment that have one of them.
const countSuperAdmins = statement(
  'authz-super-admins',
  `with recursive carrying(role_id) as (
     select id from roles where name = '${superAdmin}' and organization_id is null
     union
     select p.role_id from carrying c join role_parents p on p.parent_id = c.role_id
   ),
   under(group_id, depth) as (
     select gr.group_id, 1 from group_roles gr join groups g on g.id = gr.group_id
     where g.organization_id is null and gr.role_id in (select role_id from carrying)
     union
     select g.id, under.depth + 1 from under join groups g on g.parent_id = under.group_id where under.depth < 10
   ),
   holders as (
     select user_id from user_roles
     where role_id in (select role_id from carrying) and organization_id is null and not is_eligible
       and expires_at is null and (starts_at is null or starts_at <= $1)
     union
     select m.user_id from under join group_members m on m.group_id = under.group_id
   )
   select count(*)::int as count from holders h join users u on u.id = h.user_id
   where u.status = 'active' and not exists (
     select 1 from user_permissions d
     where d.user_id = u.id and d.effect = 'deny' and (d.expires_at is null or d.expires_at > $1))`,
);

/** Active people who are SUPER_ADMIN now, without end, and are denied nothing. @param trx with all tenants set */
export const superAdminCount = async (trx: Knex, now: Date): Promise<number> =>
  (await prepared<{ count: number }>(trx, countSuperAdmins, [now])).rows[0]?.count ?? 0;
