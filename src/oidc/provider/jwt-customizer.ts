import type { AccessToken, ClientCredentials, JWTStructured, KoaContextWithOIDC } from 'oidc-provider';
import type { Clock } from '../../platform/ports.ts';
import { hashOf } from '../adapters/index.ts';
import { originClaims } from '../tokens/structured.ts';

interface SignIn {
  acr?: string | undefined;
  amr?: string[] | undefined;
  authTime?: number | undefined;
}

const known = new WeakMap<object, SignIn>();

/** For a token that no request of the protocol leads to: what it was signed in by. */
export const rememberSignIn = (token: object, signIn: SignIn): void => void known.set(token, signIn);

/** RFC 9068 §2.2.1: about the sign-in behind the token. */
const signInOf = (ctx: KoaContextWithOIDC | undefined, token: object): SignIn => {
  const remembered = known.get(token);
  if (remembered) return remembered;
  const { AuthorizationCode, RefreshToken, DeviceCode } = ctx?.oidc.entities ?? {};
  return AuthorizationCode ?? RefreshToken ?? DeviceCode ?? {};
};

/** Seconds by which the injected clock is ahead of the machine's. */
const skewOf = (clock: Clock): number => Math.round((clock.now().getTime() - Date.now()) / 1000);

/** Tests move the clock; ours must judge what it issued by the same time. */
const moveTimes = (payload: Record<string, unknown>, clock: Clock): void => {
  const skewSeconds = skewOf(clock);
  if (skewSeconds === 0) return;
  payload.iat = Number(payload.iat) + skewSeconds;
  payload.exp = Number(payload.exp) + skewSeconds;
};

const present = (values: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

/** Gives JWT access tokens what lets us check grant and session later (P3). */
export const createJwtCustomizer =
  (clock: Clock) =>
  (ctx: KoaContextWithOIDC | undefined, token: AccessToken | ClientCredentials, { payload }: JWTStructured): void => {
    moveTimes(payload, clock);
    if (token.kind !== 'AccessToken') return;
    const { acr, amr, authTime } = signInOf(ctx, token);
    const { grantId, sessionUid, expiresWithSession } = token;
    const session = expiresWithSession && sessionUid ? hashOf(sessionUid) : undefined;
    const origin = { [originClaims.grant]: hashOf(grantId), [originClaims.session]: session };
    Object.assign(
      payload,
      present({ ...origin, acr, amr, auth_time: authTime === undefined ? undefined : authTime + skewOf(clock) }),
    );
  };
