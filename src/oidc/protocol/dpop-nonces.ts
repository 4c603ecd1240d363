import { createHash, hkdfSync } from 'node:crypto';
import { constantTimeEqual, type Envelope } from '../../platform/crypto/index.ts';

/** Of one secret on every replica: what one hands out another accepts. */
export const dpopNonceSecret = (envelope: Pick<Envelope, 'blindIndex'>): Buffer =>
  createHash('sha256').update(envelope.blindIndex('nonces', 'dpop-nonces')).digest();

/** Seconds a nonce is the newest one; the core's, as is the rest of the recipe. */
const stepSeconds = 60;
/** Steps before and after now whose nonces count. */
const window = [-2, -1, 0, 1, 2];

export interface DpopNonces {
  /** For the next proof. */
  next(): string;
  isGood(nonce: unknown): boolean;
}

/**
 * RFC 9449 §9 for our own API: the same nonces as at the provider's endpoints, since client libraries keep one for each origin. The
 * core does not share its own, so they are made here in its way; a test shows that each place takes the other's.
 */
export const createDpopNonces = (secret: Buffer): DpopNonces => {
  const nonceOf = (step: number): string => {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    return Buffer.from(hkdfSync('sha256', secret, counter, 'DPoP', 32)).toString('base64url');
  };
  const kept = { step: -1, nonces: [] as string[] };
  const current = (): string[] => {
    const step = Math.floor(Date.now() / 1000 / stepSeconds);
    if (kept.step !== step) Object.assign(kept, { step, nonces: window.map((distance) => nonceOf(step + distance)) });
    return kept.nonces;
  };
  return {
    next: () => current()[3] ?? '',
    isGood: (nonce) => typeof nonce === 'string' && current().some((one) => constantTimeEqual(one, nonce)),
  };
};
