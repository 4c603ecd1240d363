import { type Static, Type } from '@sinclair/typebox';
import { ListQuery, listOf } from '../../../platform/http/index.ts';
import { clientAuthentications, kinds } from './provider.ts';

const closed = { additionalProperties: false };
const id = Type.String({ format: 'uuid' });
const time = Type.String({ format: 'date-time' });
const nullable = Type.Union([Type.String(), Type.Null()]);
const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });

const Kind = Type.Union(kinds.map((kind) => Type.Literal(kind)));
const Authentication = Type.Union(clientAuthentications.map((way) => Type.Literal(way)));
const Scopes = Type.Array(Type.String({ pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,100}$' }), {
  maxItems: 30,
  uniqueItems: true,
});
const Domains = Type.Array(Type.String({ pattern: '^(\\*|[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)$' }), {
  maxItems: 100,
  uniqueItems: true,
});

export const ProviderBody = Type.Object(
  {
    // It stands in addresses.
    name: Type.Optional(Type.String({ pattern: '^[a-z][a-z0-9-]{0,39}$' })),
    displayName: Type.Optional(text(60)),
    kind: Kind,
    issuer: Type.Optional(text(500)),
    clientId: text(500),
    clientSecret: Type.Optional(text(1000)),
    clientAuthentication: Type.Optional(Authentication),
    scopes: Type.Optional(Scopes),
    trustedDomains: Type.Optional(Domains),
    trustsFactors: Type.Optional(Type.Boolean()),
    allowsSignUp: Type.Optional(Type.Boolean()),
    isEnabled: Type.Optional(Type.Boolean()),
    organizationId: Type.Optional(id),
  },
  closed,
);
export type ProviderInput = Static<typeof ProviderBody>;

export const ProviderView = Type.Object(
  {
    id,
    name: Type.String(),
    displayName: Type.String(),
    kind: Kind,
    issuer: Type.String(),
    clientId: Type.String(),
    hasClientSecret: Type.Boolean(),
    clientAuthentication: Authentication,
    scopes: Type.Array(Type.String()),
    trustedDomains: Type.Array(Type.String()),
    trustsFactors: Type.Boolean(),
    allowsSignUp: Type.Boolean(),
    isEnabled: Type.Boolean(),
    organizationId: nullable,
    /** To be registered at the provider. */
    callbackUrl: Type.String(),
    createdAt: time,
    updatedAt: time,
  },
  closed,
);
export type ProviderView = Static<typeof ProviderView>;

export const ProviderParams = Type.Object({ id }, closed);
export const ProviderQuery = Type.Object({ ...ListQuery }, closed);
export const ProviderList = listOf(ProviderView);
