import { type AdminRoutes, listOf } from '../../platform/http/index.ts';
import { errors } from '../errors.ts';
import { type Assignments, assignmentView } from './assignments.ts';
import { callerOf } from './caller.ts';
import { type Grants, userPermissionView } from './grants.ts';
import { whole } from './routes.ts';
import * as schema from './schema.ts';
import type { Caller } from './transaction.ts';

export interface PeopleRouteDeps {
  assignments: Assignments;
  grants: Grants;
  /** @throws user_not_found */
  effective(caller: Caller, userId: string): Promise<schema.EffectiveView>;
}

const base = '/api/v1/rbac';
const groupRoleView = ({ id, name, created_at: createdAt }: { id: string; name: string; created_at: Date }) => ({
  id,
  name,
  createdAt: createdAt.toISOString(),
});

const mountUserRoles = (admin: AdminRoutes, { assignments, effective }: PeopleRouteDeps): void => {
  admin.get(
    `${base}/users/:id/roles`,
    {
      summary: 'List the role assignments of a person',
      permission: 'role:read',
      person: 'id',
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
      person: 'id',
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
      person: 'id',
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
      person: 'id',
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

const mountUserPermissions = (admin: AdminRoutes, { grants }: PeopleRouteDeps): void => {
  const path = `${base}/users/:id/permissions`;
  admin.get(
    path,
    {
      summary: 'List the direct permissions of a person',
      permission: 'permission:read',
      person: 'id',
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
      person: 'id',
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
      person: 'id',
      params: schema.UserPermissionParams,
      status: 204,
    },
    async ({ params, ...caller }) => {
      await grants.take(callerOf(caller), params.id, params.permission);
      return undefined;
    },
  );
};

const mountGroups = (admin: AdminRoutes, { grants }: PeopleRouteDeps): void => {
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
    async ({ params, body, ...caller }) => groupRoleView(await grants.giveGroup(callerOf(caller), params.group, body)),
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

export const mountPeopleRoutes = (admin: AdminRoutes, deps: PeopleRouteDeps): void => {
  mountUserRoles(admin, deps);
  mountUserPermissions(admin, deps);
  mountGroups(admin, deps);
};
