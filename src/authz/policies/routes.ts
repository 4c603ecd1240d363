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
import { callerOf } from '../rbac/caller.ts';
import { whole } from '../rbac/routes.ts';
import * as schema from './schema.ts';
import type { Policies } from './service.ts';

const base = '/api/v1/authz/policies';
const one = `${base}/:id`;

const tagged = ({ view, version }: { view: schema.PolicyView; version: number }, status = 200) =>
  answer({ status, headers: { ETag: etagOf(version) }, body: view });

export const mountPolicyRoutes = (admin: AdminRoutes, policies: Policies): void => {
  admin.get(
    base,
    { summary: 'List policies', permission: 'policy:read', query: PageQuery, response: listOf(schema.PolicyView), status: 200 },
    async ({ query: { limit = 50, cursor }, ...caller }) => {
      const rows = await policies.list(callerOf(caller), limit + 1, decodeCursor(cursor, 'uuid')?.[0]);
      return pageOfItems(
        rows,
        limit,
        ({ id }) => [id],
        (view) => view,
      );
    },
  );
  admin.post(
    base,
    { summary: 'Draft a policy', permission: 'policy:create', body: schema.PolicyBody, response: schema.PolicyView, status: 201 },
    async ({ body, ...caller }) => tagged(await policies.create(callerOf(caller), body), 201),
  );
  admin.get(
    one,
    {
      summary: 'Read a policy by its newest version',
      permission: 'policy:read',
      params: schema.PolicyParams,
      response: schema.PolicyView,
      status: 200,
    },
    async ({ params, ...caller }) => tagged(await policies.get(callerOf(caller), params.id)),
  );
  admin.get(
    `${one}/versions`,
    {
      summary: 'List the versions of a policy, the newest first',
      permission: 'policy:read',
      params: schema.PolicyParams,
      response: listOf(schema.VersionView),
      status: 200,
    },
    async ({ params, ...caller }) => whole(await policies.versions(callerOf(caller), params.id)),
  );
  admin.put(
    one,
    {
      summary: 'Change the draft of a policy; what is in force stays until activation',
      permission: 'policy:update',
      params: schema.PolicyParams,
      body: schema.PolicyBody,
      response: schema.PolicyView,
      status: 200,
    },
    async ({ params, body, request, ...caller }) =>
      tagged(await policies.update(callerOf(caller), params.id, body, (version) => requireMatch(request, version))),
  );
  admin.post(
    `${one}/test`,
    {
      summary: 'Try the newest version on cases',
      permission: 'policy:read',
      params: schema.PolicyParams,
      body: schema.TestBody,
      response: schema.TestView,
      status: 200,
    },
    async ({ params, body: { cases, ...single }, ...caller }) => {
      const isSingle = single.action !== undefined && single.resource !== undefined;
      return await policies.test(callerOf(caller), params.id, isSingle ? [single as schema.PolicyCase] : cases);
    },
  );
  admin.post(
    `${one}/dry-run`,
    {
      summary: 'Which recorded decisions the newest version would change',
      permission: 'policy:activate',
      params: schema.PolicyParams,
      body: schema.DryRunBody,
      response: schema.DryRunView,
      status: 200,
    },
    async ({ params, body, ...caller }) => await policies.dryRun(callerOf(caller), params.id, body.limit ?? 200),
  );
  for (const [verb, run, summary] of [
    ['activate', policies.activate, 'Put the draft in force'],
    ['archive', policies.archive, 'Take a policy out of force'],
  ] as const) {
    admin.post(
      `${one}/${verb}`,
      {
        summary,
        permission: 'policy:activate',
        params: schema.PolicyParams,
        body: schema.NoBody,
        response: schema.PolicyView,
        status: 200,
      },
      async ({ params, ...caller }) => tagged(await run(callerOf(caller), params.id)),
    );
  }
};
