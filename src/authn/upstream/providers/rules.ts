import { type FieldError, errors as shared } from '../../../platform/errors/index.ts';
import { type ClientAuthentication, usual } from './provider.ts';
import type { ProviderRow } from './repository.ts';
import type { ProviderInput } from './schema.ts';

const issuerProblem = (issuer: string | undefined): string | undefined => {
  if (issuer === undefined) return 'is required';
  if (!URL.canParse(issuer)) return 'must be a URL';
  const url = new URL(issuer);
  // OpenID Connect Discovery 1.0 §3; http only gets through the outbound guard where the operator allows the host.
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be an https URL';
  return url.search || url.hash || url.username || url.password ? 'must have no query, fragment or user' : undefined;
};

const mistakesOf = (input: ProviderInput, hasSecret: boolean): FieldError[] => {
  const isOidc = input.kind === 'oidc';
  const issuer = isOidc ? issuerProblem(input.issuer) : input.issuer === undefined ? undefined : 'is that of the kind';
  const isPublic = input.clientAuthentication === 'none' && isOidc;
  return [
    ...(issuer === undefined ? [] : [{ path: '/issuer', message: issuer }]),
    ...(hasSecret || isPublic ? [] : [{ path: '/clientSecret', message: 'is required' }]),
    ...(isOidc && input.displayName === undefined ? [{ path: '/displayName', message: 'is required' }] : []),
    ...(isOidc && input.scopes !== undefined && !input.scopes.includes('openid')
      ? [{ path: '/scopes', message: 'must contain openid' }]
      : []),
  ];
};

/** @throws invalid_request naming each mistake */
export const requireSound = (input: ProviderInput, hasSecret: boolean): void => {
  const mistakes = mistakesOf(input, hasSecret);
  if (mistakes.length > 0) throw shared.invalid_request({ errors: mistakes });
};

/** What a person reads. */
const described = (input: ProviderInput) => {
  if (input.kind === 'oidc') {
    const { displayName = '', issuer = null, scopes = ['openid', 'email', 'profile'] } = input;
    return { display_name: displayName, issuer, scopes };
  }
  const { displayName = usual[input.kind].displayName, scopes = [...usual[input.kind].scopes] } = input;
  return { display_name: displayName, issuer: null, scopes };
};

const authenticationOf = ({ kind, clientAuthentication }: ProviderInput): ClientAuthentication => {
  const usualWay = kind === 'oidc' ? 'client_secret_basic' : 'client_secret_post';
  return kind === 'oidc' || clientAuthentication !== 'none' ? (clientAuthentication ?? usualWay) : usualWay;
};

/** What is kept of the input; what is left out is as usual. */
export const rowOf = (input: ProviderInput, sealedSecret: string | null, now: Date) => ({
  ...described(input),
  kind: input.kind,
  client_id: input.clientId,
  client_secret_sealed: sealedSecret,
  client_authentication: authenticationOf(input),
  trusted_domains: input.trustedDomains ?? [],
  trusts_factors: input.trustsFactors ?? false,
  allows_sign_up: input.allowsSignUp ?? true,
  is_enabled: input.isEnabled ?? true,
  updated_at: now,
});

const telling = [
  'display_name',
  'kind',
  'issuer',
  'client_id',
  'client_authentication',
  'scopes',
  'trusted_domains',
  'trusts_factors',
  'allows_sign_up',
  'is_enabled',
] as const;

/** For the audit event: never the secret. */
export const auditable = (row: Pick<ProviderRow, (typeof telling)[number]>): Record<string, unknown> =>
  Object.fromEntries(telling.map((name) => [name, row[name]]));

export const changedFields = (before: ProviderRow, after: ProviderRow): string[] => [
  ...telling.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name])),
  ...(before.client_secret_sealed === after.client_secret_sealed ? [] : ['client_secret']),
];
