import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import type { Envelope } from '../../platform/crypto/index.ts';
import type { SealedColumn } from '../../platform/db/index.ts';
import type { KeyRow } from './repository.ts';

/** FEATURES P6. All are made at the first start, since discovery offers them to every client. */
export const signingAlgorithms = ['RS256', 'ES256', 'EdDSA', 'PS256'] as const;
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

export const sealContext = (kid: string): string => `signing-key/${kid}`;

export const sealedKeys: SealedColumn = {
  table: 'signing_keys',
  key: 'kid',
  column: 'private_jwk_sealed',
  context: sealContext,
};

/** A new key pair as a row; the private part leaves this function sealed only. */
export const generateKey = async (alg: SigningAlgorithm, envelope: Envelope, now: Date): Promise<KeyRow> => {
  const options = alg === 'EdDSA' ? { crv: 'Ed25519' } : { modulusLength: 2048 };
  const { publicKey, privateKey } = await generateKeyPair(alg, { ...options, extractable: true });
  const publicJwk = await exportJWK(publicKey);
  // RFC 7638: an id that is the key's own.
  const kid = await calculateJwkThumbprint(publicJwk);
  const privateJwk = { ...(await exportJWK(privateKey)), kid, alg, use: 'sig' };
  return {
    kid,
    alg,
    state: 'next',
    public_jwk: { ...publicJwk, kid, alg, use: 'sig' },
    private_jwk_sealed: envelope.seal(JSON.stringify(privateJwk), sealContext(kid)),
    created_at: now,
    activated_at: null,
    retired_at: null,
    expires_at: null,
  };
};
