import type { Static, TSchema } from '@sinclair/typebox';
import { type AdminRoutes, answer, decodeCursor, etagOf, pageOfItems, requireMatch } from '../../platform/http/index.ts';
import type { PermissionScope, Principal } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import { type Assignments, assignmentView } from './assignments.ts';
import { type Grants, userPermissionView } from './grants.ts';
import { type Roles, roleView } from './roles.ts';
import type { PermissionRecord, RoleRecord } from './roles-repository.ts';
import * as schema from './schema.ts';
import type { Caller } from './work.ts';

export interface RbacRouteDeps {
  roles: Roles;
  assignments: Assignments;
  grants: Grants;
  /** @throws user_not_found */
  effective(caller: Caller, userId: string): Promise<schema.EffectiveView>;
}

export interface RouteCaller {
  principal: Principal;
  reach: PermissionScope;
  organizationIds: readonly string[];
}

/** @throws user_not_found where the permission reaches nothing but what is one's own */
export const callerOf = ({ principal, reach, organizationIds }: RouteCaller): Caller => {
  const actor = { type: principal.type, id: principal.id };
  if (reach === 'any') return { actor, scope: 'all' };
  return { actor, scope: reach === 'organization' ? organizationIds : [] };
};

const base = '/api/v1/rbac';
const tagged = (role: RoleRecord, status = 200) =>
  answer({ status, headers: { ETag: etagOf(role.version) }, body: roleView(role) });
const byName = ({ name, id }: { name: string; id: string }): string[] => [name, id];
const byId = ({ id }: { id: string }): string[] => [id];
const permissionView = (row: PermissionRecord): Static<typeof schema.PermissionView> => ({
  id: row.id,
  name: row.name,
  description: row.description,
  createdAt: row.created_at.toISOString(),
});
const groupRoleView = ({ id, name, created_at: createdAt }: { id: string; name: string; created_at: Date }) => ({
  id,
  name,
  createdAt: createdAt.toISOString(),
});
const whole = <Item>(items: Item[]) => ({ items, nextCursor: null });
const listOf = <Item extends TSchema>(item: Item) => schema.listOf(item);

const mountRoles = (admin: AdminRoutes, { roles }: RbacRouteDeps): void => {
  admin.get(
    `${base}/roles`,
    { summary: 'List roles', permission: 'role:read', query: schema.RoleQuery, response: listOf(schema.RoleView), status: 200 },
    async ({ query: { limit = 50, cursor, ...filter }, ...caller }) =>
      pageOfItems(await roles.list(callerOf(caller), filter, limit + 1, decodeCursor(cursor, 2)), limit, byName, roleView),
  );
  admin.post(
    `${base}/roles`,
    { summary: 'Create a role', permission: 'role:create', body: schema.RoleBody, response: schema.RoleView, status: 201 },
    async ({ body, ...caller }) => tagged(await roles.create(callerOf(caller), body), 201),
  );
  admin.get(
    `${base}/roles/:role`,
    { summary: 'Read a role', permission: 'role:read', params: schema.RoleParams, response: schema.RoleView, status: 200 },
    async ({ params, ...caller }) => tagged(await roles.get(callerOf(caller), params.role)),
  );
  admin.put(
    `${base}/roles/:role`,
    {
      summary: 'Replace a role',
      permission: 'role:update',
      params: schema.RoleParams,
      body: schema.RoleBody,
      response: schema.RoleView,
      status: 200,
    },
    async ({ params, body, request, ...caller }) =>
      tagged(await roles.update(callerOf(caller), params.role, body, (version) => requireMatch(request, version))),
  );
  admin.delete(
    `${base}/roles/:role`,
    { summary: 'Remove a role and take it from everybody', permission: 'role:delete', params: schema.RoleParams, status: 204 },
    async ({ params, ...caller }) => {
      await roles.remove(callerOf(caller), params.role);
      return undefined;
    },
  );
};

const mountPermissions = (admin: AdminRoutes, { roles: { permissions } }: RbacRouteDeps): void => {
  admin.get(
    `${base}/permissions`,
    {
      summary: 'List registered permissions',
      permission: 'permission:read',
      query: schema.SearchQuery,
      response: listOf(schema.PermissionView),
      status: 200,
    },
    async ({ query: { limit = 50, cursor, search }, ...caller }) => {
      const rows = await permissions.list(callerOf(caller), search, limit + 1, decodeCursor(cursor, 1)?.[0]);
      return pageOfItems(rows, limit, ({ name }) => [name], permissionView);
    },
  );
  admin.post(
    `${base}/permissions`,
    {
      summary: 'Register a permission',
      permission: 'permission:create',
      body: schema.PermissionBody,
      response: schema.PermissionView,
      status: 201,
    },
    async ({ body, ...caller }) => permissionView(await permissions.create(callerOf(caller), body.name, body.description)),
  );
  admin.delete(
    `${base}/permissions/:permission`,
    {
      summary: 'Remove a permission nobody holds',
      permission: 'permission:delete',
      params: schema.PermissionParams,
      status: 204,
    },
    async ({ params, ...caller }) => {
      await permissions.remove(callerOf(caller), params.permission);
      return undefined;
    },
  );
};

const mountMembers = (admin: AdminRoutes, { assignments }: RbacRouteDeps): void => {
  admin.get(
    `${base}/roles/:role/members`,
    {
      summary: 'List who was assigned a role',
      permission: 'role:read',
      params: schema.RoleParams,
      query: schema.PageQuery,
      response: listOf(schema.MemberView),
      status: 200,
    },
    async ({ params, query: { limit = 50, cursor }, ...caller }) => {
      const rows = await assignments.members(callerOf(caller), params.role, limit + 1, decodeCursor(cursor, 1)?.[0]);
      return pageOfItems(rows, limit, byId, (row) => ({ ...assignmentView(row), email: row.email }));
    },
  );
  admin.post(
    `${base}/roles/:role/members`,
    {
      summary: 'Assign a role to many people, to all of them or to none',
      permission: 'role:assign',
      params: schema.RoleParams,
      body: schema.MembersBody,
      response: listOf(schema.AssignmentView),
      status: 201,
    },
    async ({ params, body: { userIds, ...rest }, ...caller }) =>
      whole((await assignments.assignMany(callerOf(caller), userIds, { role: params.role, ...rest })).map(assignmentView)),
  );
};

const mountUserRoles = (admin: AdminRoutes, { assignments, effective }: RbacRouteDeps): void => {
  admin.get(
    `${base}/users/:id/roles`,
    {
      summary: 'List the role assignments of a person',
      permission: 'role:read',
      params: schema.UserParams,
      response: listOf(schema.AssignmentView),
      status: 200,
    },
    async ({ params, ...caller }) => whole((await assignments.ofUser(callerOf(caller), params.id)).map(assignmentView)),
  );
  admin.post(
    `${base}/users/:id/roles`,
    {
      summary: 'Assign a role, for good or for a time',
      permission: 'role:assign',
      params: schema.UserParams,
      body: schema.AssignmentBody,
      response: schema.AssignmentView,
      status: 201,
    },
    async ({ params, body, ...caller }) => assignmentView(await assignments.assign(callerOf(caller), params.id, body)),
  );
  admin.delete(
    `${base}/users/:id/roles/:role`,
    {
      summary: 'Take a role away',
      permission: 'role:assign',
      params: schema.UserRoleParams,
      query: schema.OrganizationQuery,
      status: 204,
    },
    async ({ params, query, ...caller }) => {
      await assignments.unassign(callerOf(caller), params.id, params.role, query.organizationId);
      return undefined;
    },
  );
  admin.get(
    `${base}/users/:id/effective`,
    {
      summary: 'What a person holds now, and by what',
      permission: 'entitlement:read',
      params: schema.UserParams,
      response: schema.EffectiveView,
      status: 200,
    },
    async ({ params, ...caller }) => {
      const isSelf = caller.principal.type === 'user' && caller.principal.id === params.id;
      if (!isSelf && (caller.reach === 'own' || caller.reach === 'group')) throw errors.user_not_found();
      return await effective(isSelf ? { ...callerOf(caller), scope: 'all' } : callerOf(caller), params.id);
    },
  );
};

const mountUserPermissions = (admin: AdminRoutes, { grants }: RbacRouteDeps): void => {
  const path = `${base}/users/:id/permissions`;
  admin.get(
    path,
    {
      summary: 'List the direct permissions of a person',
      permission: 'permission:read',
      params: schema.UserParams,
      response: listOf(schema.UserPermissionView),
      status: 200,
    },
    async ({ params, ...caller }) => whole((await grants.ofUser(callerOf(caller), params.id)).map(userPermissionView)),
  );
  admin.post(
    path,
    {
      summary: 'Allow or deny a person something directly, over all roles',
      permission: 'permission:grant',
      params: schema.UserParams,
      body: schema.UserPermissionBody,
      response: schema.UserPermissionView,
      status: 201,
    },
    async ({ params, body, ...caller }) => userPermissionView(await grants.give(callerOf(caller), params.id, body)),
  );
  admin.delete(
    `${path}/:permission`,
    {
      summary: 'Take a direct permission away',
      permission: 'permission:grant',
      params: schema.UserPermissionParams,
      status: 204,
    },
    async ({ params, ...caller }) => {
      await grants.take(callerOf(caller), params.id, params.permission);
      return undefined;
    },
  );
};

const mountGroups = (admin: AdminRoutes, { grants }: RbacRouteDeps): void => {
  const path = `${base}/groups/:group/roles`;
  admin.get(
    path,
    {
      summary: 'List the roles of a group',
      permission: 'role:read',
      params: schema.GroupParams,
      response: listOf(schema.GroupRoleView),
      status: 200,
    },
    async ({ params, ...caller }) => whole((await grants.ofGroup(callerOf(caller), params.group)).map(groupRoleView)),
  );
  admin.post(
    path,
    {
      summary: 'Give a role to all members of a group',
      permission: 'role:assign',
      params: schema.GroupParams,
      body: schema.GroupRoleBody,
      response: schema.GroupRoleView,
      status: 201,
    },
    async ({ params, body, ...caller }) => groupRoleView(await grants.giveGroup(callerOf(caller), params.group, body.role)),
  );
  admin.delete(
    `${path}/:role`,
    { summary: 'Take a role from a group', permission: 'role:assign', params: schema.GroupRoleParams, status: 204 },
    async ({ params, ...caller }) => {
      await grants.takeGroup(callerOf(caller), params.group, params.role);
      return undefined;
    },
  );
};

export const mountRbacRoutes = (admin: AdminRoutes, deps: RbacRouteDeps): void => {
  mountRoles(admin, deps);
  mountPermissions(admin, deps);
  mountMembers(admin, deps);
  mountUserRoles(admin, deps);
  mountUserPermissions(admin, deps);
  mountGroups(admin, deps);
};
