import { type AdminRoutes, decodeCursor, listOf, pageOfItems } from '../../platform/http/index.ts';
import { callerOf } from '../rbac/caller.ts';
import * as schema from './schema.ts';
import { type Entities, entityView } from './service.ts';

const base = '/api/v1/authz/entities';
/** People with the permission, and machines that were given the scope. */
const scope = ['api', 'authz_entities'] as const;

export const mountEntityRoutes = (admin: AdminRoutes, entities: Entities): void => {
  admin.get(
    base,
    {
      summary: 'List the objects and subjects that applications registered for decisions',
      permission: 'entity:read',
      scope,
      query: schema.EntityQuery,
      response: listOf(schema.EntityView),
      status: 200,
    },
    async ({ query: { limit = 50, cursor, type, id }, ...caller }) =>
      pageOfItems(
        await entities.list(callerOf(caller), { type, id }, limit + 1, decodeCursor(cursor, 'uuid')?.[0]),
        limit,
        (row) => [row.id],
        entityView,
      ),
  );
  admin.put(
    base,
    {
      summary: 'Register or replace objects and subjects with their attributes, up to a thousand at once',
      permission: 'entity:update',
      scope,
      body: schema.EntitiesBody,
      response: schema.EntitiesView,
      status: 200,
    },
    async ({ body, ...caller }) => await entities.put(callerOf(caller), body),
  );
  admin.delete(
    `${base}/:id`,
    {
      summary: 'Forget a registered object or subject',
      permission: 'entity:delete',
      scope,
      params: schema.EntityParams,
      status: 204,
    },
    async ({ params, ...caller }) => {
      await entities.remove(callerOf(caller), params.id);
      return undefined;
    },
  );
};
