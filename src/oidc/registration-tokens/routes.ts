import { type AdminRoutes, answer, decodeCursor, listOf, PageQuery, pageOfItems } from '../../platform/http/index.ts';
import type { PermissionScope } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import { NewTokenView, TokenBody, TokenParams, TokenView } from './schema.ts';
import type { RegistrationTokens } from './service.ts';

const base = '/api/v1/registration-tokens';

/** What registers itself belongs to no tenant, so only who may manage every client hands out the right to (CL-07). */
const checkReach = (reach: PermissionScope): void => {
  if (reach !== 'any') throw errors.client_not_yours();
};

export const mountRegistrationTokenRoutes = (admin: AdminRoutes, tokens: RegistrationTokens): void => {
  admin.get(
    base,
    {
      summary: 'List initial access tokens',
      permission: 'client:read',
      query: PageQuery,
      response: listOf(TokenView),
      status: 200,
    },
    async ({ query: { limit = 50, cursor }, reach }) => {
      checkReach(reach);
      const rows = await tokens.list(limit + 1, decodeCursor(cursor, 'uuid')?.[0]);
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
    {
      summary: 'Make an initial access token; it is shown in this answer only',
      permission: 'client:create',
      body: TokenBody,
      response: NewTokenView,
      status: 201,
    },
    async ({ body, reach, principal: { type, id } }) => {
      checkReach(reach);
      return answer({ status: 201, headers: { 'Cache-Control': 'no-store' }, body: await tokens.create(body, { type, id }) });
    },
  );
  admin.delete(
    `${base}/:id`,
    {
      summary: 'Revoke an initial access token; clients that it registered stay',
      permission: 'client:delete',
      params: TokenParams,
      status: 204,
    },
    async ({ params, reach, principal: { type, id } }) => {
      checkReach(reach);
      await tokens.revoke(params.id, { type, id });
      return undefined;
    },
  );
};
