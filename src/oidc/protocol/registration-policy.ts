/** What a client that registers itself may be (P4, CONTRACT.md "DYNAMIC_REGISTRATION"). An absent member does not limit. */
export interface RegistrationPolicy {
  grantTypes?: readonly string[] | undefined;
  responseTypes?: readonly string[] | undefined;
  authMethods?: readonly string[] | undefined;
  /** Hosts of redirect URIs, exact; loopback and private-use schemes of native clients are judged by their own rules. */
  redirectHosts?: readonly string[] | undefined;
  scopes?: readonly string[] | undefined;
  /** Whose software statements (RFC 7591 §2.3) are believed; with `isRequired` nobody registers without one. */
  softwareStatements?: { issuers: readonly { issuer: string; jwks: object }[]; isRequired?: boolean | undefined } | undefined;
}

const knownGrantTypes = [
  'authorization_code',
  'client_credentials',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'urn:openid:params:grant-type:ciba',
];
/** What a policy cannot allow: unknown here, or an administrator's alone. */
export const grantTypesOutside = (asked: readonly string[]): string[] =>
  asked.filter((grant) => !knownGrantTypes.includes(grant));

type Metadata = Readonly<Record<string, unknown>>;

/** Anybody may register for what a person consents to; the rest is an administrator's. */
export const openPolicy: RegistrationPolicy = {
  grantTypes: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  responseTypes: ['code'],
};

/** CL-05: members that only an administrator sets, under any name they have been given. */
const reserved = [
  'castellan',
  'settings',
  'profile',
  'require_pkce',
  'first_party',
  'skip_consent',
  'accent_color',
  'trusted',
  'organization_id',
];

const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

const beyond = (name: string, asked: readonly string[], allowed: readonly string[] | undefined): string[] => {
  const extra = allowed === undefined ? [] : asked.filter((value) => !allowed.includes(value));
  return extra.length === 0 ? [] : [`${name} ${extra.join(', ')} is not open to self-registration here`];
};

const isLoopback = (hostname: string): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(hostname);

/** RU-03, RFC 8252 §7: https; http on loopback only; private-use schemes are named like a domain turned round. */
const redirectProblem = (address: string, isNative: boolean, hosts: readonly string[] | undefined): string | undefined => {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url) return `redirect_uris ${address} is not a URL`;
  const { protocol, hostname } = url;
  if (protocol === 'http:') return isLoopback(hostname) ? undefined : 'redirect_uris must be https unless they are on loopback';
  if (protocol !== 'https:')
    return isNative && protocol.includes('.') ? undefined : `redirect_uris scheme ${protocol} is refused`;
  if (hosts && !isLoopback(hostname) && !hosts.includes(hostname))
    return `redirect_uris host ${hostname} is not allowed by policy`;
  return undefined;
};

/** In words for whoever registers; empty when all is well. Defaults of RFC 7591 §2 count as asked for. */
export const registrationProblems = (policy: RegistrationPolicy, metadata: Metadata): string[] => {
  const isNative = metadata.application_type === 'native';
  const addresses = [...list(metadata.redirect_uris), ...list(metadata.post_logout_redirect_uris)];
  return [
    ...beyond('grant type', list(metadata.grant_types ?? ['authorization_code']), policy.grantTypes),
    ...beyond('response type', list(metadata.response_types ?? ['code']), policy.responseTypes),
    ...beyond('authentication', [String(metadata.token_endpoint_auth_method ?? 'client_secret_basic')], policy.authMethods),
    ...beyond(
      'scope',
      String(metadata.scope ?? '')
        .split(' ')
        .filter(Boolean),
      policy.scopes,
    ),
    ...addresses.flatMap((address) => redirectProblem(address, isNative, policy.redirectHosts) ?? []),
    ...reserved.filter((name) => name in metadata).map((name) => `${name} is set by an administrator`),
  ];
};
