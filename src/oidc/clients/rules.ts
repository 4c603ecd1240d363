import type { FieldError } from '../../platform/errors/index.ts';
import { contrastWithWhite } from '../../platform/views/index.ts';
import { applyProfile, type ClientProfile } from '../protocol/profiles.ts';
import { redirectProblem, webAddressProblem } from './uris.ts';

type Metadata = Readonly<Record<string, unknown>>;

export interface RuleOptions {
  /** Hosts that we may call over http (OUTBOUND_ALLOW). */
  isPlainHost: (host: string) => boolean;
  /** PROFILE=fapi2: what every client is held to that has no profile of its own. */
  profile?: ClientProfile | undefined;
}

export const grantTypes = [
  'authorization_code',
  'client_credentials',
  'implicit',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'urn:openid:params:grant-type:ciba',
];
const responseTypes = ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'];
/** Claims that say something about the token itself; a mapping may not put anything else in their place. */
const protocolClaims = new Set(
  'acr act amr at_hash aud auth_time azp c_hash client_id cnf exp iat iss jti nbf nonce s_hash scope sid sub'.split(' '),
);

const strings = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

const grantsOf = (metadata: Metadata): string[] => strings(metadata.grant_types ?? ['authorization_code']);
const methodOf = (metadata: Metadata): string => String(metadata.token_endpoint_auth_method ?? 'client_secret_basic');
export const isConfidential = (metadata: Metadata): boolean => methodOf(metadata) !== 'none';

const isSymmetric = ([name, value]: [string, unknown]): boolean =>
  /_alg$/.test(name) && /^(HS|A\d|dir$|PBES2)/.test(String(value));
/** The method or an algorithm computes with the secret, so that a digest of it is not enough. */
export const computesWithSecret = (metadata: Metadata): boolean =>
  methodOf(metadata) === 'client_secret_jwt' || Object.entries(metadata).some(isSymmetric);
export const usesSecret = (metadata: Metadata): boolean =>
  methodOf(metadata).startsWith('client_secret_') || computesWithSecret(metadata);

const at = (path: string, message: string): FieldError => ({ path: `/${path}`, message });
const unless = (holds: boolean, path: string, message: string): FieldError[] => (holds ? [] : [at(path, message)]);

const addressRules = (metadata: Metadata, { isPlainHost }: RuleOptions): FieldError[] => {
  const isNative = metadata.application_type === 'native';
  const isImplicit = grantsOf(metadata).includes('implicit');
  const redirects = ['redirect_uris', 'post_logout_redirect_uris'].flatMap((name) =>
    strings(metadata[name]).flatMap((address, index) => {
      const problem = redirectProblem(address, { isNative, isImplicit });
      return problem === undefined ? [] : [at(`${name}/${index}`, problem)];
    }),
  );
  const web = [
    'backchannel_client_notification_endpoint',
    'backchannel_logout_uri',
    'client_uri',
    'frontchannel_logout_uri',
    'initiate_login_uri',
    'jwks_uri',
    'logo_uri',
    'policy_uri',
    'sector_identifier_uri',
    'tos_uri',
  ].flatMap((name) => {
    const problem = metadata[name] === undefined ? undefined : webAddressProblem(String(metadata[name]), isPlainHost);
    return problem === undefined ? [] : [at(name, problem)];
  });
  const requests = strings(metadata.request_uris).flatMap((address, index) => {
    const problem = webAddressProblem(address, isPlainHost);
    return problem === undefined ? [] : [at(`request_uris/${index}`, problem)];
  });
  const contacts = strings(metadata.contacts).flatMap((contact, index) =>
    unless(/^[^@\s]+@[^@\s]+$/.test(contact), `contacts/${index}`, 'must be an e-mail address'),
  );
  return [...redirects, ...web, ...requests, ...contacts];
};

/** RFC 7591 §2.1: grant types and response types that fit together. */
const flowRules = (metadata: Metadata): FieldError[] => {
  const grants = grantsOf(metadata);
  const types = strings(metadata.response_types);
  const parts = new Set(types.flatMap((type) => type.split(' ')));
  const isImplicit = parts.has('id_token') || parts.has('token');
  const needsRedirect = grants.includes('authorization_code') || grants.includes('implicit');
  return [
    ...grants.filter((grant) => !grantTypes.includes(grant)).map((grant) => at('grant_types', `${grant} is not supported`)),
    ...types.filter((type) => !responseTypes.includes(type)).map((type) => at('response_types', `${type} is not supported`)),
    ...unless(
      !parts.has('code') || grants.includes('authorization_code'),
      'grant_types',
      'must hold authorization_code for code',
    ),
    ...unless(!isImplicit || grants.includes('implicit'), 'grant_types', 'must hold implicit for id_token or token'),
    ...unless(!needsRedirect || strings(metadata.redirect_uris).length > 0, 'redirect_uris', 'is required for these grant_types'),
    ...unless(
      !grants.includes('client_credentials') || isConfidential(metadata),
      'token_endpoint_auth_method',
      'must not be none for client_credentials',
    ),
    ...unless(
      !grants.includes('urn:openid:params:grant-type:ciba') || metadata.backchannel_token_delivery_mode !== undefined,
      'backchannel_token_delivery_mode',
      'is required for ciba',
    ),
    ...unless(
      metadata.backchannel_token_delivery_mode !== 'ping' || metadata.backchannel_client_notification_endpoint !== undefined,
      'backchannel_client_notification_endpoint',
      'is required for ping',
    ),
  ];
};

const maxKeys = 20;
const privateMembers = ['d', 'k', 'p', 'q', 'dp', 'dq', 'qi', 'oth'];

/** OP-11: public keys only, of a size that costs nothing to check. */
export const keyRules = (metadata: Metadata): FieldError[] => {
  const keys = (metadata.jwks as { keys: Metadata[] } | undefined)?.keys ?? [];
  if (keys.length > maxKeys) return [at('jwks/keys', `must hold at most ${maxKeys} keys`)];
  return keys.flatMap((key, index) => {
    const path = `jwks/keys/${index}`;
    if (privateMembers.some((member) => member in key)) return [at(path, 'must be a public key')];
    if (!['RSA', 'EC', 'OKP'].includes(String(key.kty))) return [at(path, 'must be of kty RSA, EC or OKP')];
    return unless(String(key.n ?? '').length <= 1366, path, 'must have at most 8192 bits');
  });
};

const tlsNames = ['subject_dn', 'san_dns', 'san_uri', 'san_ip', 'san_email'].map((name) => `tls_client_auth_${name}`);

const authenticationRules = (metadata: Metadata): FieldError[] => {
  const method = methodOf(metadata);
  const hasKeys = metadata.jwks !== undefined || metadata.jwks_uri !== undefined;
  const needsKeys = method === 'private_key_jwt' || method === 'self_signed_tls_client_auth';
  const names = tlsNames.filter((name) => metadata[name] !== undefined);
  return [
    ...unless(metadata.jwks === undefined || metadata.jwks_uri === undefined, 'jwks', 'must not be given with jwks_uri'),
    ...unless(!needsKeys || hasKeys, 'jwks', `or jwks_uri is required for ${method}`),
    // RFC 8705 §2.1.2
    ...unless(method !== 'tls_client_auth' || names.length === 1, 'tls_client_auth_subject_dn', 'or one other name is required'),
    ...unless(
      metadata.id_token_signed_response_alg !== 'none' && metadata.token_endpoint_auth_signing_alg !== 'none',
      'id_token_signed_response_alg',
      'must not be none',
    ),
    ...keyRules(metadata),
  ];
};

/** CONTRACT.md, "PKCE"; CO-08 for consent. */
const settingRules = (metadata: Metadata, input: Metadata, profile: ClientProfile | undefined): FieldError[] => {
  const isRelaxed = input.require_pkce === false;
  const mapped = Object.keys((input.claims_mapping as object | undefined) ?? {});
  return [
    ...unless(!isRelaxed || isConfidential(metadata), 'require_pkce', 'may be false only for a confidential client'),
    ...unless(!isRelaxed || profile === undefined, 'require_pkce', `may not be false with profile ${profile}`),
    ...unless(
      input.may_impersonate !== true || grantsOf(metadata).includes('urn:ietf:params:oauth:grant-type:token-exchange'),
      'may_impersonate',
      'is for clients with the grant type token-exchange',
    ),
    ...unless(
      typeof input.accent_color !== 'string' || contrastWithWhite(input.accent_color) >= 4.5,
      'accent_color',
      'must be darker: its contrast with white is under 4.5',
    ),
    ...unless(input.skip_consent !== true || input.first_party === true, 'skip_consent', 'is for first-party clients only'),
    ...mapped
      .filter((claim) => protocolClaims.has(claim))
      .map((claim) => at(`claims_mapping/${claim}`, 'belongs to the protocol')),
  ];
};

const defaultResponseTypes = (metadata: Metadata): string[] => {
  const grants = grantsOf(metadata);
  if (grants.includes('authorization_code')) return ['code'];
  return grants.includes('implicit') ? ['id_token'] : [];
};

/** RFC 7591 §2 gives every client the code flow; one whose grants do not need it gets none. */
const withDefaults = (metadata: Metadata): Metadata => ({
  ...metadata,
  response_types: metadata.response_types ?? defaultResponseTypes(metadata),
  redirect_uris: metadata.redirect_uris ?? [],
});

/**
 * The registration with what it leaves open filled in, and everything wrong with it.
 * @param metadata RFC 7591 names only @param input as written, settings included
 */
export const judgeClient = (
  metadata: Metadata,
  input: Metadata,
  options: RuleOptions,
): { metadata: Record<string, unknown>; problems: FieldError[] } => {
  const profile = (input.profile as ClientProfile | undefined) ?? options.profile;
  const applied = profile === undefined ? { metadata, problems: [] } : applyProfile(profile, metadata);
  const whole = withDefaults(applied.metadata);
  return {
    metadata: { ...whole },
    problems: [
      ...addressRules(whole, options),
      ...flowRules(whole),
      ...authenticationRules(whole),
      ...settingRules(whole, input, profile),
      ...applied.problems.map((message) => at('profile', message)),
    ],
  };
};
