import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

/** A stored secret cannot be opened: wrong master key or damaged value. */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError';
}

/**
 * Encryption at rest. Each value gets a data key of its own, wrapped by the master key (AES-256-GCM both).
 * `context` is authenticated: a value moved to another row does not open.
 */
export interface Envelope {
  seal(plaintext: string, context: string): string;
  /** @throws EnvelopeError */
  open(sealed: string, context: string): string;
  /** How values begin that are sealed with the first (current) master key. */
  readonly prefix: string;
  /** Whether the value is sealed with one of the master keys. */
  knows(sealed: string): boolean;
  /** Keyed digest for values too guessable for a plain hash: user names, codes, addresses. */
  blindIndex(value: string, context: string): string;
  /** Id of the current master key: first eight bytes of a derived value, not of the key. */
  readonly keyId: string;
}

interface MasterKey {
  id: string;
  wrapping: Buffer;
}

const derive = (master: Buffer, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', master, '', `castellan/${purpose}`, 32));

const encrypt = (key: Buffer, plaintext: Buffer, aad: string): Buffer => {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(aad));
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
};

const decrypt = (key: Buffer, sealed: Buffer, aad: string): Buffer => {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(Buffer.from(aad));
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
};

/** The key of blind indexes of the oldest master key: what is kept when the first one comes (`keptIndexKey`). */
export const indexKeyOf = (masterKeys: readonly Buffer[]): Buffer => {
  const oldest = masterKeys.at(-1);
  if (!oldest) throw new EnvelopeError('no master key given');
  return derive(oldest, 'blind-index');
};

/**
 * @param masterKeys 32 bytes each; the first encrypts, all decrypt (CONTRACT.md, MASTER_KEY)
 * @param indexKey of blind indexes, which outlives the master key it came from
 */
export const createEnvelope = (masterKeys: readonly Buffer[], indexKey = indexKeyOf(masterKeys)): Envelope => {
  const keys = masterKeys.map(
    (master): MasterKey => ({
      id: derive(master, 'key-id').subarray(0, 8).toString('hex'),
      wrapping: derive(master, 'wrapping'),
    }),
  );
  const [current] = keys;
  if (!current) throw new EnvelopeError('no master key given');
  return {
    keyId: current.id,
    seal(plaintext, context) {
      const dataKey = randomBytes(32);
      const wrapped = encrypt(current.wrapping, dataKey, context);
      const body = encrypt(dataKey, Buffer.from(plaintext), context);
      return `v1.${current.id}.${wrapped.toString('base64url')}.${body.toString('base64url')}`;
    },
    open(sealed, context) {
      const [version, keyId, wrapped, body] = sealed.split('.');
      const key = keys.find(({ id }) => id === keyId);
      if (version !== 'v1' || !key || !wrapped || !body) throw new EnvelopeError('sealed with a master key that was not given');
      try {
        const dataKey = decrypt(key.wrapping, Buffer.from(wrapped, 'base64url'), context);
        return decrypt(dataKey, Buffer.from(body, 'base64url'), context).toString('utf8');
      } catch (cause) {
        throw new EnvelopeError('sealed value is damaged', { cause });
      }
    },
    prefix: `v1.${current.id}.`,
    knows: (sealed) => keys.some(({ id }) => id === sealed.split('.')[1]),
    blindIndex: (value, context) => createHmac('sha256', indexKey).update(`${context}\0${value}`).digest('base64url'),
  };
};
