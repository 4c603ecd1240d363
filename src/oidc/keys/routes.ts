import { Type } from '@sinclair/typebox';
import type { AdminRoutes } from '../../platform/http/index.ts';
import type { Actor, Principal } from '../../platform/ports.ts';
import { signingAlgorithms } from './generate.ts';
import type { Keys } from './service.ts';

const closed = { additionalProperties: false };
const nullable = Type.Union([Type.String(), Type.Null()]);
const KeyView = Type.Object(
  {
    kid: Type.String(),
    alg: Type.String(),
    state: Type.String(),
    createdAt: Type.String({ format: 'date-time' }),
    activatedAt: nullable,
    retiredAt: nullable,
    expiresAt: nullable,
  },
  closed,
);
const KeyList = Type.Object({ items: Type.Array(KeyView), nextCursor: Type.Null() }, closed);
const KeyParams = Type.Object({ kid: Type.String({ pattern: '^[A-Za-z0-9_-]{1,100}$' }) }, closed);
const RotationBody = Type.Object({ alg: Type.Optional(Type.Union(signingAlgorithms.map((alg) => Type.Literal(alg)))) }, closed);

const base = '/api/v1/keys';
const actorOf = ({ type, id }: Principal): Actor => ({ type, id });

/** Signing keys as an administrator sees them; private parts have no way out. */
export const mountKeyRoutes = (admin: AdminRoutes, keys: Keys): void => {
  admin.get(
    base,
    { summary: 'List signing keys', permission: 'key:read', everywhere: true, response: KeyList, status: 200 },
    async () => ({
      items: await keys.list(),
      nextCursor: null,
    }),
  );
  admin.post(
    `${base}/rotate`,
    {
      summary: 'Rotate the keys of one algorithm, or of all; the old ones stay published until nothing they signed is alive',
      permission: 'key:rotate',
      everywhere: true,
      body: RotationBody,
      response: KeyList,
      status: 200,
    },
    async ({ body, principal }) => ({ items: await keys.rotate(body.alg, actorOf(principal)), nextCursor: null }),
  );
  admin.post(
    `${base}/:kid/retire`,
    {
      summary: 'Put another key in the place of this one',
      permission: 'key:rotate',
      everywhere: true,
      params: KeyParams,
      status: 204,
    },
    async ({ params, principal }) => {
      await keys.retire(params.kid, actorOf(principal));
      return undefined;
    },
  );
  admin.post(
    `${base}/:kid/withdraw`,
    {
      summary: 'Take a compromised key out at once',
      permission: 'key:withdraw',
      everywhere: true,
      params: KeyParams,
      status: 204,
    },
    async ({ params, principal }) => {
      await keys.withdraw(params.kid, actorOf(principal));
      return undefined;
    },
  );
};
