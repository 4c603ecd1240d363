import * as client from 'openid-client';
import { type Outbound, OutboundError } from '../../../platform/outbound/index.ts';
import type { Provider } from '../providers/provider.ts';
import { type Checks, UpstreamError } from './dialect.ts';

/** SF-01: every call of the library goes through the guarded client. Redirects are not followed. */
export const fetchBy =
  (outbound: Outbound): client.CustomFetch =>
  async (url, { method, headers, body, signal }) => {
    const content = body === undefined || body === null ? undefined : (body as string | URLSearchParams);
    return await outbound(url, { method, headers, body: content, signal: signal ?? null });
  };

const credentials = ({ clientAuthentication, clientSecret }: Provider): client.ClientAuth => {
  if (clientSecret === undefined || clientAuthentication === 'none') return client.None();
  return clientAuthentication === 'client_secret_post'
    ? client.ClientSecretPost(clientSecret)
    : client.ClientSecretBasic(clientSecret);
};

/** SO-04: a signature is checked also where TLS would do (OpenID Connect Core §3.1.3.7, 6). Http only where the guard allows it. */
const strictly = (address: string): ((configuration: client.Configuration) => void)[] => [
  client.enableNonRepudiationChecks,
  ...(address.startsWith('http:') ? [client.allowInsecureRequests] : []),
];

/** OpenID Connect Discovery 1.0 §4, with the issuer compared. */
export const discover = (provider: Provider, outbound: Outbound): Promise<client.Configuration> => {
  const issuer = new URL(provider.issuer);
  const options = { [client.customFetch]: fetchBy(outbound), execute: strictly(provider.issuer), timeout: 5 };
  return client.discovery(issuer, provider.clientId, provider.clientSecret, credentials(provider), options);
};

/** For providers whose endpoints are known and that issue no ID token. */
export const plainConfiguration = (
  provider: Provider,
  endpoints: { authorization: string; token: string },
  outbound: Outbound,
): client.Configuration => {
  const metadata = {
    issuer: provider.issuer,
    authorization_endpoint: endpoints.authorization,
    token_endpoint: endpoints.token,
    code_challenge_methods_supported: ['S256'],
  };
  const configuration = new client.Configuration(metadata, provider.clientId, provider.clientSecret, credentials(provider));
  configuration[client.customFetch] = fetchBy(outbound);
  for (const apply of strictly(endpoints.token)) if (apply !== client.enableNonRepudiationChecks) apply(configuration);
  return configuration;
};

/** RFC 7636, RFC 6749 §10.12; the nonce is for those who issue ID tokens. */
export const protection = async ({ state, verifier }: Checks): Promise<Record<string, string>> => ({
  state,
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
});

const wordOf = (code: string | undefined): string =>
  (code ?? 'unknown')
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, '_')
    .slice(0, 60);

const isUnreachable = (error: unknown): boolean => {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    if (cause instanceof OutboundError || cause.name === 'TimeoutError' || cause.name === 'AbortError') return true;
  }
  return false;
};

/** RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6: answers that are the person's, not a fault. */
const refusals = new Set(['access_denied', 'login_required', 'interaction_required', 'consent_required', 'user_cancelled']);

/** Whatever the library throws, as one of our failures. */
export const failureOf = (error: unknown): UpstreamError => {
  if (error instanceof UpstreamError) return error;
  if (error instanceof client.AuthorizationResponseError) {
    const kind = refusals.has(error.error) ? 'denied' : 'unavailable';
    return new UpstreamError(kind, wordOf(error.error), error);
  }
  if (
    error instanceof client.ResponseBodyError ||
    error instanceof client.WWWAuthenticateChallengeError ||
    isUnreachable(error)
  ) {
    return new UpstreamError('unavailable', 'upstream_error', error);
  }
  if (error instanceof client.ClientError) {
    const isStatus = error.code === 'OAUTH_RESPONSE_IS_NOT_CONFORM';
    return new UpstreamError(isStatus ? 'unavailable' : 'untrusted', wordOf(error.code), error);
  }
  return new UpstreamError('unavailable', 'upstream_error', error);
};

/** @throws UpstreamError in place of whatever the library throws */
export const orFail = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work();
  } catch (error) {
    throw failureOf(error);
  }
};

/** An object of a provider's own API. @throws UpstreamError */
export const readObject = async (
  configuration: client.Configuration,
  accessToken: string,
  address: string,
  headers: Record<string, string> = {},
): Promise<unknown> => {
  const response = await client.fetchProtectedResource(
    configuration,
    accessToken,
    new URL(address),
    'GET',
    undefined,
    new Headers({ accept: 'application/json', ...headers }),
  );
  if (response.status !== 200) throw new UpstreamError('unavailable', `status_${response.status}`);
  return await response.json();
};
