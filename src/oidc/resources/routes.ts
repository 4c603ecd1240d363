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
import type { Actor, Principal } from '../../platform/ports.ts';
import { mountResourceMetadata, type OwnResource } from './metadata.ts';
import { ResourceBody, ResourceParams, ResourceView } from './schema.ts';
import type { Resources } from './service.ts';

const base = '/api/v1/resources';
const one = `${base}/:id`;

const actorOf = ({ type, id }: Principal): Actor => ({ type, id });
const tagged = ({ view, version }: { view: ResourceView; version: number }, status = 200) =>
  answer({ status, headers: { ETag: etagOf(version) }, body: view });

/** Resource servers belong to the installation, not to a tenant: so only who holds a permission everywhere changes them (TN-02). */
export const mountResourceRoutes = (admin: AdminRoutes, resources: Resources['admin'], own: OwnResource): void => {
  mountResourceMetadata(admin, own);
  admin.get(
    base,
    {
      summary: 'List resource servers',
      permission: 'resource:read',
      query: PageQuery,
      response: listOf(ResourceView),
      status: 200,
    },
    async ({ query: { limit = 50, cursor } }) => {
      const rows = await resources.list(limit + 1, decodeCursor(cursor, 'text')?.[0]);
      return pageOfItems(
        rows,
        limit,
        ({ identifier }) => [identifier],
        (view) => view,
      );
    },
  );
  admin.post(
    base,
    {
      summary: 'Register a resource server',
      permission: 'resource:create',
      everywhere: true,
      body: ResourceBody,
      response: ResourceView,
      status: 201,
    },
    async ({ body, principal }) => tagged(await resources.create(body, actorOf(principal)), 201),
  );
  admin.get(
    one,
    {
      summary: 'Read a resource server',
      permission: 'resource:read',
      params: ResourceParams,
      response: ResourceView,
      status: 200,
    },
    async ({ params }) => tagged(await resources.get(params.id)),
  );
  admin.put(
    one,
    {
      summary: 'Replace a resource server; its identifier stays',
      permission: 'resource:update',
      everywhere: true,
      params: ResourceParams,
      body: ResourceBody,
      response: ResourceView,
      status: 200,
    },
    async ({ params, body, principal, request }) => {
      const match = (version: number): void => requireMatch(request, version);
      return tagged(await resources.update(params.id, body, actorOf(principal), match));
    },
  );
  admin.delete(
    one,
    { summary: 'Remove a resource server', permission: 'resource:delete', everywhere: true, params: ResourceParams, status: 204 },
    async ({ params, principal }) => {
      await resources.remove(params.id, actorOf(principal));
      return undefined;
    },
  );
};
