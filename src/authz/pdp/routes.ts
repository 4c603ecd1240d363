import { errors } from '../../platform/errors/index.ts';
import type { AdminRoutes } from '../../platform/http/index.ts';
import * as schema from './schema.ts';
import type { Answer, Check, Pdp } from './service.ts';

const scope = ['authz', 'api'] as const;

const required = (path: string) => errors.invalid_request({ errors: [{ path, message: 'is required' }] });

const view = ({ allowed, explained }: Answer) => ({
  allowed,
  ...(explained && { reasons: explained.reasons as never[], wouldAllow: explained.wouldAllow as never[] }),
});

export const mountDecisionRoutes = (admin: AdminRoutes, pdp: Pdp): void => {
  admin.post(
    '/api/v1/authz/check',
    {
      summary: 'May a subject (the caller, where left out) do this? One question, or up to a hundred in checks',
      permission: 'self',
      scope,
      body: schema.CheckBody,
      response: schema.CheckView,
      status: 200,
    },
    async ({ body: { checks, ...single }, principal }) => {
      if (checks) {
        const results: ReturnType<typeof view>[] = [];
        for (const check of checks) results.push(view(await pdp.check(principal, check)));
        return { results };
      }
      if (single.action === undefined) throw required('/action');
      if (single.resource === undefined) throw required('/resource');
      return view(await pdp.check(principal, single as Check));
    },
  );
};
