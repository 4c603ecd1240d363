import { Type } from '@sinclair/typebox';
import { type AdminRoutes, decodeCursor, ListQuery, listOf, pageOfItems } from '../../platform/http/index.ts';
import type { PendingRow } from './repository.ts';
import type { RegistrationApproval } from './service.ts';

const closed = { additionalProperties: false };
const nullable = Type.Union([Type.String(), Type.Null()]);
const Params = Type.Object({ id: Type.String({ format: 'uuid' }) }, closed);
const View = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    email: nullable,
    emailVerified: Type.Boolean(),
    name: nullable,
    createdAt: Type.String({ format: 'date-time' }),
  },
  closed,
);
const List = listOf(View);

const base = '/api/v1/identity/registrations';
const view = ({ id, email, is_verified: emailVerified, name, created_at: createdAt }: PendingRow) => ({
  id,
  email,
  emailVerified,
  name,
  createdAt: createdAt.toISOString(),
});

// A new account belongs to the deployment until somebody makes it a member of something (TN-02).
export const mountApprovalRoutes = (admin: AdminRoutes, approval: RegistrationApproval): void => {
  admin.get(
    base,
    {
      summary: 'List new accounts that wait for approval, the oldest first',
      permission: 'user:approve',
      everywhere: true,
      query: Type.Object(ListQuery, closed),
      response: List,
      status: 200,
    },
    async ({ query: { limit = 50, cursor } }) => {
      const rows = await approval.list(limit + 1, decodeCursor(cursor, 'time', 'uuid'));
      return pageOfItems(rows, limit, (row) => [row.created_at.toISOString(), row.id], view);
    },
  );
  admin.post(
    `${base}/:id/approve`,
    {
      summary: 'Let a new account in; the person is told by mail',
      permission: 'user:approve',
      everywhere: true,
      params: Params,
      status: 204,
    },
    async ({ params, principal: { type, id } }) => {
      await approval.approve(params.id, { type, id });
      return undefined;
    },
  );
  admin.post(
    `${base}/:id/reject`,
    {
      summary: 'Remove a new account that was not wanted; the person is told by mail',
      permission: 'user:approve',
      everywhere: true,
      params: Params,
      status: 204,
    },
    async ({ params, principal: { type, id } }) => {
      await approval.reject(params.id, { type, id });
      return undefined;
    },
  );
};
