import { type Static, Type } from '@sinclair/typebox';

const closed = { additionalProperties: false };
const word = Type.String({ minLength: 1, maxLength: 200 });
const words = Type.Array(word, { maxItems: 100, uniqueItems: true });

const Publisher = Type.Object(
  {
    issuer: word,
    jwks: Type.Object(
      { keys: Type.Array(Type.Object({}, { additionalProperties: true }), { minItems: 1, maxItems: 20 }) },
      closed,
    ),
  },
  closed,
);

/** What may be registered with the token; an absent member is as in open registration. */
export const PolicyBody = Type.Object(
  {
    grantTypes: Type.Optional(words),
    responseTypes: Type.Optional(words),
    authMethods: Type.Optional(words),
    redirectHosts: Type.Optional(words),
    scopes: Type.Optional(words),
    softwareStatements: Type.Optional(
      Type.Object(
        { issuers: Type.Array(Publisher, { minItems: 1, maxItems: 20 }), isRequired: Type.Optional(Type.Boolean()) },
        closed,
      ),
    ),
  },
  closed,
);

const maxUses = 10_000;
const yearSeconds = 31_536_000;

export const TokenBody = Type.Object(
  {
    name: word,
    policy: Type.Optional(PolicyBody),
    uses: Type.Optional(Type.Integer({ minimum: 1, maximum: maxUses })),
    expiresInSeconds: Type.Optional(Type.Integer({ minimum: 60, maximum: yearSeconds })),
  },
  closed,
);
export type TokenInput = Static<typeof TokenBody>;

export const TokenParams = Type.Object({ id: Type.String({ format: 'uuid' }) }, closed);

const time = Type.String({ format: 'date-time' });
const shown = {
  id: Type.String(),
  name: Type.String(),
  policy: PolicyBody,
  usesLeft: Type.Integer(),
  expiresAt: time,
  revokedAt: Type.Union([time, Type.Null()]),
  createdAt: time,
};
export const TokenView = Type.Object(shown, closed);
export type TokenView = Static<typeof TokenView>;
/** `token` is in the answer that made it and nowhere else. */
export const NewTokenView = Type.Object({ ...shown, token: Type.String() }, closed);
export type NewTokenView = Static<typeof NewTokenView>;
