import type { X509Certificate } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, type JWTPayload, errors as joseErrors, jwtVerify } from 'jose';
import { type AccessToken, errors, type Provider, type TokenEndpointGrantContext } from 'oidc-provider';
import { algorithms } from '../provider/algorithms.ts';
import { routes } from '../provider/routes.ts';

type Context = TokenEndpointGrantContext;

export interface SenderConstraintDeps {
  provider: Provider;
  issuer: string;
  /** RFC 8705 */
  certificateOf(ctx: Context): X509Certificate | undefined;
}

/** RFC 9449 §11.1: seconds around now in which a proof may have been made; its `jti` is remembered as long. */
const windowSeconds = 300;

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** §4.3 (9): without query and fragment. */
const plainAddress = (address: unknown): string | undefined => {
  if (typeof address !== 'string' || !URL.canParse(address)) return undefined;
  const { origin, pathname } = new URL(address);
  return `${origin}${pathname}`;
};

const verified = async (proof: string): Promise<{ payload: JWTPayload; thumbprint: string }> => {
  try {
    const options = { algorithms: [...(algorithms.dPoPSigningAlgValues ?? [])], typ: 'dpop+jwt' };
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, options);
    return { payload, thumbprint: await calculateJwkThumbprint(protectedHeader.jwk ?? {}) };
  } catch (cause) {
    if (cause instanceof joseErrors.JOSEError || cause instanceof TypeError) {
      throw new errors.InvalidDpopProof('invalid DPoP key binding', { cause });
    }
    throw cause;
  }
};

/** §4.3 (8), (9), (11) */
const checkClaims = ({ htm, htu, iat, jti }: JWTPayload, method: string, address: string): string => {
  if (htm !== method || plainAddress(htu) !== address) throw new errors.InvalidDpopProof('the proof is for another request');
  if (typeof iat !== 'number' || Math.abs(nowSeconds() - iat) > windowSeconds) {
    throw new errors.InvalidDpopProof('DPoP proof iat is not recent enough');
  }
  if (typeof jti !== 'string' || jti === '') throw new errors.InvalidDpopProof('DPoP proof must have a jti string property');
  return jti;
};

/**
 * Binds the token of a grant of our own to the client's key or certificate, as the core does for its grants (it keeps what it does
 * that with to itself). TK-08: a client that is registered for bound tokens gets no other.
 * @throws InvalidDpopProof, InvalidGrant
 */
export const createSenderConstraint = ({ provider, issuer, certificateOf }: SenderConstraintDeps) => {
  const byKey = async (ctx: Context, token: AccessToken): Promise<void> => {
    const { client } = ctx.oidc;
    const proof = ctx.get('DPoP');
    if (proof === '') {
      if (client.dpopBoundAccessTokens) throw new errors.InvalidGrant('DPoP proof JWT not provided');
      return;
    }
    const { payload, thumbprint } = await verified(proof);
    const jti = checkClaims(payload, ctx.method, `${issuer}${routes.token}`);
    if (!(await provider.ReplayDetection.unique(client.clientId, jti, nowSeconds() + windowSeconds))) {
      throw new errors.InvalidGrant('DPoP proof JWT Replay detected');
    }
    token.setThumbprint('jkt', thumbprint);
  };

  return async (ctx: Context, token: AccessToken): Promise<void> => {
    if (ctx.oidc.client.tlsClientCertificateBoundAccessTokens) {
      const certificate = certificateOf(ctx);
      if (!certificate) throw new errors.InvalidGrant('mutual TLS client certificate not provided');
      token.setThumbprint('x5t', certificate);
    }
    await byKey(ctx, token);
  };
};
