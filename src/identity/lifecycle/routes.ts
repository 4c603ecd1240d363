import { Type } from '@sinclair/typebox';
import type { AdminRoutes } from '../../platform/http/index.ts';
import type { Principal } from '../../platform/ports.ts';
import { viewOfUserRecord } from '../users/routes.ts';
import { UserView } from '../users/schema.ts';
import type { Users } from '../users/service.ts';
import type { Lifecycle, LifecycleCaller } from './service.ts';

const closed = { additionalProperties: false };
const Params = Type.Object({ id: Type.String({ format: 'uuid' }) }, closed);
const Body = Type.Object({ reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })) }, closed);
const base = '/api/v1/identity/users/:id';
// An account belongs to the deployment: who administers one organization has no say in the others.
const callerOf = ({ type, id }: Principal): LifecycleCaller => ({ actor: { type, id }, scope: 'all' });

export const mountLifecycleRoutes = (
  admin: AdminRoutes,
  { lifecycle, users }: { lifecycle: Lifecycle; users: Pick<Users, 'get'> },
): void => {
  const viewOf = async (id: string, principal: Principal) =>
    viewOfUserRecord(await users.get({ ...callerOf(principal), selfId: undefined }, id));
  const shape = { everywhere: true, params: Params, body: Body, response: UserView, status: 200 } as const;
  admin.post(
    `${base}/deactivate`,
    { ...shape, summary: 'End an account’s access, with every session and token', permission: 'user:deactivate' },
    async ({ params, body, principal }) => {
      await lifecycle.deactivate(params.id, callerOf(principal), body.reason);
      return viewOf(params.id, principal);
    },
  );
  admin.post(
    `${base}/reactivate`,
    { ...shape, summary: 'Let a deactivated account in again', permission: 'user:deactivate' },
    async ({ params, body, principal }) => {
      await lifecycle.reactivate(params.id, callerOf(principal), body.reason);
      return viewOf(params.id, principal);
    },
  );
};
