import { type Static, Type } from '@sinclair/typebox';
import { signingAlgorithms } from '../keys/generate.ts';

const closed = { additionalProperties: false };
// RFC 6749 §3.3
const scopeName = Type.String({ minLength: 1, maxLength: 100, pattern: '^[\\x21\\x23-\\x5B\\x5D-\\x7E]+$' });
const ScopeShape = Type.Object({ name: scopeName, description: Type.Optional(Type.String({ maxLength: 500 })) }, closed);

const ClaimShape = Type.Object(
  {
    source: Type.Union([
      Type.Literal('roles'),
      Type.Literal('permissions'),
      Type.Literal('groups'),
      Type.Literal('organizations'),
    ]),
    claim: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    format: Type.Optional(Type.Union([Type.Literal('list'), Type.Literal('text'), Type.Literal('objects')])),
    only: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { minItems: 1, maxItems: 50 })),
  },
  closed,
);

const content = {
  name: Type.String({ minLength: 1, maxLength: 200 }),
  accessTokenFormat: Type.Union([Type.Literal('jwt'), Type.Literal('opaque')]),
  accessTokenTtlSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 31_536_000 })),
  signingAlg: Type.Optional(Type.Union(signingAlgorithms.map((alg) => Type.Literal(alg)))),
  introspectionClients: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: 100, uniqueItems: true }),
  ),
  accessTokenClaims: Type.Optional(Type.Array(ClaimShape, { maxItems: 20 })),
};
const identifier = Type.String({ minLength: 1, maxLength: 500 });
// A bare name is a scope without a description.
const scopes = Type.Array(Type.Union([scopeName, ScopeShape]), { maxItems: 500 });

export const ResourceBody = Type.Object({ identifier, ...content, scopes: Type.Optional(scopes) }, closed);
export type ResourceInput = Static<typeof ResourceBody>;
export const ResourceParams = Type.Object({ id: Type.String({ format: 'uuid' }) }, closed);

const time = Type.String({ format: 'date-time' });
const numberOrNull = Type.Union([Type.Integer(), Type.Null()]);
const textOrNull = Type.Union([Type.String(), Type.Null()]);
export const ResourceView = Type.Object(
  {
    id: Type.String(),
    identifier,
    name: content.name,
    scopes: Type.Array(ScopeShape),
    accessTokenFormat: content.accessTokenFormat,
    accessTokenTtlSeconds: numberOrNull,
    signingAlg: textOrNull,
    introspectionClients: Type.Array(Type.String()),
    accessTokenClaims: Type.Array(ClaimShape),
    source: Type.String(),
    createdAt: time,
    updatedAt: time,
  },
  closed,
);
export type ResourceView = Static<typeof ResourceView>;
