import type { Knex } from 'knex';
import type { TenantScope } from '../../platform/db/index.ts';

export interface AssignmentRow {
  id: string;
  user_id: string;
  role_id: string;
  role_name: string;
  organization_id: string | null;
  is_eligible: boolean;
  starts_at: Date | null;
  expires_at: Date | null;
  reason: string | null;
  granted_by: string | null;
  created_at: Date;
}

export interface UserPermissionRow {
  id: string;
  user_id: string;
  permission_id: string;
  permission_name: string;
  effect: 'allow' | 'deny';
  starts_at: Date | null;
  expires_at: Date | null;
  reason: string | null;
  granted_by: string | null;
  created_at: Date;
}

export interface GroupRow {
  id: string;
  name: string;
  organization_id: string | null;
}

type Span = { starts_at: Date | null; expires_at: Date | null };

export interface AssignmentRepository {
  /** True when the person is an account of one of the organizations, or of any. */
  seesUser(userId: string, organizationIds: TenantScope): Promise<boolean>;
  isMember(userId: string, organizationId: string): Promise<boolean>;
  ofUser(userId: string): Promise<AssignmentRow[]>;
  /** What these people were assigned in that organization. */
  inOrganization(organizationId: string, userIds: readonly string[]): Promise<AssignmentRow[]>;
  /** Whose accounts are of one of the organizations, or of any. */
  ofRole(
    roleId: string,
    organizationIds: TenantScope,
    limit: number,
    after: string | undefined,
  ): Promise<(AssignmentRow & { email: string | null })[]>;
  find(id: string): Promise<AssignmentRow | undefined>;
  /** One whose time meets that of the new one. */
  meeting(
    userId: string,
    roleId: string,
    organizationId: string | null,
    isEligible: boolean,
    span: Span,
  ): Promise<string | undefined>;
  permissionsOf(userId: string): Promise<UserPermissionRow[]>;
  meetingPermission(userId: string, permissionId: string, span: Span): Promise<string | undefined>;
  group(idOrName: { id: string } | { name: string }, organizationIds: TenantScope): Promise<GroupRow | undefined>;
  rolesOfGroup(groupId: string): Promise<{ id: string; name: string; created_at: Date }[]>;
}

const assignments = (trx: Knex) =>
  trx('user_roles').join('roles', 'roles.id', 'user_roles.role_id').select('user_roles.*', { role_name: 'roles.name' });

const membersOf = (trx: Knex, organizationIds: readonly string[]) =>
  trx('organization_members')
    .whereIn('organization_id', [...organizationIds])
    .select('user_id');

const during = (query: Knex.QueryBuilder, { starts_at: start, expires_at: end }: Span): Knex.QueryBuilder => {
  if (start) query.where((open) => open.whereNull('expires_at').orWhere('expires_at', '>', start));
  if (end) query.where((open) => open.whereNull('starts_at').orWhere('starts_at', '<', end));
  return query;
};

/** @param trx with its tenants set */
export const createAssignmentRepository = (trx: Knex): AssignmentRepository => ({
  seesUser: async (userId, organizationIds) => {
    const query = trx('users').where({ id: userId });
    if (organizationIds !== 'all') query.whereIn('id', membersOf(trx, organizationIds));
    return (await query.first('id')) !== undefined;
  },
  isMember: async (userId, organizationId) =>
    (await trx('organization_members').where({ user_id: userId, organization_id: organizationId }).first('user_id')) !==
    undefined,
  ofUser: (userId) => assignments(trx).where('user_roles.user_id', userId).orderBy('user_roles.id'),
  inOrganization: (organizationId, userIds) =>
    assignments(trx)
      .where('user_roles.organization_id', organizationId)
      .whereIn('user_roles.user_id', [...userIds])
      .orderBy('user_roles.id'),
  ofRole: async (roleId, organizationIds, limit, after) => {
    const email = trx('identifiers')
      .whereRaw(`user_id = user_roles.user_id and type = 'email' and is_primary`)
      .select('value')
      .limit(1);
    const query = assignments(trx).select({ email }).where('user_roles.role_id', roleId).orderBy('user_roles.id').limit(limit);
    if (after !== undefined) query.where('user_roles.id', '>', after);
    if (organizationIds !== 'all') query.whereIn('user_roles.user_id', membersOf(trx, organizationIds));
    return await query;
  },
  find: (id) => assignments(trx).where('user_roles.id', id).first(),
  meeting: async (userId, roleId, organizationId, isEligible, span) => {
    const query = trx('user_roles').where({ user_id: userId, role_id: roleId, is_eligible: isEligible });
    if (organizationId === null) query.whereNull('organization_id');
    else query.where({ organization_id: organizationId });
    return (await during(query, span).first('id'))?.id;
  },
  permissionsOf: (userId) =>
    trx('user_permissions')
      .join('permissions', 'permissions.id', 'user_permissions.permission_id')
      .select('user_permissions.*', { permission_name: 'permissions.name' })
      .where({ user_id: userId })
      .orderBy('user_permissions.id'),
  meetingPermission: async (userId, permissionId, span) =>
    (await during(trx('user_permissions').where({ user_id: userId, permission_id: permissionId }), span).first('id'))?.id,
  group: async (wanted, organizationIds) => {
    const query = trx('groups').where(wanted);
    if (organizationIds !== 'all') query.whereIn('organization_id', [...organizationIds]);
    return await query.orderByRaw('organization_id nulls first').first('id', 'name', 'organization_id');
  },
  rolesOfGroup: (groupId) =>
    trx('group_roles')
      .join('roles', 'roles.id', 'group_roles.role_id')
      .where({ group_id: groupId })
      .orderBy('roles.name')
      .select('roles.id', 'roles.name', 'group_roles.created_at'),
});
