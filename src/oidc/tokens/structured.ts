import { createLocalJWKSet, type JWTPayload, errors as joseErrors, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../platform/ports.ts';
import type { TokenOrigin } from '../adapters/index.ts';
import type { KeySource } from '../ports.ts';

/** Private claims of our JWT access tokens: hashes of the grant and, where the token ends with it, of the session. */
export const originClaims = { grant: 'gid', session: 'suid' } as const;

/** RFC 7800 §3: what a token is bound to, by its thumbprint. */
export interface Confirmation {
  jkt?: string | undefined;
  'x5t#S256'?: string | undefined;
}

/** A JWT access token of ours whose signature and times are good; whether it is revoked is the database's to say. */
export interface StructuredToken extends TokenOrigin {
  audience: string;
  scope: string | undefined;
  subject: string;
  /** As issued, without our private claims. */
  claims: JWTPayload;
  confirmation: Confirmation | undefined;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const tokenOf = (payload: JWTPayload): StructuredToken | undefined => {
  const { [originClaims.grant]: grant, [originClaims.session]: session, ...claims } = payload;
  const { jti, sub, aud, iat, exp, client_id: clientId, cnf } = claims;
  if (!jti || !sub || typeof aud !== 'string' || iat === undefined || exp === undefined || typeof clientId !== 'string')
    return undefined;
  return {
    jti,
    clientId,
    grantId: text(grant),
    sessionUid: text(session),
    issuedAt: new Date(iat * 1000),
    expiresAt: new Date(exp * 1000),
    audience: aud,
    scope: text(claims.scope),
    subject: sub,
    claims,
    confirmation: cnf as Confirmation | undefined,
  };
};

export interface StructuredTokenDeps {
  issuer: string;
  keys: Pick<KeySource, 'publicJwks' | 'onChange'>;
  clock: Clock;
}

/** Looks like a JWS: three parts. */
export const isStructured = (token: string): boolean => token.split('.').length === 3;

/** TK-01: algorithms are ours to say. */
const algorithms = ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256'];

export const createStructuredTokens = ({ issuer, keys, clock }: StructuredTokenDeps) => {
  // By the token itself: a digest of it costs five times the rest of a look-up, and it is in memory anyway while it is used.
  const seen = new LRUCache<string, StructuredToken>({ max: 10_000 });
  let keySet: Promise<ReturnType<typeof createLocalJWKSet>> | undefined;
  keys.onChange(() => {
    keySet = undefined;
    seen.clear();
  });
  const currentKeySet = (): Promise<ReturnType<typeof createLocalJWKSet>> => {
    keySet ??= keys.publicJwks().then((jwks) => createLocalJWKSet(jwks as Parameters<typeof createLocalJWKSet>[0]));
    return keySet;
  };

  const check = async (token: string): Promise<StructuredToken | undefined> => {
    const options = {
      issuer,
      typ: 'at+jwt',
      algorithms,
      currentDate: clock.now(),
      requiredClaims: ['jti', 'exp', 'iat', 'sub', 'aud'],
    };
    try {
      const { payload } = await jwtVerify(token, await currentKeySet(), options);
      return tokenOf(payload);
    } catch (error) {
      if (error instanceof joseErrors.JOSEError) return undefined;
      throw error;
    }
  };

  return {
    /** RFC 9068 §4. `undefined`: not ours, altered, or expired. */
    verify: async (token: string): Promise<StructuredToken | undefined> => {
      const known = seen.get(token);
      if (known) return known.expiresAt > clock.now() ? known : undefined;
      const found = await check(token);
      if (found) seen.set(token, found);
      return found;
    },
  };
};

export type StructuredTokens = ReturnType<typeof createStructuredTokens>;
