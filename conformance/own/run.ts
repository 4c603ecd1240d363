import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import { type Browser, createBrowser, type Person, type Visit } from './browser.ts';
import { authenticate, type Client, clientAssertion, nonce, sharedSigningKey } from './client.ts';
import { type Answer, checkErrorText, formType, jsonType, send } from './http.ts';
import { Skipped } from './outcome.ts';
import type { Delivery, Inbox, RelyingParty } from './relying-party.ts';

/** The provider under test, and what a module may ask of its operator. */
export interface Target {
  issuer: string;
  person: Person;
  relyingParty: RelyingParty;
  /** Moves the clock of provider and client together. */
  advance(seconds: number): void;
  /** Makes a new signing key, as an operator would. */
  rotateKeys(): Promise<void>;
  /** Waits for what leaves the provider by itself (logout calls), at most a few seconds. */
  delivered(deliveries: Delivery[]): Promise<Delivery[]>;
  /** Where a client's CIBA notifications arrive. */
  notifications(clientId: string): Inbox;
  /** Clients an administrator registered beforehand (FAPI profiles), by name. */
  clients: Readonly<Record<string, Client>>;
  /** What a client that may ask for decisions presents; the fixture of the AuthZEN plans is there by then. */
  decisionToken(): Promise<string>;
  /** A browser that has signed in before, where the module is not about signing in. */
  signedIn?: Browser | undefined;
}

export interface Variant extends Record<string, string> {
  response_type: string;
  response_mode: string;
  client_auth_type: string;
}

export type Metadata = Record<string, unknown> & { issuer: string };
export type Parameters = Record<string, string | undefined>;
export type Callback = NonNullable<Visit['callback']>;

export interface SignedIn {
  visit: Visit;
  client: Client;
  parameters: Parameters;
  callback: Callback;
  /** Of the newest ID token: the token endpoint's where there is one. */
  idToken: JWTPayload;
  rawIdToken: string;
  accessToken: string | undefined;
  tokens: Record<string, unknown>;
}

export type Module = (run: Run) => Promise<void>;

const leftHalf = (alg: string, value: string): string => {
  const digest = createHash(`sha${alg.slice(2)}`)
    .update(value)
    .digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
};

/** One module on one variant: the tools its few lines are written with. */
export class Run {
  readonly notes: string[] = [];
  reviewed = false;
  readonly target: Target;
  readonly variant: Variant;
  readonly op: Metadata;

  constructor(target: Target, variant: Variant, op: Metadata) {
    this.target = target;
    this.variant = variant;
    this.op = op;
  }

  warn(note: string): void {
    this.notes.push(note);
  }

  skip(reason: string): never {
    throw new Skipped(reason);
  }

  /** @throws where discovery has no such address */
  endpoint(name: string): string {
    const value = this.op[name];
    assert.equal(typeof value, 'string', `discovery has no ${name}`);
    return String(value);
  }

  lists(name: string, value: string): boolean {
    const list = this.op[name];
    return Array.isArray(list) && list.includes(value);
  }

  has(part: 'code' | 'token' | 'id_token'): boolean {
    return this.variant.response_type.split(' ').includes(part);
  }

  /** A browser nobody has signed in with. */
  browser(): Browser {
    return createBrowser(this.target.issuer, this.target.person);
  }

  later(amount: number): void {
    this.target.advance(amount);
  }

  /** POSTs metadata to the registration endpoint (RFC 7591 §3.1). */
  async register(over: Record<string, unknown> = {}): Promise<Answer> {
    const { response_type: type, client_auth_type: method } = this.variant;
    const body = {
      client_name: 'Conformance module',
      redirect_uris: [`${this.target.relyingParty.origin}/callback/${nonce()}`],
      response_types: [type],
      grant_types: [...(this.has('code') ? ['authorization_code'] : []), ...(type === 'code' ? [] : ['implicit'])],
      token_endpoint_auth_method: method,
      ...(method === 'private_key_jwt' ? { jwks: { keys: [(await sharedSigningKey('RS256')).publicJwk] } } : {}),
      ...over,
    };
    return send(this.endpoint('registration_endpoint'), { method: 'POST', headers: jsonType, body: JSON.stringify(body) });
  }

  async client(over: Record<string, unknown> = {}): Promise<Client> {
    const answer = await this.register(over);
    assert.equal(answer.status, 201, `registration was refused: ${answer.body}`);
    const { client_id: clientId, client_secret: secret, redirect_uris: uris } = answer.json;
    assert(Array.isArray(uris), 'redirect_uris are returned');
    return {
      clientId: String(clientId),
      secret: secret === undefined ? undefined : String(secret),
      metadata: answer.json,
      redirectUri: String(uris[0]),
      key: await sharedSigningKey('RS256'),
    };
  }

  parameters(client: Client, over: Parameters = {}): Parameters {
    return {
      client_id: client.clientId,
      redirect_uri: client.redirectUri,
      scope: 'openid',
      response_type: this.variant.response_type,
      state: randomBytes(10).toString('base64url'),
      nonce: nonce(),
      ...(this.variant.response_mode === 'form_post' ? { response_mode: 'form_post' } : {}),
      ...over,
    };
  }

  authorizationUrl(parameters: Parameters): string {
    const url = new URL(this.endpoint('authorization_endpoint'));
    for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.append(name, value);
    return url.href;
  }

  /** The answer a request has to have: to the right address, in the right mode, with state and issuer. */
  callback(visit: Visit, parameters: Parameters): Callback {
    const { callback } = visit;
    const last = visit.pages.at(-1);
    assert(callback, `no answer to the client, a page instead: ${last?.status} ${last?.url} ${last?.body.slice(0, 600)}`);
    const expected = new URL(parameters.redirect_uri ?? '');
    assert.equal(`${callback.url.origin}${callback.url.pathname}`, `${expected.origin}${expected.pathname}`);
    assert.equal(callback.parameters.get('state') ?? undefined, parameters.state, 'state comes back unchanged');
    const issuer = callback.parameters.get('iss');
    assert(issuer === null || issuer === this.target.issuer, 'RFC 9207: iss is the issuer');
    checkErrorText(callback.parameters.get('error_description'));
    for (const [name, value] of expected.searchParams)
      assert.equal(callback.url.searchParams.get(name), value, 'its query is kept');
    return callback;
  }

  /** An error answer with one of the given codes, and no code or token in it. */
  async refused(client: Client, parameters: Parameters, codes: string[], browser = this.browser()): Promise<void> {
    const callback = this.callback(await browser.visit(this.authorizationUrl(parameters)), parameters);
    assert(codes.includes(callback.parameters.get('error') ?? ''), `error is one of ${codes}: ${callback.url.href}`);
    for (const name of ['code', 'access_token', 'id_token']) assert.equal(callback.parameters.get(name), null, `no ${name}`);
    assert(client.clientId);
  }

  /** The provider shows a page of its own and sends nobody anywhere; the official suite takes a picture of it (REVIEW). */
  errorPage(visit: Visit): void {
    const last = visit.pages.at(-1);
    assert(!visit.callback, `a page is wanted, not a redirect to ${visit.callback?.url.href}`);
    assert(last && last.status >= 400 && last.status < 500, `an error page has a 4xx status, not ${last?.status}`);
    this.reviewed = true;
  }

  /** Authorization, token request and every check of `oidcc-server`. */
  async signIn(given: { client?: Client; parameters?: Parameters; browser?: Browser; post?: boolean } = {}): Promise<SignedIn> {
    const client = given.client ?? (await this.client());
    const parameters = this.parameters(client, given.parameters);
    const browser = given.browser ?? this.target.signedIn ?? this.browser();
    const visit = given.post
      ? await browser.visit(this.endpoint('authorization_endpoint'), { post: new URLSearchParams(defined(parameters)) })
      : await browser.visit(this.authorizationUrl(parameters));
    const callback = this.callback(visit, parameters);
    assert.equal(callback.parameters.get('error'), null, `an error came back: ${callback.url.href}`);
    this.checkMode(callback);
    const code = callback.parameters.get('code');
    const front = callback.parameters.get('id_token');
    const frontToken = callback.parameters.get('access_token');
    assert.equal(code !== null, this.has('code'), 'a code comes exactly where it is asked for');
    assert.equal(front !== null, this.has('id_token'), 'an ID token comes exactly where it is asked for');
    assert.equal(frontToken !== null, this.has('token'), 'an access token comes exactly where it is asked for');
    const hashes = { c_hash: code, at_hash: frontToken };
    const frontClaims = front === null ? undefined : await this.idToken(front, client, parameters, hashes);
    const tokens = code === null ? {} : await this.redeem(client, parameters, code);
    const raw = String(tokens.id_token ?? front);
    const idToken =
      typeof tokens.id_token === 'string' ? await this.idToken(tokens.id_token, client, parameters, {}) : (frontClaims ?? {});
    if (frontClaims) assert.equal(idToken.sub, frontClaims.sub, 'both ID tokens name the same subject');
    const accessToken = typeof tokens.access_token === 'string' ? tokens.access_token : (frontToken ?? undefined);
    return { visit, client, parameters, callback, idToken, rawIdToken: raw, accessToken, tokens };
  }

  private checkMode(callback: Callback): void {
    const byType = this.variant.response_type === 'code' ? 'query' : 'fragment';
    assert.equal(callback.mode, this.variant.response_mode === 'form_post' ? 'form_post' : byType, 'response mode');
  }

  /** A token request; the answer as it came. */
  async token(client: Client, fields: Record<string, string>, method = this.variant.client_auth_type): Promise<Answer> {
    const proof = await authenticate(client, method, this.endpoint('token_endpoint'));
    const body = new URLSearchParams({ ...fields, ...proof.fields }).toString();
    return send(this.endpoint('token_endpoint'), {
      method: 'POST',
      headers: { ...formType, ...proof.headers },
      body,
      tls: client.tls,
    });
  }

  /** A token request of a `private_key_jwt` client whose assertion names that audience. */
  async tokenWithAudience(client: Client, fields: Record<string, string>, audience: unknown): Promise<Answer> {
    const assertion = await clientAssertion(client, audience);
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    const body = new URLSearchParams({ ...fields, client_assertion: assertion, client_assertion_type: type });
    return send(this.endpoint('token_endpoint'), { method: 'POST', headers: formType, body: body.toString() });
  }

  codeFields(parameters: Parameters, code: string): Record<string, string> {
    return { grant_type: 'authorization_code', code, redirect_uri: parameters.redirect_uri ?? '' };
  }

  async redeem(client: Client, parameters: Parameters, code: string, verifier?: string): Promise<Record<string, unknown>> {
    assert(Buffer.byteLength(code) >= 22, 'RFC 6749 §10.10: a code has at least 128 bits');
    const fields = { ...this.codeFields(parameters, code), ...(verifier === undefined ? {} : { code_verifier: verifier }) };
    const answer = await this.token(client, fields);
    assert.equal(answer.status, 200, `the code was refused: ${answer.body}`);
    this.checkTokenAnswer(answer);
    assert.equal(typeof answer.json.id_token, 'string', 'OIDC Core §3.1.3.3: an ID token');
    return answer.json;
  }

  /** RFC 6749 §5.1 */
  checkTokenAnswer({ headers, json }: Answer): void {
    assert.match(headers.get('content-type') ?? '', /^application\/json/);
    assert.match(headers.get('cache-control') ?? '', /no-store/);
    assert.match(String(json.token_type), /^bearer$/i);
    assert(String(json.access_token).length >= 22, 'the access token is not guessable');
    if (typeof json.expires_in !== 'number') this.warn('expires_in is missing');
  }

  /** RFC 6749 §5.2 */
  tokenRefused(answer: Answer, codes: string[], statuses = [400]): void {
    assert(statuses.includes(answer.status), `status is one of ${statuses}: ${answer.status} ${answer.body}`);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
    assert(codes.includes(String(answer.json.error)), `error is one of ${codes}: ${answer.body}`);
  }

  async keys(): Promise<JSONWebKeySet> {
    const answer = await send(this.endpoint('jwks_uri'));
    assert.equal(answer.status, 200);
    const { keys } = answer.json;
    assert(Array.isArray(keys));
    return { keys };
  }

  /** OIDC Core §3.1.3.7, §3.3.2.11: the checks a client makes of an ID token. */
  async idToken(
    token: string,
    client: Client,
    parameters: Parameters,
    hashes: Record<string, string | null>,
  ): Promise<JWTPayload> {
    const { alg = '', kid } = decodeProtectedHeader(token);
    assert(kid, 'the ID token names its key');
    const expected = { issuer: this.target.issuer, audience: client.clientId };
    const { payload } = await jwtVerify(token, createLocalJWKSet(await this.keys()), expected);
    for (const claim of ['sub', 'iat', 'exp']) assert(payload[claim] !== undefined, `${claim} is there`);
    assert(String(payload.sub).length <= 255, 'sub has at most 255 characters');
    assert.equal(payload.nonce, parameters.nonce, 'nonce is the request’s');
    for (const [claim, value] of Object.entries(hashes)) {
      if (value !== null) assert.equal(payload[claim], leftHalf(alg, value), `${claim} fits`);
    }
    return payload;
  }

  async userinfo(accessToken: string | undefined, how: 'get' | 'header' | 'body' = 'get'): Promise<Answer> {
    assert(accessToken, 'there is an access token');
    const endpoint = this.endpoint('userinfo_endpoint');
    const authorization = `Bearer ${accessToken}`;
    if (how === 'get') return send(endpoint, { headers: { authorization } });
    if (how === 'header') return send(endpoint, { method: 'POST', headers: { authorization } });
    const body = new URLSearchParams({ access_token: accessToken }).toString();
    return send(endpoint, { method: 'POST', headers: formType, body });
  }
}

const defined = (parameters: Parameters): Record<string, string> =>
  Object.fromEntries(Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
