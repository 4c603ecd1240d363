import type { FieldError } from '../../platform/errors/index.ts';
import { nameOfClaim, overflowClaim } from '../claims/entitlements.ts';
import type { ResourceClaim } from '../ports.ts';
import type { ResourceRow } from './repository.ts';
import type { ResourceInput } from './schema.ts';

/** What a resource says of itself, as the table has it. */
export type ResourceContent = Pick<
  ResourceRow,
  | 'identifier'
  | 'name'
  | 'scopes'
  | 'access_token_format'
  | 'access_token_ttl_seconds'
  | 'signing_alg'
  | 'introspection_clients'
  | 'access_token_claims'
>;

/** OpenID Connect Core §5.4, §11: these are about the person, not about a resource. */
const personalScopes = new Set(['openid', 'profile', 'email', 'address', 'phone', 'offline_access']);

const identifierProblem = (identifier: string): string | undefined => {
  // RFC 8707 §2: an absolute URI without fragment; RFC 7519 §2 allows any URI as an audience.
  if (!/^[\x21-\x7E]+$/.test(identifier) || !URL.canParse(identifier)) return 'must be an absolute URI';
  if (identifier.includes('#')) return 'must have no fragment';
  if (/^(javascript|data|vbscript|blob|file):/i.test(identifier)) return 'has a scheme that is not allowed';
  return undefined;
};

export const contentOf = ({ identifier, ...input }: ResourceInput): ResourceContent => ({
  identifier,
  name: input.name,
  scopes: (input.scopes ?? []).map((scope) => (typeof scope === 'string' ? { name: scope } : scope)),
  access_token_format: input.accessTokenFormat,
  access_token_ttl_seconds: input.accessTokenTtlSeconds ?? null,
  signing_alg: input.signingAlg ?? null,
  introspection_clients: input.introspectionClients ?? [],
  access_token_claims: input.accessTokenClaims ?? [],
});

/** RFC 7519 §4.1, RFC 9068 §2.2, RFC 8693 §4, RFC 7800 and our own: what the token itself says. */
const tokenClaims = new Set(
  `iss sub aud exp nbf iat jti client_id scope cnf act may_act acr amr auth_time authorization_details sid gid suid active token_type
  username ${overflowClaim}`.split(/\s+/),
);

const claimProblems = (claims: readonly ResourceClaim[]): FieldError[] => {
  const names = claims.map(nameOfClaim);
  return claims.flatMap((wanted, index) => {
    const path = `/accessTokenClaims/${index}`;
    const name = names[index] as string;
    return [
      ...(tokenClaims.has(name) ? [{ path: `${path}/claim`, message: `${name} belongs to the token` }] : []),
      ...(names.indexOf(name) === index ? [] : [{ path: `${path}/claim`, message: `${name} is there twice` }]),
      ...(wanted.format === 'objects' && wanted.source !== 'organizations'
        ? [{ path: `${path}/format`, message: 'objects is for organizations only' }]
        : []),
      ...(wanted.only && wanted.source !== 'permissions' ? [{ path: `${path}/only`, message: 'is for permissions only' }] : []),
    ];
  });
};

export const resourceProblems = (input: ResourceInput): FieldError[] => {
  const { scopes } = contentOf(input);
  const names = scopes.map(({ name }) => name);
  const problem = identifierProblem(input.identifier);
  return [
    ...claimProblems(input.accessTokenClaims ?? []),
    ...(problem === undefined ? [] : [{ path: '/identifier', message: problem }]),
    ...names.flatMap((name, index) => {
      if (personalScopes.has(name)) return [{ path: `/scopes/${index}`, message: `${name} belongs to OpenID Connect` }];
      return names.indexOf(name) === index ? [] : [{ path: `/scopes/${index}`, message: `${name} is there twice` }];
    }),
    ...(input.accessTokenFormat === 'opaque' && input.signingAlg !== undefined
      ? [{ path: '/signingAlg', message: 'is for the format jwt only' }]
      : []),
  ];
};
