import type { Static } from '@sinclair/typebox';
import {
  type AdminRoutes,
  answer,
  decodeCursor,
  etagOf,
  listOf,
  PageQuery,
  pageOfItems,
  requireMatch,
} from '../../platform/http/index.ts';
import { type Assignments, assignmentView } from './assignments.ts';
import { callerOf } from './caller.ts';
import type { Permissions } from './permissions.ts';
import { type Roles, roleView } from './roles.ts';
import type { PermissionRecord, RoleRecord } from './roles-repository.ts';
import * as schema from './schema.ts';

export interface RbacRouteDeps {
  roles: Roles;
  permissions: Permissions;
  assignments: Assignments;
}

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
export const whole = <Item>(items: Item[]) => ({ items, nextCursor: null });

const mountRoles = (admin: AdminRoutes, { roles }: RbacRouteDeps): void => {
  admin.get(
    `${base}/roles`,
    { summary: 'List roles', permission: 'role:read', query: schema.RoleQuery, response: listOf(schema.RoleView), status: 200 },
    async ({ query: { limit = 50, cursor, ...filter }, ...caller }) =>
      pageOfItems(
        await roles.list(callerOf(caller), filter, limit + 1, decodeCursor(cursor, 'text', 'uuid')),
        limit,
        byName,
        roleView,
      ),
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

const mountPermissions = (admin: AdminRoutes, { permissions }: RbacRouteDeps): void => {
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
      const rows = await permissions.list(callerOf(caller), search, limit + 1, decodeCursor(cursor, 'text')?.[0]);
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
      query: PageQuery,
      response: listOf(schema.MemberView),
      status: 200,
    },
    async ({ params, query: { limit = 50, cursor }, ...caller }) => {
      const rows = await assignments.members(callerOf(caller), params.role, limit + 1, decodeCursor(cursor, 'uuid')?.[0]);
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

export const mountRbacRoutes = (admin: AdminRoutes, deps: RbacRouteDeps): void => {
  mountRoles(admin, deps);
  mountPermissions(admin, deps);
  mountMembers(admin, deps);
};
