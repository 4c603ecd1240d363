import { createHash, randomBytes } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export interface SigningKey {
  alg: string;
  kid: string;
  privateKey: CryptoKey;
  publicJwk: JWK;
}

/** A client as the suite holds it: what it registered, and what it needs to prove itself. */
export interface Client {
  clientId: string;
  secret: string | undefined;
  metadata: Record<string, unknown>;
  redirectUri: string;
  key: SigningKey;
  tls?: { cert: string; key: string } | undefined;
}

export const createSigningKey = async (alg: string): Promise<SigningKey> => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const kid = randomBytes(8).toString('hex');
  return { alg, kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, use: 'sig', alg } };
};

const generated = new Map<string, Promise<SigningKey>>();
/** RSA keys take long to make: one of each algorithm and name serves the whole run. */
export const sharedSigningKey = (alg: string, name = 'client'): Promise<SigningKey> => {
  const known = generated.get(`${alg} ${name}`) ?? createSigningKey(alg);
  generated.set(`${alg} ${name}`, known);
  return known;
};

export const seconds = (): number => Math.floor(Date.now() / 1000);
export const nonce = (): string => randomBytes(16).toString('base64url');
export const sha256 = (value: string): string => createHash('sha256').update(value).digest('base64url');

/** Claims given as `undefined` are left out, so that a module can take one away. */
export const signJwt = (
  key: SigningKey,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
): Promise<string> => new SignJWT(claims).setProtectedHeader({ alg: key.alg, kid: key.kid, ...header }).sign(key.privateKey);

/** RFC 7523 §3 */
export const clientAssertion = (client: Client, audience: unknown, over: Record<string, unknown> = {}): Promise<string> => {
  const now = seconds();
  const claims = { iss: client.clientId, sub: client.clientId, aud: audience, jti: nonce(), iat: now, exp: now + 60 };
  return signJwt(client.key, { ...claims, ...over });
};

/** The authentication a client adds to a form-encoded request. */
export const authenticate = async (
  client: Client,
  method: string,
  audience: string,
): Promise<{ headers: Record<string, string>; fields: Record<string, string> }> => {
  const { clientId, secret = '' } = client;
  switch (method) {
    case 'client_secret_basic': {
      const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`;
      return { headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }, fields: {} };
    }
    case 'client_secret_post':
      return { headers: {}, fields: { client_id: clientId, client_secret: secret } };
    case 'private_key_jwt':
      return {
        headers: {},
        fields: {
          client_id: clientId,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: await clientAssertion(client, audience),
        },
      };
    default:
      return { headers: {}, fields: { client_id: clientId } };
  }
};
