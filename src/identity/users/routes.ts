import { Type } from '@sinclair/typebox';
import {
  type AdminRoutes,
  answer,
  decodeCursor,
  etagOf,
  listOf,
  pageOfItems,
  type RequestInfo,
  requireMatch,
} from '../../platform/http/index.ts';
import type { PermissionScope, Principal } from '../../platform/ports.ts';
import { claimsOfRow } from '../accounts/service.ts';
import { callerOf } from '../tenancy/caller.ts';
import type { UserRecord } from './repository.ts';
import * as schema from './schema.ts';
import type { Editor, Made, Users } from './service.ts';
import { profileOfClaims, viewOfClaims } from './view.ts';

const base = '/api/v1/identity/users';
const one = `${base}/:id`;

const claimsOf = ({ claims, identifiers, updated_at: updatedAt }: UserRecord): Record<string, unknown> => {
  const rows = identifiers.map(({ verified_at: at, ...rest }) => ({ ...rest, verified_at: at === null ? null : new Date(at) }));
  return claimsOfRow({ claims, identifiers: rows, updated_at: updatedAt });
};

export const viewOfUserRecord = (user: UserRecord): schema.UserView => ({
  ...viewOfClaims(user.id, claimsOf(user)),
  status: user.status,
  organizations: user.organizations,
  lastSignInAt: user.last_sign_in_at?.toISOString() ?? null,
  createdAt: user.created_at.toISOString(),
  updatedAt: user.updated_at.toISOString(),
});

interface RouteCaller {
  principal: Principal;
  reach: PermissionScope;
  organizationIds: readonly string[];
}

const editorOf = (caller: RouteCaller): Editor => {
  const { type, id } = caller.principal;
  return { ...callerOf(caller), selfId: type === 'user' ? id : undefined };
};

const tagged = (user: UserRecord, status = 200) =>
  answer({ status, headers: { ETag: etagOf(user.version) }, body: viewOfUserRecord(user) });

const answerMade = (made: Made, name: string | undefined) => {
  if (made.kind === 'created') return tagged(made.user, 201);
  const { id, email, expires_at: expiresAt } = made.invited;
  const body = { id, email, emailVerified: false as const, name: name ?? null, status: 'invited' as const };
  return { ...body, invitationExpiresAt: expiresAt.toISOString() };
};

/** A profile is small and has one owner: the condition counts where it is given. */
const matchIfGiven = (request: RequestInfo) => (version: number) => {
  if (request.header('if-match') !== undefined) requireMatch(request, version);
};

const mountProfile = (admin: AdminRoutes, users: Users): void => {
  const { UserParams: params, Profile: response } = schema;
  const shown = (user: UserRecord) => answer({ headers: { ETag: etagOf(user.version) }, body: profileOfClaims(claimsOf(user)) });
  admin.get(
    `${one}/profile`,
    { summary: 'Read the profile of a person', permission: 'user:read', person: 'id', params, response, status: 200 },
    async ({ params: { id }, ...caller }) => shown(await users.get(editorOf(caller), id)),
  );
  admin.put(
    `${one}/profile`,
    {
      summary: 'Replace the profile of a person',
      permission: 'user:update',
      person: 'id',
      params,
      body: schema.Profile,
      response,
      status: 200,
    },
    async ({ params: { id }, body, request, ...caller }) =>
      shown(await users.setProfile(editorOf(caller), id, body, matchIfGiven(request))),
  );
};

export const mountUserRoutes = (admin: AdminRoutes, users: Users): void => {
  const { UserParams: params, UserView: response } = schema;
  admin.get(
    base,
    { summary: 'List people', permission: 'user:read', query: schema.UserQuery, response: listOf(response), status: 200 },
    async ({ query: { limit = 50, cursor, ...query }, ...caller }) => {
      const [after] = decodeCursor(cursor, 'uuid') ?? [];
      const rows = await users.list(callerOf(caller), query, limit + 1, after);
      return pageOfItems(rows, limit, ({ id }) => [id], viewOfUserRecord);
    },
  );
  admin.post(
    base,
    {
      summary: 'Create an account, or invite somebody; who acts for an organization invites',
      permission: 'user:create',
      body: schema.UserBody,
      response: Type.Union([response, schema.InvitedView]),
      status: 201,
    },
    async ({ body, ...caller }) => answerMade(await users.create(body, callerOf(caller)), body.name),
  );
  admin.get(
    one,
    { summary: 'Read a person', permission: 'user:read', person: 'id', params, response, status: 200 },
    async ({ params: { id }, ...caller }) => tagged(await users.get(editorOf(caller), id)),
  );
  admin.put(
    one,
    {
      summary: 'Change a person’s name and profile',
      permission: 'user:update',
      person: 'id',
      params,
      body: schema.UserChangeBody,
      response,
      status: 200,
    },
    async ({ params: { id }, body, request, ...caller }) =>
      tagged(await users.update(editorOf(caller), id, body, (version) => requireMatch(request, version))),
  );
  admin.delete(
    one,
    {
      summary: 'Remove an account with all that hangs on it; sessions and tokens end',
      permission: 'user:delete',
      everywhere: true,
      params,
      status: 204,
    },
    async ({ params: { id }, ...caller }) => {
      await users.remove(callerOf(caller), id, undefined);
      return undefined;
    },
  );
  mountProfile(admin, users);
};
