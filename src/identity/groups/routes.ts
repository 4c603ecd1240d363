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
import { callerOf } from '../tenancy/caller.ts';
import type { GroupMembers } from './members.ts';
import type { GroupMember, GroupRecord } from './repository.ts';
import * as schema from './schema.ts';
import type { Groups } from './service.ts';

export interface GroupRouteDeps {
  groups: Groups;
  members: GroupMembers;
}

const base = '/api/v1/identity/groups';
const one = `${base}/:group`;

export const groupView = (group: GroupRecord): schema.GroupView => ({
  id: group.id,
  name: group.name,
  description: group.description,
  organizationId: group.organization_id,
  parent: group.parent,
  memberCount: group.memberCount,
  createdAt: group.created_at.toISOString(),
  updatedAt: group.updated_at.toISOString(),
});
export const groupMemberView = ({
  user_id: userId,
  role,
  email,
  name,
  created_at: createdAt,
}: GroupMember): schema.MemberView => ({
  userId,
  role,
  email,
  name,
  createdAt: createdAt.toISOString(),
});
const tagged = (group: GroupRecord, status = 200) =>
  answer({ status, headers: { ETag: etagOf(group.version) }, body: groupView(group) });

const mountMembers = (admin: AdminRoutes, { members }: GroupRouteDeps): void => {
  const { GroupParams: params, MemberParams, MemberView: response } = schema;
  admin.get(
    `${one}/members`,
    {
      summary: 'List who is in a group itself',
      permission: 'group:read',
      params,
      query: PageQuery,
      response: listOf(response),
      status: 200,
    },
    async ({ params: { group }, query: { limit = 50, cursor }, ...caller }) => {
      const rows = await members.list(callerOf(caller), group, limit + 1, decodeCursor(cursor, 'uuid')?.[0]);
      return pageOfItems(rows, limit, ({ user_id: id }) => [id], groupMemberView);
    },
  );
  admin.post(
    `${one}/members`,
    {
      summary: 'Add somebody to a group, with all that it holds',
      permission: 'group:assign',
      params,
      body: schema.MemberBody,
      response,
      status: 201,
    },
    async ({ params: { group }, body, ...caller }) => groupMemberView(await members.add(callerOf(caller), group, body)),
  );
  admin.put(
    `${one}/members/:userId`,
    {
      summary: 'Say what a member is in the group',
      permission: 'group:assign',
      params: MemberParams,
      body: schema.MemberRoleBody,
      response,
      status: 200,
    },
    async ({ params: { group, userId }, body, ...caller }) =>
      groupMemberView(await members.setRole(callerOf(caller), group, userId, body.role)),
  );
  admin.delete(
    `${one}/members/:userId`,
    { summary: 'Take somebody out of a group', permission: 'group:assign', params: MemberParams, status: 204 },
    async ({ params: { group, userId }, ...caller }) => {
      await members.remove(callerOf(caller), group, userId);
      return undefined;
    },
  );
};

export const mountGroupRoutes = (admin: AdminRoutes, deps: GroupRouteDeps): void => {
  const { groups } = deps;
  const { GroupBody: body, GroupView: response, GroupParams: params } = schema;
  admin.get(
    base,
    { summary: 'List groups', permission: 'group:read', query: schema.GroupQuery, response: listOf(response), status: 200 },
    async ({ query: { limit = 50, cursor, ...filter }, ...caller }) => {
      const rows = await groups.list(callerOf(caller), filter, limit + 1, decodeCursor(cursor, 'text', 'uuid'));
      return pageOfItems(rows, limit, ({ name, id }) => [name, id], groupView);
    },
  );
  admin.post(
    base,
    { summary: 'Create a group', permission: 'group:create', body, response, status: 201 },
    async ({ body: input, ...caller }) => tagged(await groups.create(callerOf(caller), input), 201),
  );
  admin.get(
    one,
    { summary: 'Read a group', permission: 'group:read', params, response, status: 200 },
    async ({ params: { group }, ...caller }) => tagged(await groups.get(callerOf(caller), group)),
  );
  admin.put(
    one,
    { summary: 'Replace a group', permission: 'group:update', params, body, response, status: 200 },
    async ({ params: { group }, body: input, request, ...caller }) =>
      tagged(await groups.update(callerOf(caller), group, input, (version) => requireMatch(request, version))),
  );
  admin.delete(
    one,
    { summary: 'Remove a group and take from its members what it gave', permission: 'group:delete', params, status: 204 },
    async ({ params: { group }, ...caller }) => {
      await groups.remove(callerOf(caller), group);
      return undefined;
    },
  );
  mountMembers(admin, deps);
};
