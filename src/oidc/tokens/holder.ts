import { hash, type X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { errors as coreErrors } from 'oidc-provider';
import { errors as shared } from '../../platform/errors/index.ts';
import type { PresentedToken } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import type { DpopProofs, Proof } from '../protocol/dpop-proofs.ts';
import type { ActiveToken } from '../protocol/token-exchange.ts';

export interface HolderDeps {
  proofs: DpopProofs;
  certificateOf(request: { req: IncomingMessage }): X509Certificate | undefined;
  /** Exact, on every replica: true for the first to present the id. */
  isFirst(clientId: string, jti: string): Promise<boolean>;
}

const asRefusal = (error: unknown): unknown => {
  if (error instanceof coreErrors.UseDpopNonce) return errors.use_dpop_nonce();
  if (error instanceof coreErrors.InvalidDpopProof) return errors.invalid_dpop_proof({ detail: error.error_description });
  return error;
};

/** TK-08: a token that is bound to a key or a certificate is good only with it (RFC 9449 §7, RFC 8705 §3). */
export const createHolderCheck = ({ proofs, certificateOf, isFirst }: HolderDeps) => {
  const proofOf = async ({ value, carrier }: PresentedToken): Promise<Proof> => {
    const dpop = carrier?.request.headers.dpop;
    if (!carrier || typeof dpop !== 'string') throw errors.invalid_dpop_proof({ detail: 'There is no DPoP proof' });
    try {
      return await proofs.verify(dpop, { ...carrier, accessToken: value });
    } catch (error) {
      throw asRefusal(error);
    }
  };

  const checkKey = async (token: ActiveToken, jkt: string, presented: PresentedToken): Promise<void> => {
    // RFC 9449 §7.2: never as a bearer token.
    if (presented.scheme !== 'DPoP') throw shared.unauthenticated();
    const { thumbprint, jti } = await proofOf(presented);
    if (thumbprint !== jkt) throw shared.unauthenticated();
    if (!(await isFirst(token.clientId, jti))) throw errors.invalid_dpop_proof({ detail: 'The DPoP proof was used before' });
  };

  const checkCertificate = (thumbprint: string, { carrier }: PresentedToken): void => {
    const certificate = carrier && certificateOf({ req: carrier.request });
    if (!certificate || hash('sha256', certificate.raw, 'base64url') !== thumbprint) throw shared.unauthenticated();
  };

  /** @throws unauthenticated, invalid_dpop_proof, use_dpop_nonce */
  return async (token: ActiveToken, presented: PresentedToken): Promise<void> => {
    const { confirmation } = token;
    const { jkt, 'x5t#S256': x5t } = confirmation ?? {};
    // Bound in a way that nobody here can check, or said to be bound without being it (RFC 9449 §7.1).
    if ((confirmation && !jkt && !x5t) || (presented.scheme === 'DPoP' && !jkt)) throw shared.unauthenticated();
    if (x5t) checkCertificate(x5t, presented);
    if (jkt) await checkKey(token, jkt, presented);
  };
};

export type HolderCheck = ReturnType<typeof createHolderCheck>;
