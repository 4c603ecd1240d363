import * as client from 'openid-client';
import type { Outbound } from '../../../platform/outbound/index.ts';
import type { Provider } from '../providers/provider.ts';
import { type Dialect, text, UpstreamError } from './dialect.ts';
import { orFail, plainConfiguration, protection, readObject } from './library.ts';

const placesOf = ({ baseUrl }: Provider) => {
  const site = baseUrl ?? 'https://github.com';
  return {
    authorization: `${site}/login/oauth/authorize`,
    token: `${site}/login/oauth/access_token`,
    api: baseUrl ?? 'https://api.github.com',
  };
};

/** https://docs.github.com/rest/users/emails: of all addresses the primary one, with GitHub's own word about it. */
const primaryOf = (addresses: unknown): { email: string | undefined; isVerified: boolean } => {
  const all: unknown[] = Array.isArray(addresses) ? addresses : [];
  const primary = all.find((one) => (one as { primary?: unknown } | null)?.primary === true) as
    | { email?: unknown; verified?: unknown }
    | undefined;
  return { email: text(primary?.email), isVerified: primary?.verified === true };
};

// GitHub refuses calls without a User-Agent.
const headers = { accept: 'application/vnd.github+json', 'user-agent': 'Castellan', 'x-github-api-version': '2022-11-28' };

/** OAuth 2.0 with PKCE (https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps); people are numbers. */
export const createGithubDialect = (outboundFor: (provider: Provider) => Outbound): Dialect => {
  const configurationOf = (provider: Provider): client.Configuration =>
    plainConfiguration(provider, placesOf(provider), outboundFor(provider));
  return {
    authorizationUrl: (provider, redirectUri, checks, { loginHint, maxAgeSeconds }) =>
      orFail(async () =>
        client.buildAuthorizationUrl(configurationOf(provider), {
          redirect_uri: redirectUri,
          scope: provider.scopes.join(' '),
          ...(await protection(checks)),
          ...(loginHint === undefined ? {} : { login: loginHint }),
          ...(maxAgeSeconds === 0 ? { prompt: 'select_account' } : {}),
        }),
      ),

    person: (provider, answer, checks) =>
      orFail(async () => {
        const configuration = configurationOf(provider);
        const { access_token: accessToken } = await client.authorizationCodeGrant(configuration, answer, {
          expectedState: checks.state,
          pkceCodeVerifier: checks.verifier,
        });
        const { api } = placesOf(provider);
        const user = ((await readObject(configuration, accessToken, `${api}/user`, headers)) ?? {}) as Record<string, unknown>;
        if (!Number.isSafeInteger(user.id)) throw new UpstreamError('unavailable', 'user');
        const { email, isVerified } = primaryOf(await readObject(configuration, accessToken, `${api}/user/emails`, headers));
        const name = text(user.name);
        return {
          issuer: provider.issuer,
          subject: String(user.id),
          email,
          emailVerified: isVerified,
          hostedDomain: undefined,
          name: text(user.login) ?? name,
          claims: name === undefined ? {} : { name },
          acr: undefined,
          amr: [],
        };
      }),
  };
};
