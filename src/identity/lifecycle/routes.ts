import { Type } from '@sinclair/typebox';
import type { AdminRoutes } from '../../platform/http/index.ts';
import type { Principal } from '../../platform/ports.ts';
import type { Accounts } from '../accounts/service.ts';
import { errors } from '../errors.ts';
import type { Lifecycle, LifecycleCaller } from './service.ts';

const closed = { additionalProperties: false };
const nullable = Type.Union([Type.String(), Type.Null()]);
const Params = Type.Object({ id: Type.String({ format: 'uuid' }) }, closed);
const Body = Type.Object({ reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })) }, closed);
const View = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    email: nullable,
    emailVerified: Type.Boolean(),
    name: nullable,
    status: Type.String(),
  },
  closed,
);

const base = '/api/v1/identity/users/:id';
// An account belongs to the deployment: who administers one organization has no say in the others.
const callerOf = ({ type, id }: Principal): LifecycleCaller => ({ actor: { type, id }, scope: 'all' });
const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

export const mountLifecycleRoutes = (
  admin: AdminRoutes,
  { lifecycle, accounts }: { lifecycle: Lifecycle; accounts: Pick<Accounts, 'find'> },
): void => {
  const viewOf = async (id: string) => {
    const account = await accounts.find(id);
    if (!account) throw errors.account_not_found();
    const { claims, status } = account;
    return { id, email: textOf(claims.email), emailVerified: claims.email_verified === true, name: textOf(claims.name), status };
  };
  const shape = { everywhere: true, params: Params, body: Body, response: View, status: 200 } as const;
  admin.post(
    `${base}/deactivate`,
    { ...shape, summary: 'End an account’s access, with every session and token', permission: 'user:deactivate' },
    async ({ params, body, principal }) => {
      await lifecycle.deactivate(params.id, callerOf(principal), body.reason);
      return viewOf(params.id);
    },
  );
  admin.post(
    `${base}/reactivate`,
    { ...shape, summary: 'Let a deactivated account in again', permission: 'user:deactivate' },
    async ({ params, body, principal }) => {
      await lifecycle.reactivate(params.id, callerOf(principal), body.reason);
      return viewOf(params.id);
    },
  );
};
