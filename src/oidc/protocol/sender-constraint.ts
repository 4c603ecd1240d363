import type { X509Certificate } from 'node:crypto';
import { type AccessToken, errors, type Provider, type TokenEndpointGrantContext } from 'oidc-provider';
import { routes } from '../provider/routes.ts';
import { type DpopProofs, rememberedSeconds } from './dpop-proofs.ts';

type Context = TokenEndpointGrantContext;

export interface SenderConstraintDeps {
  provider: Provider;
  issuer: string;
  proofs: DpopProofs;
  /** RFC 8705 */
  certificateOf(ctx: Context): X509Certificate | undefined;
}

/**
 * Binds the token of a grant of our own to the client's key or certificate, as the core does for its grants (it keeps what it does
 * that with to itself). TK-08: a client that is registered for bound tokens gets no other.
 * @throws InvalidDpopProof, UseDpopNonce, InvalidGrant
 */
export const createSenderConstraint = ({ provider, issuer, proofs, certificateOf }: SenderConstraintDeps) => {
  const byKey = async (ctx: Context, token: AccessToken): Promise<void> => {
    const { client } = ctx.oidc;
    const value = ctx.get('DPoP');
    if (value === '') {
      if (client.dpopBoundAccessTokens) throw new errors.InvalidGrant('DPoP proof JWT not provided');
      return;
    }
    ctx.set('DPoP-Nonce', proofs.nonces.next());
    const { jti, thumbprint } = await proofs.verify(value, { method: ctx.method, address: `${issuer}${routes.token}` });
    const until = Math.floor(Date.now() / 1000) + rememberedSeconds;
    if (!(await provider.ReplayDetection.unique(client.clientId, jti, until))) {
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
