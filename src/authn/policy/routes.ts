import { errors } from '../../platform/errors/index.ts';
import type { AdminRoutes } from '../../platform/http/index.ts';
import type { PermissionScope } from '../../platform/ports.ts';
import type { FactorReset } from '../factors/reset.ts';
import { PolicyList, PolicyQuery, PolicyView, ResetBody, ResetParams, ResetView } from '../factors/schema.ts';
import type { FactorPolicyRow, PolicyScope } from './repository.ts';
import type { FactorPolicy } from './service.ts';

/** Who needs a second factor (A9): for the site, a role, a client, an organization. */
export const mountFactorPolicyRoutes = (admin: AdminRoutes, policy: FactorPolicy, reset: FactorReset): void => {
  /** These rules reach beyond any one organization. @throws permission_required */
  const requireAny = (reach: PermissionScope): void => {
    if (reach !== 'any') throw errors.permission_required({ extensions: { permission: 'mfa:update:any' } });
  };

  admin.get(
    '/api/v1/mfa/policies',
    { summary: 'List who needs a second factor', permission: 'mfa:read', everywhere: true, response: PolicyList, status: 200 },
    async () => ({ items: await policy.list(), nextCursor: null }),
  );
  admin.put(
    '/api/v1/mfa/policies',
    {
      summary: 'Say who needs a second factor',
      permission: 'mfa:update',
      body: PolicyView,
      response: PolicyView,
      status: 200,
      stepUp: { maxAgeSeconds: 3600 },
    },
    async ({ body, principal, reach }) => {
      requireAny(reach);
      return policy.put(body as FactorPolicyRow, principal.id);
    },
  );
  admin.post(
    '/api/v1/mfa/users/:id/reset',
    {
      summary: 'Take every second factor of somebody who has lost them; their sessions end and they are told',
      permission: 'mfa:update',
      params: ResetParams,
      body: ResetBody,
      response: ResetView,
      status: 200,
      stepUp: { maxAgeSeconds: 3600 },
    },
    async ({ params, body, principal, reach }) => {
      requireAny(reach);
      return reset(params.id, { actorId: principal.id, reason: body.reason });
    },
  );
  admin.delete(
    '/api/v1/mfa/policies',
    {
      summary: 'Withdraw such a rule',
      permission: 'mfa:update',
      query: PolicyQuery,
      status: 204,
      stepUp: { maxAgeSeconds: 3600 },
    },
    async ({ query, principal, reach }) => {
      requireAny(reach);
      await policy.remove(query.scope as PolicyScope, query.target ?? '', principal.id);
      return undefined;
    },
  );
};
