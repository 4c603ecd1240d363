import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const sha256 = (value: string | Buffer): Buffer => createHash('sha256').update(value).digest();

/** RFC 8949, as much of it as an attestation needs. */
const head = (major: number, length: number): Buffer => {
  if (length < 24) return Buffer.from([(major << 5) | length]);
  if (length < 256) return Buffer.from([(major << 5) | 24, length]);
  return Buffer.from([(major << 5) | 25, length >> 8, length & 255]);
};
const cbor = (value: unknown): Buffer => {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  const entries = [...(value as Map<unknown, unknown>)];
  return Buffer.concat([head(5, entries.length), ...entries.flatMap(([key, member]) => [cbor(key), cbor(member)])]);
};

export interface Ceremony {
  origin?: string;
  rpId?: string;
  challenge?: string;
  type?: string;
  topOrigin?: string;
  crossOrigin?: boolean;
  isPresent?: boolean;
  isVerified?: boolean;
  signCount?: number;
  /** Changes a byte of the signature. */
  isForged?: boolean;
  rawId?: string;
  userHandle?: string;
  id?: Buffer;
  alg?: number;
}

/** An authenticator and its browser, which answer as they are told: rightly, or wrong in one point. */
export const createAuthenticator = (issuer: string) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  const id = randomBytes(32);
  let signCount = 0;

  const clientData = (type: string, challenge: string, told: Ceremony): Buffer => {
    const { origin = new URL(issuer).origin, topOrigin, crossOrigin = false } = told;
    const data = { type: told.type ?? type, challenge: told.challenge ?? challenge, origin, crossOrigin };
    return Buffer.from(JSON.stringify(topOrigin === undefined ? data : { ...data, topOrigin }));
  };
  const authenticatorData = (told: Ceremony, attested: Buffer = Buffer.alloc(0)): Buffer => {
    const { rpId = new URL(issuer).hostname, isPresent = true, isVerified = true } = told;
    const flags = (isPresent ? 1 : 0) | (isVerified ? 4 : 0) | (attested.length > 0 ? 64 : 0);
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(told.signCount ?? signCount);
    return Buffer.concat([sha256(rpId), Buffer.from([flags]), counter, attested]);
  };

  return {
    credentialId: base64url(id),
    register: (options: { challenge: string }, told: Ceremony = {}): Record<string, unknown> => {
      const credentialId = told.id ?? id;
      const key = new Map<number, unknown>([
        [1, 2],
        [3, told.alg ?? -7],
        [-1, 1],
        [-2, Buffer.from(jwk.x ?? '', 'base64url')],
        [-3, Buffer.from(jwk.y ?? '', 'base64url')],
      ]);
      const length = Buffer.from([credentialId.length >> 8, credentialId.length & 255]);
      const attested = Buffer.concat([Buffer.alloc(16), length, credentialId, cbor(key)]);
      const attestation = new Map<string, unknown>([
        ['fmt', 'none'],
        ['attStmt', new Map()],
        ['authData', authenticatorData(told, attested)],
      ]);
      return {
        id: base64url(credentialId),
        rawId: told.rawId ?? base64url(credentialId),
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: base64url(clientData('webauthn.create', options.challenge, told)),
          attestationObject: base64url(cbor(attestation)),
          transports: ['internal'],
        },
      };
    },
    sign: (options: { challenge: string }, told: Ceremony = {}): Record<string, unknown> => {
      signCount = told.signCount ?? signCount + 1;
      const data = authenticatorData(told);
      const client = clientData('webauthn.get', options.challenge, told);
      const signature = sign('sha256', Buffer.concat([data, sha256(client)]), privateKey);
      if (told.isForged) signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
      return {
        id: base64url(id),
        rawId: told.rawId ?? base64url(id),
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: base64url(client),
          authenticatorData: base64url(data),
          signature: base64url(signature),
          ...(told.userHandle === undefined ? {} : { userHandle: told.userHandle }),
        },
      };
    },
  };
};
