import { constantTimeEqual, type Envelope, randomSecret, sha256, uuidv7 } from '../../platform/crypto/index.ts';
import type { SealedColumn } from '../../platform/db/index.ts';
import type { SecretRow } from './repository.ts';
import { computesWithSecret } from './rules.ts';

/** A secret as it is kept. */
export interface KeptSecret {
  digest: string | null;
  sealed: string | null;
}

/**
 * CL-06: where the method only compares, a digest is kept, and the core is given a stand-in of the same shape, which nobody can
 * guess and which no secret of ours equals.
 */
export const standInFor = (envelope: Envelope, clientId: string): string => {
  const half = envelope.blindIndex(clientId, 'client-secret-stand-in');
  return `${half}${half.slice(0, 21)}`;
};

// RFC 7518 §3.2: as long as the digest of HS512.
const secretBytes = 48;
export const newSecret = (): string => randomSecret(secretBytes);

const sealContext = (clientId: string): string => `client-secret/${clientId}`;

export const sealedSecrets: SealedColumn = {
  table: 'client_secrets',
  key: 'id',
  column: 'sealed',
  bound: 'client_id',
  context: sealContext,
};

/**
 * A digest for what we made: nothing can be guessed from it. Sealed with the master key where the value is computed with, and
 * where somebody else chose it, since a guessable one would fall to a dictionary.
 */
export const keep = (
  envelope: Envelope,
  clientId: string,
  secret: string,
  { metadata, isOurs }: { metadata: Readonly<Record<string, unknown>>; isOurs: boolean },
): KeptSecret =>
  isOurs && !computesWithSecret(metadata)
    ? { digest: sha256(secret), sealed: null }
    : { digest: null, sealed: envelope.seal(secret, sealContext(clientId)) };

export const openSecret = (envelope: Envelope, clientId: string, { sealed }: KeptSecret): string =>
  sealed === null ? standInFor(envelope, clientId) : envelope.open(sealed, sealContext(clientId));

const digests = new WeakMap<KeptSecret, string>();

/** A sealed one is opened once for each object that holds it: opening took a seventh of an introspection. */
const digestOf = (envelope: Envelope, clientId: string, kept: KeptSecret): string => {
  const digest = kept.digest ?? digests.get(kept) ?? sha256(openSecret(envelope, clientId, kept));
  if (kept.digest === null) digests.set(kept, digest);
  return digest;
};

export const matches = (envelope: Envelope, clientId: string, kept: KeptSecret, presented: string): boolean =>
  constantTimeEqual(digestOf(envelope, clientId, kept), sha256(presented));

export const secretRow = (clientId: string, kept: KeptSecret, now: Date): SecretRow => ({
  id: uuidv7(now),
  client_id: clientId,
  ...kept,
  created_at: now,
  expires_at: null,
});
