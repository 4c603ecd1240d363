import assert from 'node:assert/strict';
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { type Client, clientAssertion, nonce, type SigningKey, seconds, signJwt } from './client.ts';
import { checkInteraction, interactionHeaders } from './fapi.ts';
import { type Answer, formType, send } from './http.ts';
import type { Delivery } from './relying-party.ts';
import type { Run } from './run.ts';

type Fields = Record<string, string | undefined>;

/** What a module changes in a request that is otherwise right. */
export interface CibaChanges {
  assertion?: { audience?: unknown; claims?: Record<string, unknown>; key?: SigningKey } | null;
  /** Claims of the signed request; `null` sends plain form parameters. */
  object?: { claims?: Record<string, unknown>; key?: SigningKey; raw?: (object: string) => string } | null;
  fields?: Fields;
  tls?: Client['tls'] | null;
}

const grant = 'urn:openid:params:grant-type:ciba';
const defined = (fields: Fields): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
const without = (claims: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));

/** FAPI-CIBA with one client: signed requests, tokens bound to a certificate, poll or ping. */
export class Ciba {
  readonly run: Run;
  readonly client: Client;
  readonly isPing: boolean;

  private constructor(run: Run, client: Client) {
    this.run = run;
    this.client = client;
    this.isPing = run.variant.ciba_mode === 'ping';
  }

  static create(run: Run, which: 1 | 2 = 1): Ciba {
    const { client_auth_type: auth, ciba_mode: mode } = run.variant;
    const client = run.target.clients[`conformance-ciba-${auth?.replaceAll('_', '-')}-${mode}-${which}`];
    assert(client, `client ${which} is registered`);
    return new Ciba(run, client);
  }

  get isMtlsAuth(): boolean {
    return this.run.variant.client_auth_type === 'mtls';
  }

  /** What the provider has called the client's notification endpoint with. */
  get pings(): Delivery[] {
    return this.run.target.notifications(this.client.clientId).deliveries;
  }

  private async post(url: string, fields: Fields, { assertion = {}, tls, fields: more }: CibaChanges): Promise<Answer> {
    const { audience = this.run.endpoint('token_endpoint'), claims = {}, key } = assertion ?? {};
    const proof =
      this.isMtlsAuth || assertion === null
        ? { client_id: this.client.clientId }
        : {
            client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
            client_assertion: await clientAssertion(key ? { ...this.client, key } : this.client, audience, claims),
          };
    const body = new URLSearchParams(defined({ ...proof, ...fields, ...more })).toString();
    return send(url, { method: 'POST', headers: formType, body, tls: tls === undefined ? this.client.tls : (tls ?? undefined) });
  }

  parameters(over: Fields = {}): Fields {
    return {
      scope: 'openid',
      login_hint: this.run.target.person.login,
      client_notification_token: this.isPing ? nonce() + nonce() : undefined,
      ...over,
    };
  }

  async object(parameters: Fields, { claims = {}, key, raw }: NonNullable<CibaChanges['object']> = {}): Promise<string> {
    const now = seconds();
    const times = { iat: now, nbf: now, exp: now + 300, jti: nonce() };
    const all = { ...parameters, iss: this.client.clientId, aud: this.run.target.issuer, ...times, ...claims };
    const object = await signJwt(key ?? this.client.key, without(all));
    return raw ? raw(object) : object;
  }

  /** CIBA Core §7.1 */
  async ask(over: Fields = {}, changes: CibaChanges = {}): Promise<Answer> {
    const parameters = this.parameters(over);
    const fields = changes.object === null ? parameters : { request: await this.object(parameters, changes.object) };
    return this.post(this.run.endpoint('backchannel_authentication_endpoint'), fields, changes);
  }

  async asked(over: Fields = {}, changes: CibaChanges = {}): Promise<string> {
    const answer = await this.ask(over, changes);
    assert.equal(answer.status, 200, `the request was refused: ${answer.body}`);
    assert(typeof answer.json.expires_in === 'number' && answer.json.expires_in > 0, 'expires_in');
    const { auth_req_id: id } = answer.json;
    assert(typeof id === 'string' && id.length >= 22, 'CIBA Core §7.3: auth_req_id has at least 128 bits');
    return id;
  }

  /** What the suite does through its `automated_ciba_approval_url`. */
  async answer(authReqId: string, action: 'allow' | 'deny' = 'allow'): Promise<void> {
    const url = `${this.run.target.issuer}/conformance/ciba?${new URLSearchParams({ auth_req_id: authReqId, action })}`;
    assert.equal((await send(url, { method: 'POST' })).status, 204, 'the answer is taken');
  }

  token(authReqId: string, changes: CibaChanges = {}): Promise<Answer> {
    return this.post(this.run.endpoint('token_endpoint'), { grant_type: grant, auth_req_id: authReqId }, changes);
  }

  refresh(token: unknown, changes: CibaChanges = {}): Promise<Answer> {
    const fields = { grant_type: 'refresh_token', refresh_token: String(token) };
    return this.post(this.run.endpoint('token_endpoint'), fields, changes);
  }

  async resource(token: unknown, tls: Client['tls'] | undefined = this.client.tls): Promise<Answer> {
    const headers = { authorization: `Bearer ${token}`, ...interactionHeaders() };
    const answer = await send(this.run.endpoint('userinfo_endpoint'), { headers, tls });
    if (answer.status === 200) checkInteraction(answer, headers);
    return answer;
  }

  /** CIBA Core §10.2: the call arrives, at most a few seconds later. */
  private async pinged(authReqId: string): Promise<void> {
    for (let wait = 0; wait < 200; wait += 1) {
      if (this.pings.some(({ body }) => body.includes(authReqId))) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.fail('the client was not called');
  }

  /** Waits for the ping where there is one, and takes the tokens. */
  async tokens(authReqId: string): Promise<Record<string, unknown>> {
    if (this.isPing) await this.pinged(authReqId);
    const answer = await this.token(authReqId);
    assert.equal(answer.status, 200, `the request was not redeemed: ${answer.body}`);
    this.run.checkTokenAnswer(answer);
    return answer.json;
  }

  async idToken(token: unknown): Promise<JWTPayload> {
    const expected = { issuer: this.run.target.issuer, audience: this.client.clientId };
    const { payload, protectedHeader } = await jwtVerify(String(token), createLocalJWKSet(await this.run.keys()), expected);
    assert(['PS256', 'ES256'].includes(protectedHeader.alg), `ID token alg ${protectedHeader.alg}`);
    return payload;
  }

  /** The whole way, to an answer of the resource. */
  async happy(over: Fields = {}, changes: CibaChanges = {}): Promise<Record<string, unknown>> {
    const id = await this.asked(over, changes);
    this.run.tokenRefused(await this.token(id), ['authorization_pending', 'slow_down']);
    await this.answer(id);
    const tokens = await this.tokens(id);
    await this.idToken(tokens.id_token);
    assert.equal((await this.resource(tokens.access_token)).status, 200, 'the resource takes the token');
    return tokens;
  }

  refused(answer: Answer, codes: string[], statuses = [400, 401]): void {
    this.run.tokenRefused(answer, codes, statuses);
  }
}
