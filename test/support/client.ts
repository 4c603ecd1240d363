import { createHash, randomBytes } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { type Agent, createAgent, type Page, passPages } from './agent.ts';
import type { Stand } from './stand.ts';

/** Clients of the tests share one secret; it is as long as HS256 wants. */
export const secret = 'a-secret-of-at-least-thirty-two-characters';
export const callback = 'https://app.example.test/callback';
export const verifier = 'a-code-verifier-that-is-long-enough-for-rfc-7636';
export const challenge = createHash('sha256').update(verifier).digest('base64url');
export const pkce = { code_challenge: challenge, code_challenge_method: 'S256' };

export const basic = (clientId: string, value = secret): string =>
  `Basic ${Buffer.from(`${clientId}:${value}`).toString('base64')}`;

export interface Answer {
  status: number;
  headers: Headers;
  body: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers of the protocol are read as they come
  json: any;
}

const readAnswer = async (response: Response): Promise<Answer> => {
  const body = await response.text();
  return { status: response.status, headers: response.headers, body, json: body.startsWith('{') ? JSON.parse(body) : {} };
};

/** Asks as a program. */
export const send = async (url: string, init: RequestInit = {}): Promise<Answer> =>
  readAnswer(await fetch(url, { redirect: 'manual', ...init }));

type Fields = Record<string, string> | [string, string][];

/** A relying party over HTTP, by hand: what a test wants to say wrong, it can. */
export const createRelyingParty = (stand: Stand, clientId = 'app') => {
  const post = (path: string, fields: Fields, headers: Record<string, string> = { authorization: basic(clientId) }) =>
    send(`${stand.issuer}${path}`, { method: 'POST', headers, body: new URLSearchParams(fields) });

  const base = { client_id: clientId, redirect_uri: callback, response_type: 'code', scope: 'openid', ...pkce };
  const authorizationUrl = (parameters: Record<string, string | undefined> = {}): string => {
    const url = new URL(`${stand.issuer}/authorize`);
    for (const [name, value] of Object.entries({ ...base, ...parameters })) {
      if (value !== undefined) url.searchParams.append(name, value);
    }
    return url.href;
  };
  /** Opens the address in a browser, passes sign-in and consent; the client's address with the answer. */
  const visit = async (url: string, agent: Agent = createAgent(stand.issuer)): Promise<URL> =>
    new URL(await passPages(agent, await agent.open(url), stand.person));
  const authorize = async (parameters: Record<string, string | undefined> = {}, agent?: Agent): Promise<URLSearchParams> =>
    (await visit(authorizationUrl(parameters), agent)).searchParams;
  /** The first page or redirect, without anybody signing in. */
  const open = (parameters: Record<string, string | undefined> = {}, agent = createAgent(stand.issuer)): Promise<Page> =>
    agent.open(authorizationUrl(parameters));
  const code = async (parameters: Record<string, string | undefined> = {}, agent?: Agent): Promise<string> => {
    const answer = await authorize(parameters, agent);
    const found = answer.get('code');
    if (found === null) throw new Error(`no code but ${answer}`);
    return found;
  };
  const redeem = (value: string, fields: Record<string, string> = {}, headers?: Record<string, string>) =>
    post(
      '/token',
      { grant_type: 'authorization_code', code: value, redirect_uri: callback, code_verifier: verifier, ...fields },
      headers,
    );
  const signIn = async (parameters: Record<string, string | undefined> = {}, fields: Record<string, string> = {}) =>
    redeem(await code(parameters), fields);
  return { clientId, post, authorizationUrl, visit, authorize, open, code, redeem, signIn };
};

export type RelyingParty = ReturnType<typeof createRelyingParty>;

export interface SigningKey {
  privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
  publicJwk: JWK;
  alg: string;
  kid: string;
}

export const makeKey = async (alg = 'ES256', kid = `test-${alg}`): Promise<SigningKey> => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, publicJwk: { ...(await exportJWK(publicKey)), alg, kid, use: 'sig' }, alg, kid };
};

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** Signs exactly these claims. */
export const signJwt = (
  key: SigningKey,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
): Promise<string> => new SignJWT(claims).setProtectedHeader({ alg: key.alg, kid: key.kid, ...header }).sign(key.privateKey);

/** RFC 7523 §3; a claim that is `undefined` is left out. */
export const assertion = (key: SigningKey, clientId: string, audience: unknown, over: Record<string, unknown> = {}) =>
  signJwt(key, {
    iss: clientId,
    sub: clientId,
    aud: audience,
    jti: randomBytes(12).toString('base64url'),
    iat: nowSeconds(),
    exp: nowSeconds() + 60,
    ...over,
  });

export const assertionFields = (value: string): Record<string, string> => ({
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: value,
});

export interface ProofOptions {
  accessToken?: string;
  nonce?: string | undefined;
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
}

/** RFC 9449 §4.2 */
export const dpopProof = (
  key: SigningKey,
  method: string,
  url: string,
  { accessToken, nonce, claims, header }: ProofOptions = {},
) => {
  const { kty, crv, x, y, n, e } = key.publicJwk;
  const jwk = JSON.parse(JSON.stringify({ kty, crv, x, y, n, e }));
  const ath = accessToken === undefined ? {} : { ath: createHash('sha256').update(accessToken).digest('base64url') };
  const all = {
    jti: randomBytes(12).toString('base64url'),
    htm: method,
    htu: url,
    iat: nowSeconds(),
    ...(nonce === undefined ? {} : { nonce }),
    ...ath,
    ...claims,
  };
  return new SignJWT(all).setProtectedHeader({ typ: 'dpop+jwt', alg: key.alg, jwk, ...header }).sign(key.privateKey);
};

export const thumbprint = (key: SigningKey): Promise<string> => calculateJwkThumbprint(key.publicJwk);
