import { type Static, Type } from '@sinclair/typebox';
import { type AdminRoutes, personOf } from '../../platform/http/index.ts';
import type { ConnectedApplication, ConnectedApplications } from '../surface.ts';

const closed = { additionalProperties: false };
const GrantView = Type.Object(
  {
    clientId: Type.String(),
    clientName: Type.String(),
    clientUri: Type.Union([Type.String(), Type.Null()]),
    isFirstParty: Type.Boolean(),
    isVerified: Type.Boolean(),
    scopes: Type.Array(Type.String()),
    claims: Type.Array(Type.String()),
    resources: Type.Array(Type.Object({ identifier: Type.String(), scopes: Type.Array(Type.String()) }, closed)),
    agreedAt: Type.String({ format: 'date-time' }),
  },
  closed,
);
const GrantList = Type.Object({ items: Type.Array(GrantView), nextCursor: Type.Null() }, closed);
// An address where the client is known by its metadata document.
const GrantParams = Type.Object({ clientId: Type.String({ minLength: 1, maxLength: 500 }) }, closed);

const viewOf = ({ client, consent, agreedAt }: ConnectedApplication): Static<typeof GrantView> => ({
  clientId: client.clientId,
  clientName: client.name,
  clientUri: client.clientUri ?? null,
  isFirstParty: client.isFirstParty,
  isVerified: client.isVerified,
  scopes: [...consent.scopes],
  claims: [...consent.claims],
  resources: consent.resources.map(({ identifier, scopes }) => ({ identifier, scopes: scopes.map(({ name }) => name) })),
  agreedAt: agreedAt.toISOString(),
});

/** What the caller allowed applications, and taking it back. */
export const mountGrantRoutes = (admin: AdminRoutes, applications: ConnectedApplications): void => {
  admin.get(
    '/api/v1/grants',
    { summary: 'List what I allow applications', permission: 'self', response: GrantList, status: 200 },
    async ({ principal }) => ({ items: (await applications.list(personOf(principal))).map(viewOf), nextCursor: null }),
  );
  admin.delete(
    '/api/v1/grants/:clientId',
    { summary: 'Take back what I allow an application', permission: 'self', params: GrantParams, status: 204 },
    async ({ params, principal }) => {
      await applications.revoke(personOf(principal), params.clientId);
      return undefined;
    },
  );
};
