import * as client from 'openid-client';
import { levelOf } from '../../../platform/assurance/index.ts';
import type { Outbound } from '../../../platform/outbound/index.ts';
import type { Clock } from '../../../platform/ports.ts';
import type { Provider } from '../providers/provider.ts';
import { type Checks, claimsFrom, type Dialect, text, UpstreamError, type UpstreamPerson, type Wishes } from './dialect.ts';
import { discover, orFail, protection } from './library.ts';

/** Seconds for which metadata of a provider is believed; its keys are read again when one is unknown. */
const metadataSeconds = 3600;

interface Known {
  configuration: Promise<client.Configuration>;
  until: number;
}

/** Metadata that was read, for each state of a provider's settings; a failed reading is not kept. */
const createConfigurations = (outboundFor: (provider: Provider) => Outbound, clock: Clock) => {
  const known = new Map<string, Known>();
  return (provider: Provider): Promise<client.Configuration> => {
    const key = `${provider.name} ${provider.revision}`;
    const found = known.get(key);
    if (found && found.until > clock.now().getTime()) return found.configuration;
    const configuration = discover(provider, outboundFor(provider));
    if (known.size > 1000) known.clear();
    known.set(key, { configuration, until: clock.now().getTime() + metadataSeconds * 1000 });
    configuration.catch(() => known.delete(key));
    return configuration;
  };
};

/** Core §3.1.2.1: what asks the person again. Google knows neither `login` nor `max_age` and lets the person choose instead. */
const freshness = ({ kind }: Provider, { maxAgeSeconds }: Wishes): Record<string, string> => {
  if (maxAgeSeconds === undefined) return {};
  if (kind === 'google') return maxAgeSeconds === 0 ? { prompt: 'select_account' } : {};
  return { max_age: String(maxAgeSeconds), ...(maxAgeSeconds === 0 ? { prompt: 'login' } : {}) };
};

const hints = ({ loginHint, acrValues, locale }: Wishes, { trustsFactors }: Provider): Record<string, string> => ({
  ...(loginHint === undefined ? {} : { login_hint: loginHint }),
  ...(acrValues === undefined || !trustsFactors ? {} : { acr_values: acrValues }),
  ...(locale === undefined ? {} : { ui_locales: locale }),
});

/** Core §3.1.3.7, 5: another party that the token was issued to is another client. */
const checkParty = ({ clientId }: Provider, azp: unknown): void => {
  if (azp !== undefined && azp !== clientId) throw new UpstreamError('untrusted', 'azp');
};

const skewSeconds = 60;

/**
 * Core §3.1.2.1: whoever was sent `max_age` says when the person signed in, and not longer ago. Where none is told after `prompt=login`,
 * or by Google, which knows no `max_age`, the prompt is what counts.
 */
const checkAge = ({ kind }: Provider, authTime: unknown, { maxAgeSeconds }: Checks, now: Date): void => {
  if (maxAgeSeconds === undefined) return;
  const isPrompted = kind === 'google' || maxAgeSeconds === 0;
  if (typeof authTime !== 'number' && isPrompted) return;
  const isFresh = typeof authTime === 'number' && now.getTime() / 1000 - authTime <= maxAgeSeconds + skewSeconds;
  if (!isFresh) throw new UpstreamError('untrusted', 'auth_time');
};

const claimNames = { name: 'name', given_name: 'given_name', family_name: 'family_name', locale: 'locale' };

const personOf = (issuer: string, subject: string, claims: Record<string, unknown>): UpstreamPerson => ({
  issuer,
  subject,
  email: text(claims.email),
  emailVerified: claims.email_verified === true,
  hostedDomain: text(claims.hd),
  name: text(claims.name) ?? text(claims.preferred_username),
  claims: claimsFrom(claims, claimNames),
  acr: text(claims.acr),
  amr: Array.isArray(claims.amr) ? claims.amr.filter((one): one is string => typeof one === 'string').slice(0, 10) : [],
});

/** OpenID Connect Core 1.0 with PKCE, nonce, and `iss` of RFC 9207; Google speaks it as well. */
export const createOidcDialect = (outboundFor: (provider: Provider) => Outbound, clock: Clock): Dialect => {
  const configurationOf = createConfigurations(outboundFor, clock);
  return {
    authorizationUrl: (provider, redirectUri, checks, wishes) =>
      orFail(async () => {
        const configuration = await configurationOf(provider);
        const address = client.buildAuthorizationUrl(configuration, {
          redirect_uri: redirectUri,
          scope: provider.scopes.join(' '),
          nonce: checks.nonce,
          ...(await protection(checks)),
          ...freshness(provider, wishes),
          ...hints(wishes, provider),
        });
        // RU-01: an address made by somebody else is one of the web, or none.
        const isWeb = address.protocol === 'https:' || (address.protocol === 'http:' && provider.issuer.startsWith('http:'));
        if (!isWeb) throw new UpstreamError('untrusted', 'authorization_endpoint');
        return address;
      }),

    person: (provider, answer, checks) =>
      orFail(async () => {
        const configuration = await configurationOf(provider);
        const tokens = await client.authorizationCodeGrant(configuration, answer, {
          expectedState: checks.state,
          expectedNonce: checks.nonce,
          pkceCodeVerifier: checks.verifier,
          idTokenExpected: true,
        });
        const token = tokens.claims();
        if (!token) throw new UpstreamError('untrusted', 'id_token');
        checkParty(provider, token.azp);
        checkAge(provider, token.auth_time, checks, clock.now());
        const isMissing = token.email === undefined && configuration.serverMetadata().userinfo_endpoint !== undefined;
        const more = isMissing ? await client.fetchUserInfo(configuration, tokens.access_token, token.sub) : {};
        // The name the provider gives itself, however the setting is written; the library has compared the two.
        return personOf(token.iss, token.sub, { ...more, ...token });
      }),
  };
};

/** RFC 8176 and our own names for more than one factor. */
export const isUpstreamTwofold = ({ acr, amr }: Pick<UpstreamPerson, 'acr' | 'amr'>): boolean =>
  amr.includes('mfa') || levelOf(acr) === 2;
