import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose';
import type { Browser, Visit } from './browser.ts';
import { type Client, clientAssertion, createSigningKey, nonce, type SigningKey, seconds, sha256, signJwt } from './client.ts';
import { type Answer, type Call, formType, send } from './http.ts';
import type { Parameters, Run } from './run.ts';

type Fields = Record<string, string | undefined>;

/** What a module changes in a request that is otherwise right. */
export interface Changes {
  /** Audience, key or claims of the client assertion; `null` sends none. */
  assertion?: { audience?: unknown; claims?: Record<string, unknown>; key?: SigningKey } | null;
  /** Claims and header of the DPoP proof; `null` sends none. */
  proof?: ProofChanges | null;
  /** Claims of the signed request object (Message Signing). */
  object?: { claims?: Record<string, unknown>; key?: SigningKey; raw?: (object: string) => string } | null;
  headers?: Record<string, string>;
  method?: string;
  /** Presents another certificate, or none. */
  tls?: Client['tls'] | null;
}

export interface ProofChanges {
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
  key?: SigningKey;
}

export interface Pushed {
  answer: Answer;
  parameters: Parameters;
  verifier: string;
}

export interface Authorized extends Pushed {
  visit: Visit;
  /** Answer parameters, out of the JARM response where that is used. */
  response: URLSearchParams;
}

interface AuthorizeOptions {
  changes?: Changes;
  browser?: Browser;
  extra?: Parameters;
  deny?: boolean;
}

const defined = (fields: Fields): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

const without = (claims: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));

/** A DPoP proof (RFC 9449 §4.2). */
export const dpopProof = (
  key: SigningKey,
  method: string,
  url: string,
  changes: ProofChanges = {},
  token?: string,
): Promise<string> => {
  const claims = { htm: method, htu: url, iat: seconds(), jti: nonce(), ...(token === undefined ? {} : { ath: sha256(token) }) };
  const { kid: _kid, use: _use, alg: _alg, ...jwk } = key.publicJwk;
  const header = { typ: 'dpop+jwt', kid: undefined, jwk, ...changes.header };
  return signJwt(changes.key ?? key, without({ ...claims, ...changes.claims }), without(header));
};

const groupOf = ({ fapi_request_method: request, fapi_auth_request_method: method }: Run['variant']): string => {
  if (method !== undefined) return 'fapi1';
  return request === 'signed_non_repudiation' ? 'fapi2-ms' : 'fapi2';
};

const interactionHeader = 'x-fapi-interaction-id';
export const interactionHeaders = (): Record<string, string> => ({
  [interactionHeader]: randomUUID(),
  // What programs of old asked for, and what the suite tries.
  accept: 'application/json, text/html; q=.2, */*; q=.2',
});

/** FAPI 1.0 Baseline §6.2.1 (10), (11): the resource tells the time, and the interaction by the client's id. */
export const checkInteraction = (answer: Answer, sent: Record<string, string | string[]>): void => {
  assert.equal(answer.headers.get(interactionHeader), sent[interactionHeader]);
  assert(answer.headers.get('date'), 'a date');
};

/** What stands for a `request_uri` where the request travels by value. */
const byValue = 'value:';

/** A FAPI plan with one client: bound tokens, pushed requests (FAPI 1.0 also by value), signed requests and answers where the plan has them. */
export class Fapi {
  readonly run: Run;
  readonly client: Client;
  dpopKey: SigningKey;
  readonly isDpop: boolean;
  readonly isSigned: boolean;
  readonly isJarm: boolean;
  /** FAPI 1.0 Advanced */
  readonly isFirst: boolean;
  readonly isPushed: boolean;
  private dpopNonce: string | undefined;

  private constructor(run: Run, client: Client, dpopKey: SigningKey) {
    this.run = run;
    this.client = client;
    this.dpopKey = dpopKey;
    this.isDpop = run.variant.sender_constrain === 'dpop';
    const { fapi_request_method: request, fapi_auth_request_method: method } = run.variant;
    this.isFirst = method !== undefined;
    this.isPushed = method !== 'by_value';
    this.isSigned = this.isFirst || request === 'signed_non_repudiation';
    this.isJarm = run.variant.fapi_response_mode === 'jarm';
  }

  static async create(run: Run, which: 1 | 2 = 1): Promise<Fapi> {
    const { client_auth_type: auth, sender_constrain: bind = 'mtls' } = run.variant;
    const group = groupOf(run.variant);
    const name = `conformance-${group}-${auth?.replaceAll('_', '-')}-${bind}-${which}`;
    const client = run.target.clients[name];
    assert(client, `client ${name} is registered`);
    return new Fapi(run, client, await createSigningKey('ES256'));
  }

  get isMtlsAuth(): boolean {
    return this.run.variant.client_auth_type === 'mtls';
  }

  parameters(over: Parameters = {}): { parameters: Parameters; verifier: string } {
    const verifier = nonce() + nonce();
    // FAPI 1.0 Advanced §5.2.2 (18): PKCE comes with pushed requests.
    const challenge = this.isPushed ? { code_challenge: sha256(verifier), code_challenge_method: 'S256' } : {};
    const jarm = this.isJarm ? { response_mode: 'jwt' } : {};
    const type = this.isFirst && !this.isJarm ? 'code id_token' : 'code';
    const response = { response_type: type, response_mode: undefined, ...jarm };
    return { parameters: this.run.parameters(this.client, { ...response, ...challenge, ...over }), verifier };
  }

  private async authenticated(fields: Fields, { assertion = {} }: Changes): Promise<Fields> {
    if (this.isMtlsAuth || assertion === null) return { client_id: this.client.clientId, ...fields };
    const usual = this.isFirst ? this.run.endpoint('token_endpoint') : this.run.target.issuer;
    const { audience = usual, claims = {}, key } = assertion;
    const client = key ? { ...this.client, key } : this.client;
    return {
      client_id: this.client.clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await clientAssertion(client, audience, claims),
      ...fields,
    };
  }

  private async proof(url: string, method: string, changes: Changes, token?: string): Promise<Record<string, string>> {
    if (!this.isDpop || changes.proof === null) return {};
    const { claims, ...others } = changes.proof ?? {};
    const current = this.dpopNonce === undefined ? {} : { nonce: this.dpopNonce };
    return { dpop: await dpopProof(this.dpopKey, method, url, { ...others, claims: { ...current, ...claims } }, token) };
  }

  private tls(changes: Changes): Client['tls'] {
    return changes.tls === undefined ? this.client.tls : (changes.tls ?? undefined);
  }

  /** RFC 9449 §8: a proof without the server's nonce is asked for again with it. */
  private async withNonce(call: () => Promise<Answer>): Promise<Answer> {
    const answer = await call();
    const given = answer.headers.get('dpop-nonce');
    if (given) this.dpopNonce = given;
    const wantsNonce =
      answer.json.error === 'use_dpop_nonce' || /use_dpop_nonce/.test(answer.headers.get('www-authenticate') ?? '');
    return given && wantsNonce ? call() : answer;
  }

  private post(url: string, fields: Fields, changes: Changes): Promise<Answer> {
    const { method = 'POST' } = changes;
    return this.withNonce(async () => {
      const body = new URLSearchParams(defined(await this.authenticated(fields, changes))).toString();
      const headers = { ...formType, ...(await this.proof(url, method, changes)), ...changes.headers };
      return send(url, { method, headers, body, tls: this.tls(changes) });
    });
  }

  async requestObject(parameters: Parameters, changes: NonNullable<Changes['object']> = {}): Promise<string> {
    const now = seconds();
    const claims = { ...parameters, iss: this.client.clientId, aud: this.run.target.issuer, iat: now, nbf: now, exp: now + 300 };
    const object = await signJwt(changes.key ?? this.client.key, without({ ...claims, ...changes.claims }), {
      typ: 'oauth-authz-req+jwt',
    });
    return changes.raw ? changes.raw(object) : object;
  }

  /** RFC 9126 */
  async push(over: Parameters = {}, changes: Changes = {}): Promise<Pushed> {
    const { parameters, verifier } = this.parameters(over);
    const isObject = this.isSigned && changes.object !== null;
    const fields = isObject ? { request: await this.requestObject(parameters, changes.object ?? {}) } : parameters;
    if (!this.isPushed) return { answer: this.unpushed(fields, parameters), parameters, verifier };
    const endpoint = this.run.endpoint('pushed_authorization_request_endpoint');
    return { answer: await this.post(endpoint, fields, changes), parameters, verifier };
  }

  /** By value there is nothing to ask beforehand. */
  private unpushed(fields: Fields, { scope, response_type }: Parameters): Answer {
    // OpenID Connect Core §6.1: what OAuth wants to see stands beside the object as well.
    const beside = { scope, response_type };
    const json = { request_uri: `${byValue}${JSON.stringify({ ...beside, ...fields })}` };
    return { status: 201, headers: new Headers(), body: '', json };
  }

  authorizationUrl(requestUri: unknown, extra: Parameters = {}, clientId = this.client.clientId): string {
    const reference = String(requestUri);
    if (reference.startsWith(byValue)) {
      const parameters = JSON.parse(reference.slice(byValue.length)) as Parameters;
      return this.run.authorizationUrl({ ...parameters, client_id: clientId, ...extra });
    }
    return this.run.authorizationUrl({ client_id: clientId, request_uri: String(requestUri), ...extra });
  }

  /** The answer as it reached the client; a JARM response is checked and opened. */
  async response(visit: Visit): Promise<URLSearchParams | undefined> {
    const { callback } = visit;
    if (!callback) return undefined;
    const jwt = callback.parameters.get('response');
    if (jwt === null) return callback.parameters;
    const expected = { issuer: this.run.target.issuer, audience: this.client.clientId };
    const { payload } = await jwtVerify(jwt, createLocalJWKSet(await this.run.keys()), expected);
    return new URLSearchParams(Object.fromEntries(Object.entries(payload).map(([name, value]) => [name, String(value)])));
  }

  async authorize(over: Parameters = {}, given: AuthorizeOptions = {}): Promise<Authorized> {
    const pushed = await this.push(over, given.changes);
    assert.equal(pushed.answer.status, 201, `the pushed request was refused: ${pushed.answer.body}`);
    const browser = given.browser ?? this.run.target.signedIn ?? this.run.browser();
    const visit = await browser.visit(this.authorizationUrl(pushed.answer.json.request_uri, given.extra), {
      deny: given.deny === true,
    });
    const response = await this.response(visit);
    assert(response, `no answer to the client: ${visit.pages.at(-1)?.status} ${visit.pages.at(-1)?.body.slice(0, 300)}`);
    // RFC 9207 §2.4: an ID token in the answer names the issuer as well.
    if (!response.has('id_token')) assert.equal(response.get('iss'), this.run.target.issuer, 'RFC 9207: iss in the answer');
    if (response.has('id_token')) await this.frontIdToken(response, pushed.parameters);
    assert.equal(this.isJarm, visit.callback?.parameters.has('response'), 'JARM where it is asked for');
    return { ...pushed, visit, response };
  }

  /** FAPI 1.0 Advanced §5.2.2.1: the ID token of the answer is its signature. */
  private async frontIdToken(response: URLSearchParams, { state, nonce: asked }: Parameters): Promise<void> {
    const claims = await this.idToken(response.get('id_token'));
    const half = (value: string): string => Buffer.from(sha256(value), 'base64url').subarray(0, 16).toString('base64url');
    assert.equal(claims.c_hash, half(response.get('code') ?? ''), 'c_hash fits');
    if (state !== undefined) assert.equal(claims.s_hash, half(state), 's_hash fits');
    assert.equal(claims.nonce, asked);
  }

  /** An authorization that has to succeed. */
  async code(over: Parameters = {}, given: AuthorizeOptions = {}): Promise<Authorized & { code: string }> {
    const authorized = await this.authorize(over, given);
    const code = authorized.response.get('code');
    assert(code, `a code is issued: ${authorized.response}`);
    assert.equal(authorized.response.get('state') ?? undefined, authorized.parameters.state, 'state comes back unchanged');
    return { ...authorized, code };
  }

  token(fields: Fields, changes: Changes = {}): Promise<Answer> {
    return this.post(this.run.endpoint('token_endpoint'), fields, changes);
  }

  codeFields({ code, parameters, verifier }: { code: string; parameters: Parameters; verifier: string }): Fields {
    const { redirect_uri: address } = parameters;
    const proof = parameters.code_challenge === undefined ? undefined : verifier;
    return { grant_type: 'authorization_code', code, redirect_uri: address, code_verifier: proof };
  }

  redeem(authorized: { code: string; parameters: Parameters; verifier: string }, changes: Changes = {}): Promise<Answer> {
    return this.token(this.codeFields(authorized), changes);
  }

  async tokens(
    authorized: { code: string; parameters: Parameters; verifier: string },
    changes: Changes = {},
  ): Promise<Record<string, unknown>> {
    const answer = await this.redeem(authorized, changes);
    assert.equal(answer.status, 200, `the code was refused: ${answer.body}`);
    assert.match(String(answer.json.token_type), this.isDpop ? /^dpop$/i : /^bearer$/i);
    return answer.json;
  }

  async idToken(token: unknown): Promise<JWTPayload> {
    const expected = { issuer: this.run.target.issuer, audience: this.client.clientId };
    const { payload, protectedHeader } = await jwtVerify(String(token), createLocalJWKSet(await this.run.keys()), expected);
    assert(['PS256', 'ES256', 'EdDSA'].includes(protectedHeader.alg), `ID token alg ${protectedHeader.alg}`);
    return payload;
  }

  /** A call of the protected resource: UserInfo. */
  resource(accessToken: unknown, changes: Changes & { scheme?: string; url?: string } = {}): Promise<Answer> {
    const url = this.run.endpoint('userinfo_endpoint');
    const scheme = changes.scheme ?? (this.isDpop ? 'DPoP' : 'Bearer');
    return this.withNonce(async () => {
      const proof = await this.proof(url, 'GET', changes, String(accessToken));
      const headers: NonNullable<Call['headers']> = { authorization: `${scheme} ${accessToken}`, ...proof, ...changes.headers };
      return send(changes.url ?? url, { headers, tls: this.tls(changes) });
    });
  }

  /** The whole way, to an answer of the resource. */
  async happy(
    over: Parameters = {},
    changes: Changes = {},
  ): Promise<{ tokens: Record<string, unknown>; authorized: Authorized & { code: string } }> {
    const authorized = await this.code(over, { changes });
    const tokens = await this.tokens(authorized, changes);
    const headers = { ...interactionHeaders(), ...changes.headers };
    const answer = await this.resource(tokens.access_token, { ...changes, headers });
    assert.equal(answer.status, 200, `the resource refused the token: ${answer.body}`);
    checkInteraction(answer, headers);
    return { tokens, authorized };
  }

  /** PAR refuses, or the authorization endpoint does: by an error at the client or by a page. */
  async refused(pushed: Pushed, codes: string[], statuses = [400, 401]): Promise<void> {
    const { answer } = pushed;
    if (answer.status === 201) {
      const visit = await this.run.browser().visit(this.authorizationUrl(answer.json.request_uri));
      return this.refusedVisit(visit, codes);
    }
    assert(statuses.includes(answer.status), `status is one of ${statuses}: ${answer.status} ${answer.body}`);
    assert(codes.includes(String(answer.json.error)), `error is one of ${codes}: ${answer.body}`);
  }

  async refusedVisit(visit: Visit, codes: string[]): Promise<void> {
    const response = await this.response(visit);
    if (!response) return this.run.errorPage(visit);
    assert(codes.includes(response.get('error') ?? ''), `error is one of ${codes}: ${response}`);
    assert.equal(response.get('code'), null);
  }
}
