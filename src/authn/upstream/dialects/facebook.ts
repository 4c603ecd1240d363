import { createHmac } from 'node:crypto';
import * as client from 'openid-client';
import type { Outbound } from '../../../platform/outbound/index.ts';
import type { Provider } from '../providers/provider.ts';
import { claimsFrom, type Dialect, text, UpstreamError } from './dialect.ts';
import { orFail, plainConfiguration, protection, readObject } from './library.ts';

/** Without a version: the app's own settings at Facebook say which one answers. */
const placesOf = ({ baseUrl }: Provider) => {
  const graph = baseUrl ?? 'https://graph.facebook.com';
  return {
    authorization: `${baseUrl ?? 'https://www.facebook.com'}/dialog/oauth`,
    token: `${graph}/oauth/access_token`,
    graph,
  };
};

const fields = 'id,name,first_name,last_name,email';

/** https://developers.facebook.com/docs/graph-api/guides/secure-requests: proves that the app itself asks. */
const proofOf = (accessToken: string, secret: string): string => createHmac('sha256', secret).update(accessToken).digest('hex');

/** Facebook Login (https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow); says nothing of how an address was proven. */
export const createFacebookDialect = (outboundFor: (provider: Provider) => Outbound): Dialect => {
  const configurationOf = (provider: Provider): client.Configuration =>
    plainConfiguration(provider, placesOf(provider), outboundFor(provider));
  return {
    authorizationUrl: (provider, redirectUri, checks, { maxAgeSeconds }) =>
      orFail(async () =>
        client.buildAuthorizationUrl(configurationOf(provider), {
          redirect_uri: redirectUri,
          scope: provider.scopes.join(','),
          ...(await protection(checks)),
          ...(maxAgeSeconds === 0 ? { auth_type: 'reauthenticate' } : {}),
        }),
      ),

    person: (provider, answer, checks) =>
      orFail(async () => {
        const configuration = configurationOf(provider);
        const { access_token: accessToken } = await client.authorizationCodeGrant(configuration, answer, {
          expectedState: checks.state,
          pkceCodeVerifier: checks.verifier,
        });
        const query = new URLSearchParams({ fields, appsecret_proof: proofOf(accessToken, provider.clientSecret ?? '') });
        const address = `${placesOf(provider).graph}/me?${query}`;
        const user = ((await readObject(configuration, accessToken, address)) ?? {}) as Record<string, unknown>;
        // Errors may come with status 200.
        const subject = text(user.id);
        if (user.error !== undefined || subject === undefined) throw new UpstreamError('unavailable', 'user');
        return {
          issuer: provider.issuer,
          subject,
          email: text(user.email),
          emailVerified: false,
          hostedDomain: undefined,
          name: text(user.name),
          claims: claimsFrom(user, { name: 'name', given_name: 'first_name', family_name: 'last_name' }),
          acr: undefined,
          amr: [],
        };
      }),
  };
};
