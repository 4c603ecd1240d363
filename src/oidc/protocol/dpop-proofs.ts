import { calculateJwkThumbprint, EmbeddedJWK, type JWTPayload, errors as joseErrors, jwtVerify } from 'jose';
import { errors } from 'oidc-provider';
import { sha256 } from '../../platform/crypto/index.ts';
import { algorithms } from '../provider/algorithms.ts';
import type { DpopNonces } from './dpop-nonces.ts';

/** RFC 9449 §11.1: how old a proof may be, in seconds. */
export const oldestSeconds = 300;
/** TK-03, FAPI 2.0 §5.3.2.1: how far ahead the clock of its maker may be. */
export const aheadSeconds = 10;
/** How long its `jti` is remembered. */
export const rememberedSeconds = oldestSeconds + 2 * aheadSeconds;

/** As challenges name them (RFC 9449 §7.1). */
export const proofAlgorithms = [...(algorithms.dPoPSigningAlgValues ?? [])];

export const isRecent = (issuedAt: unknown): boolean => {
  const age = Math.floor(Date.now() / 1000) - (typeof issuedAt === 'number' ? issuedAt : Number.NaN);
  return age <= oldestSeconds && age >= -aheadSeconds;
};

/** The request a proof is for. */
export interface ProvenRequest {
  method: string;
  /** Without query. */
  address: string;
  /** The access token that comes with it (§4.3 (11)). */
  accessToken?: string | undefined;
}

export interface Proof {
  thumbprint: string;
  jti: string;
}

const refused = (description: string, cause?: unknown): Error =>
  new errors.InvalidDpopProof(description, ...(cause === undefined ? [] : [{ cause }]));

/** §4.3 (9): without query and fragment. */
const plainAddress = (address: unknown): string | undefined => {
  if (typeof address !== 'string' || !URL.canParse(address)) return undefined;
  const { origin, pathname } = new URL(address);
  return `${origin}${pathname}`;
};

/** §4.3 (8), (9), (11) */
const isFor = ({ htm, htu, ath }: JWTPayload, { method, address, accessToken }: ProvenRequest): boolean =>
  htm === method && plainAddress(htu) === plainAddress(address) && (accessToken === undefined || ath === sha256(accessToken));

/** §4.3 (2) to (7) */
const verified = async (proof: string): Promise<{ payload: JWTPayload; thumbprint: string }> => {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, { algorithms: proofAlgorithms, typ: 'dpop+jwt' });
    return { payload, thumbprint: await calculateJwkThumbprint(protectedHeader.jwk ?? {}) };
  } catch (cause) {
    if (cause instanceof joseErrors.JOSEError || cause instanceof TypeError) throw refused('invalid DPoP key binding', cause);
    throw cause;
  }
};

export type DpopProofs = ReturnType<typeof createDpopProofs>;

/** RFC 9449 §4.3 where it is ours to check: at grants of our own, and at our own API. */
export const createDpopProofs = ({ nonces }: { nonces: DpopNonces }) => ({
  nonces,
  /**
   * What the proof shows; whether it was seen before is the caller's to ask, once everything else fits.
   * @throws InvalidDpopProof, UseDpopNonce
   */
  verify: async (value: string, request: ProvenRequest): Promise<Proof> => {
    const { payload, thumbprint } = await verified(value);
    const { iat, jti, nonce } = payload;
    if (!isFor(payload, request)) throw refused('the proof is for another request or token');
    if (!isRecent(iat)) throw refused('DPoP proof iat is not recent enough');
    if (typeof jti !== 'string' || jti === '') throw refused('DPoP proof must have a jti string property');
    // §8, §9: nobody has to send a nonce; who does is held to it.
    if (nonce !== undefined && !nonces.isGood(nonce)) {
      throw new errors.UseDpopNonce('invalid nonce in DPoP proof');
    }
    return { thumbprint, jti };
  },
});
