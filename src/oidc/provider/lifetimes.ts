import type { Configuration, KoaContextWithOIDC, RefreshToken, Session } from 'oidc-provider';
import type { Config } from '../../platform/config/index.ts';
import { settingsOf } from './client-view.ts';

/** Seconds (CONTRACT.md, "Defaults"). */
export const lifetimes = {
  accessToken: 15 * 60,
  refreshToken: 7 * 24 * 3600,
  authorizationCode: 60,
  idToken: 3600,
  deviceCode: 600,
  interaction: 3600,
} as const;

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** TK-04: rotation never moves the end. */
const refreshTokenSeconds = (token: RefreshToken, wholeSeconds: number): number =>
  Math.max(1, (token.iiat ?? nowSeconds()) + wholeSeconds - nowSeconds());

type SessionLimits = Pick<Config['sessions'], 'idleSeconds' | 'absoluteSeconds'>;

/** SE-06: idle and absolute limit of a browser session. */
const sessionSeconds = (session: Session, { idleSeconds, absoluteSeconds }: SessionLimits): number => {
  const left = (session.loginTs ?? nowSeconds()) + absoluteSeconds - nowSeconds();
  return Math.max(1, Math.min(idleSeconds, left));
};

/** Lifetimes by kind; client settings and resources change those of tokens. */
export const createTtl = (sessions: SessionLimits): NonNullable<Configuration['ttl']> => ({
  AccessToken: (_ctx, token, client) =>
    token.resourceServer?.accessTokenTTL ?? settingsOf(client).accessTokenTtlSeconds ?? lifetimes.accessToken,
  ClientCredentials: (_ctx, token, client) =>
    token.resourceServer?.accessTokenTTL ?? settingsOf(client).accessTokenTtlSeconds ?? lifetimes.accessToken,
  AuthorizationCode: lifetimes.authorizationCode,
  RefreshToken: (_ctx, token, client) =>
    refreshTokenSeconds(token, settingsOf(client).refreshTokenTtlSeconds ?? lifetimes.refreshToken),
  IdToken: (_ctx, _token, client) => settingsOf(client).idTokenTtlSeconds ?? lifetimes.idToken,
  DeviceCode: lifetimes.deviceCode,
  // CIBA Core §7.1: a client may ask for less.
  BackchannelAuthenticationRequest: (ctx) =>
    Math.min(Number(ctx?.oidc.params?.requested_expiry ?? lifetimes.deviceCode), lifetimes.deviceCode),
  PreAuthorizedCode: lifetimes.deviceCode,
  // A grant outlives the session it was given in by its last refresh token.
  Grant: (ctx: KoaContextWithOIDC | undefined, _grant) =>
    sessions.absoluteSeconds + Math.max(lifetimes.refreshToken, settingsOf(ctx?.oidc.client).refreshTokenTtlSeconds ?? 0),
  Interaction: lifetimes.interaction,
  Session: (_ctx, session) => sessionSeconds(session, sessions),
});
