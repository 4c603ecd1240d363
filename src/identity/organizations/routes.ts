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
import type { OrganizationMembers } from './members.ts';
import type { OrganizationMember, OrganizationRecord } from './repository.ts';
import * as schema from './schema.ts';
import type { Organizations } from './service.ts';

export interface OrganizationRouteDeps {
  organizations: Organizations;
  members: OrganizationMembers;
}

const base = '/api/v1/identity/organizations';
const one = `${base}/:organization`;

export const organizationView = (organization: OrganizationRecord): schema.OrganizationView => ({
  id: organization.id,
  name: organization.name,
  slug: organization.slug,
  status: organization.status,
  parent: organization.parent,
  branding: organization.branding,
  memberCount: organization.memberCount,
  createdAt: organization.created_at.toISOString(),
  updatedAt: organization.updated_at.toISOString(),
});
export const organizationMemberView = ({
  user_id: userId,
  email,
  name,
  created_at: createdAt,
}: OrganizationMember): schema.MemberView => ({
  userId,
  email,
  name,
  createdAt: createdAt.toISOString(),
});
const tagged = (organization: OrganizationRecord, status = 200) =>
  answer({ status, headers: { ETag: etagOf(organization.version) }, body: organizationView(organization) });

const mountMembers = (admin: AdminRoutes, { members }: OrganizationRouteDeps): void => {
  const { OrganizationParams: params, MemberView: response } = schema;
  admin.get(
    `${one}/members`,
    {
      summary: 'List the members of an organization',
      permission: 'organization:read',
      params,
      query: PageQuery,
      response: listOf(response),
      status: 200,
    },
    async ({ params: { organization }, query: { limit = 50, cursor }, ...caller }) => {
      const [after] = decodeCursor(cursor, 'uuid') ?? [];
      const rows = await members.list(callerOf(caller), organization, limit + 1, after);
      return pageOfItems(rows, limit, ({ user_id: id }) => [id], organizationMemberView);
    },
  );
  admin.post(
    `${one}/members`,
    {
      summary: 'Make somebody a member; strangers are invited instead',
      permission: 'organization:assign',
      params,
      body: schema.MemberBody,
      response,
      status: 201,
    },
    async ({ params: { organization }, body, ...caller }) =>
      organizationMemberView(await members.add(callerOf(caller), organization, body)),
  );
  admin.delete(
    `${one}/members/:userId`,
    {
      summary: 'End a membership, with roles and groups of the organization',
      permission: 'organization:assign',
      params: schema.MemberParams,
      status: 204,
    },
    async ({ params: { organization, userId }, ...caller }) => {
      await members.remove(callerOf(caller), organization, userId);
      return undefined;
    },
  );
};

export const mountOrganizationRoutes = (admin: AdminRoutes, deps: OrganizationRouteDeps): void => {
  const { organizations } = deps;
  const { OrganizationView: response, OrganizationParams: params } = schema;
  admin.get(
    base,
    {
      summary: 'List organizations',
      permission: 'organization:read',
      query: schema.OrganizationQuery,
      response: listOf(response),
      status: 200,
    },
    async ({ query: { limit = 50, cursor, ...filter }, ...caller }) => {
      const after = decodeCursor(cursor, 'text', 'uuid');
      const rows = await organizations.list(callerOf(caller), filter, limit + 1, after);
      return pageOfItems(rows, limit, ({ name, id }) => [name, id], organizationView);
    },
  );
  admin.post(
    base,
    {
      summary: 'Create an organization',
      permission: 'organization:create',
      everywhere: true,
      body: schema.OrganizationBody,
      response,
      status: 201,
    },
    async ({ body, ...caller }) => tagged(await organizations.create(callerOf(caller), body), 201),
  );
  admin.get(
    one,
    { summary: 'Read an organization', permission: 'organization:read', params, response, status: 200 },
    async ({ params: { organization }, ...caller }) => tagged(await organizations.get(callerOf(caller), organization)),
  );
  admin.put(
    one,
    {
      summary: 'Change an organization: its own administrators its name and branding',
      permission: 'organization:update',
      params,
      body: schema.OrganizationChangeBody,
      response,
      status: 200,
    },
    async ({ params: { organization }, body, request, ...caller }) =>
      tagged(await organizations.update(callerOf(caller), organization, body, (version) => requireMatch(request, version))),
  );
  mountMembers(admin, deps);
};
