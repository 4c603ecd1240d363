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
  admin.post(
    '/api/v1/authz/filter',
    {
      summary:
        'On which objects of a type may a subject (the caller, where left out) do this, as a condition to filter a list by',
      permission: 'self',
      scope,
      body: schema.FilterBody,
      response: schema.FilterView,
      status: 200,
    },
    async ({ body, principal }) => {
      const condition = await pdp.filter(principal, body);
      if (typeof condition === 'boolean') return { kind: condition ? ('always' as const) : ('never' as const) };
      return { kind: 'conditional' as const, condition };
    },
  );
};
