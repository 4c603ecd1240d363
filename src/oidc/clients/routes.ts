import { Type } from '@sinclair/typebox';
import {
  type AdminRoutes,
  answer,
  decodeCursor,
  etagOf,
  ListQuery,
  listOf,
  pageOfItems,
  requireMatch,
} from '../../platform/http/index.ts';
import { managerOf } from './manager.ts';
import { ClientBody, ClientParams, ClientView, NewSecretView, SecretBody, SecretParams } from './schema.ts';
import type { Clients } from './service.ts';

interface ClientRouteDeps {
  clients: Clients['admin'];
}

const ClientQuery = Type.Object(
  {
    ...ListQuery,
    source: Type.Optional(Type.String({ maxLength: 20 })),
    organizationId: Type.Optional(Type.String({ format: 'uuid' })),
    search: Type.Optional(Type.String({ maxLength: 200 })),
  },
  { additionalProperties: false },
);

const base = '/api/v1/clients';
const one = `${base}/:id`;

interface Found {
  view: ClientView;
  version: number;
}

const namesOfMetadata =
  'Metadata have the names of RFC 7591 §2 and of the specifications that add to it (redirect_uris, token_endpoint_auth_method), and what ' +
  'only an administrator sets has names of that kind (require_pkce, access_token_ttl_seconds): one document serves this API, BOOTSTRAP_FILE and ' +
  'dynamic registration. What the server adds (createdAt, disabledAt, secrets) is in camelCase, as everywhere in /api/v1.';

// CL-06: an answer with a secret is not kept anywhere on its way.
const noStore = { 'Cache-Control': 'no-store' };
const tagged = ({ view, version }: Found, status = 200) =>
  answer({ status, headers: { ETag: etagOf(version), ...noStore }, body: view });

export const mountClientRoutes = (admin: AdminRoutes, { clients }: ClientRouteDeps): void => {
  admin.get(
    base,
    { summary: 'List clients', permission: 'client:read', query: ClientQuery, response: listOf(ClientView), status: 200 },
    async ({ query: { limit = 50, cursor, organizationId, ...filter }, ...caller }) => {
      const { organizationIds: own } = managerOf(caller);
      const chosen = organizationId === undefined ? own : [organizationId].filter((id) => own?.includes(id) ?? true);
      const after = decodeCursor(cursor, 'text')?.[0];
      const rows = await clients.list({ ...filter, organizationIds: chosen }, limit + 1, after);
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
      summary: 'Register a client; its secret is shown in this answer only',
      description: namesOfMetadata,
      permission: 'client:create',
      body: ClientBody,
      response: ClientView,
      status: 201,
    },
    async ({ body, ...caller }) => tagged(await clients.create(body, managerOf(caller)), 201),
  );
  admin.get(
    one,
    { summary: 'Read a client', permission: 'client:read', params: ClientParams, response: ClientView, status: 200 },
    async ({ params, ...caller }) => tagged(await clients.get(params.id, managerOf(caller))),
  );
  admin.put(
    one,
    {
      summary: 'Replace the metadata and settings of a client',
      description: namesOfMetadata,
      permission: 'client:update',
      params: ClientParams,
      body: ClientBody,
      response: ClientView,
      status: 200,
    },
    async ({ params, body, request, ...caller }) => {
      const match = (version: number): void => requireMatch(request, version);
      return tagged(await clients.update(params.id, body, managerOf(caller), match));
    },
  );
  admin.delete(
    one,
    { summary: 'Remove a client and end its tokens', permission: 'client:delete', params: ClientParams, status: 204 },
    async ({ params, ...caller }) => {
      await clients.remove(params.id, managerOf(caller));
      return undefined;
    },
  );
  for (const [verb, isDisabled] of [
    ['disable', true],
    ['enable', false],
  ] as const) {
    admin.post(
      `${one}/${verb}`,
      {
        summary: isDisabled ? 'Disable a client and end its tokens' : 'Enable a client; what it had before stays ended',
        permission: 'client:update',
        params: ClientParams,
        response: ClientView,
        status: 200,
      },
      async ({ params, ...caller }) => tagged(await clients.setDisabled(params.id, isDisabled, managerOf(caller))),
    );
  }
  admin.post(
    `${one}/secrets`,
    {
      summary: 'Make a new secret; the old one ends after expiresInSeconds (a day where left out, 0 at once)',
      permission: 'client:update',
      params: ClientParams,
      body: SecretBody,
      response: NewSecretView,
      status: 201,
    },
    async ({ params, body, ...caller }) => {
      const made = await clients.rotateSecret(params.id, body.expiresInSeconds, managerOf(caller));
      return answer({ status: 201, headers: noStore, body: made });
    },
  );
  admin.delete(
    `${one}/secrets/:secretId`,
    { summary: 'End a secret at once', permission: 'client:update', params: SecretParams, status: 204 },
    async ({ params, ...caller }) => {
      await clients.removeSecret(params.id, params.secretId, managerOf(caller));
      return undefined;
    },
  );
};
