import { Type } from '@sinclair/typebox';
import { errors as shared } from '../../platform/errors/index.ts';
import { type AdminRoutes, decodeCursor, ListQuery, listOf, pageOfItems } from '../../platform/http/index.ts';
import type { Clock, Guard, Principal } from '../../platform/ports.ts';
import type { InvitationRow } from './repository.ts';
import type { Invitations } from './service.ts';
import type { Inviter } from './unit.ts';

const closed = { additionalProperties: false };
const nullable = Type.Union([Type.String(), Type.Null()]);
const uuid = Type.String({ format: 'uuid' });
const time = Type.String({ format: 'date-time' });
const Params = Type.Object({ id: uuid }, closed);
const Body = Type.Object(
  {
    email: Type.String({ minLength: 1, maxLength: 320 }),
    organizationId: Type.Optional(uuid),
    role: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    /** BCP 47 */
    locale: Type.Optional(Type.String({ minLength: 2, maxLength: 35 })),
    days: Type.Optional(Type.Integer({ minimum: 1, maximum: 30 })),
  },
  closed,
);
const View = Type.Object(
  {
    id: uuid,
    email: Type.String(),
    organizationId: nullable,
    role: nullable,
    invitedBy: nullable,
    status: Type.Union(['open', 'accepted', 'revoked', 'expired'].map((status) => Type.Literal(status))),
    createdAt: time,
    expiresAt: time,
    acceptedAt: nullable,
  },
  closed,
);
const List = listOf(View);

const base = '/api/v1/identity/invitations';

export interface InvitationRouteDeps {
  invitations: Invitations;
  guard: Guard;
  clock: Clock;
}

/** FEATURES A3: people are invited by administrators, those of an organization into theirs. */
export const mountInvitationRoutes = (admin: AdminRoutes, { invitations, guard, clock }: InvitationRouteDeps): void => {
  const statusOf = ({ accepted_at: accepted, revoked_at: revoked, expires_at: expires }: InvitationRow): string => {
    if (accepted !== null) return 'accepted';
    if (revoked !== null) return 'revoked';
    return expires > clock.now() ? 'open' : 'expired';
  };
  const view = (row: InvitationRow) => ({
    id: row.id,
    email: row.email,
    organizationId: row.organization_id,
    role: row.role,
    invitedBy: row.invited_by,
    status: statusOf(row),
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    acceptedAt: row.accepted_at?.toISOString() ?? null,
  });
  /** TN-02: from membership and assignment, never from the request. */
  const inviterOf = async (principal: Principal, permission: string): Promise<Inviter> => {
    const { type, id } = principal;
    const isEverywhere = (await guard.reach(principal, permission)) === 'any';
    return { actor: { type, id }, scope: isEverywhere ? 'all' : await guard.organizations(principal, permission) };
  };

  admin.post(
    base,
    { summary: 'Invite somebody by mail', permission: 'invitation:create', body: Body, response: View, status: 201 },
    async ({ body, principal }) => {
      if (body.role !== undefined && (await guard.reach(principal, 'role:assign')) === undefined)
        throw shared.permission_required({ extensions: { permission: 'role:assign' } });
      return view(await invitations.create(body, await inviterOf(principal, 'invitation:create')));
    },
  );
  admin.get(
    base,
    {
      summary: 'List invitations, the newest first',
      permission: 'invitation:read',
      query: Type.Object(ListQuery, closed),
      response: List,
      status: 200,
    },
    async ({ query: { limit = 50, cursor }, principal }) => {
      const before = decodeCursor(cursor, 'time', 'uuid');
      const rows = await invitations.list(await inviterOf(principal, 'invitation:read'), limit + 1, before);
      return pageOfItems(rows, limit, (row) => [row.created_at.toISOString(), row.id], view);
    },
  );
  admin.post(
    `${base}/:id/resend`,
    {
      summary: 'Mail an invitation again; the link before ends',
      permission: 'invitation:create',
      params: Params,
      response: View,
      status: 200,
    },
    async ({ params, principal }) => view(await invitations.resend(params.id, await inviterOf(principal, 'invitation:create'))),
  );
  admin.delete(
    `${base}/:id`,
    { summary: 'Withdraw an invitation', permission: 'invitation:delete', params: Params, status: 204 },
    async ({ params, principal }) => {
      await invitations.revoke(params.id, await inviterOf(principal, 'invitation:delete'));
      return undefined;
    },
  );
};
