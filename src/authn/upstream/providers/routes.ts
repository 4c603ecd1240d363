import { type AdminRoutes, answer, decodeCursor, etagOf, pageOfItems, requireMatch } from '../../../platform/http/index.ts';
import type { PermissionScope, Principal } from '../../../platform/ports.ts';
import type { ProviderRow } from './repository.ts';
import { ProviderBody, ProviderList, ProviderParams, ProviderQuery, ProviderView } from './schema.ts';
import type { ProviderAdmin, ProviderCaller } from './service.ts';

const base = '/api/v1/identity-providers';
const one = `${base}/:id`;

interface RouteCaller {
  principal: Principal;
  reach: PermissionScope;
  organizationIds: readonly string[];
}

const callerOf = ({ principal, reach, organizationIds }: RouteCaller): ProviderCaller => ({
  actor: { type: principal.type, id: principal.id },
  scope: reach === 'any' ? 'all' : reach === 'organization' ? organizationIds : [],
});

/** Changes here decide who gets in: a sign-in of the last hour is asked for. */
const stepUp = { maxAgeSeconds: 3600 };

export const mountProviderRoutes = (admin: AdminRoutes, providers: ProviderAdmin): void => {
  const tagged = (row: ProviderRow, status = 200) =>
    answer({ status, headers: { ETag: etagOf(row.version) }, body: providers.view(row) });

  admin.get(
    base,
    {
      summary: 'List upstream identity providers',
      permission: 'identity-provider:read',
      query: ProviderQuery,
      response: ProviderList,
      status: 200,
    },
    async ({ query: { limit = 50, cursor }, ...caller }) => {
      const rows = await providers.list(callerOf(caller), limit + 1, decodeCursor(cursor, 'uuid')?.[0]);
      return pageOfItems(rows, limit, ({ id }) => [id], providers.view);
    },
  );
  admin.post(
    base,
    {
      summary: 'Set up an upstream identity provider',
      permission: 'identity-provider:create',
      body: ProviderBody,
      response: ProviderView,
      status: 201,
      stepUp,
    },
    async ({ body, ...caller }) => tagged(await providers.create(callerOf(caller), body), 201),
  );
  admin.get(
    one,
    {
      summary: 'Read an upstream identity provider',
      permission: 'identity-provider:read',
      params: ProviderParams,
      response: ProviderView,
      status: 200,
    },
    async ({ params, ...caller }) => tagged(await providers.get(callerOf(caller), params.id)),
  );
  admin.put(
    one,
    {
      summary: 'Replace its settings; a secret that is left out stays',
      permission: 'identity-provider:update',
      params: ProviderParams,
      body: ProviderBody,
      response: ProviderView,
      status: 200,
      stepUp,
    },
    async ({ params, body, request, ...caller }) => {
      const match = (version: number): void => requireMatch(request, version);
      return tagged(await providers.update(callerOf(caller), params.id, body, match));
    },
  );
  admin.delete(
    one,
    {
      summary: 'Remove an upstream identity provider',
      permission: 'identity-provider:delete',
      params: ProviderParams,
      status: 204,
      stepUp,
    },
    async ({ params, ...caller }) => {
      await providers.remove(callerOf(caller), params.id);
      return undefined;
    },
  );
};
