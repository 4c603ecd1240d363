import { expect } from 'chai';
import { type Agent, createAgent, passPages } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { type Stand, startStand } from '../support/stand.ts';

const secret = 'a-secret-of-at-least-thirty-two-characters';
const callback = 'https://app.example.test/callback';
const orders = 'https://orders.example.test/';
const verifier = 'a-code-verifier-that-is-long-enough-for-rfc-7636';
const challenge = Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))).toString('base64url');

interface Event {
  type: string;
  outcome: string;
  actor_type: string;
  actor_id: string | null;
  subject_id: string | null;
  client_id: string | null;
  session_uid: string | null;
  ip: string | null;
  correlation_id: string;
  payload: { details?: Record<string, unknown> };
}

describe('AU-05 audit events of the protocol', () => {
  let stand: Stand;
  let seen = 0;
  const api = createApi(() => stand.issuer);

  /** Events since the last call, once all of `wanted` are there. */
  const events = async (...wanted: string[]): Promise<Event[]> => {
    for (let attempt = 0; ; attempt += 1) {
      const all = (await stand.database.knex('audit_events').orderByRaw('occurred_at, id')) as Event[];
      const found = all.slice(seen);
      const types = found.map(({ type }) => type);
      if (wanted.every((type) => types.includes(type))) {
        seen = all.length;
        return found;
      }
      if (attempt === 100) throw new Error(`missing ${wanted.filter((type) => !types.includes(type))} among ${types}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const one = (found: Event[], type: string): Event => {
    const mine = found.filter((event) => event.type === type);
    expect(mine, type).to.have.length(1);
    return mine[0] as Event;
  };

  const post = async (path: string, fields: Record<string, string>, clientId = 'app') => {
    const authorization = `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`;
    const response = await fetch(`${stand.issuer}${path}`, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams(fields),
    });
    const text = await response.text();
    return { status: response.status, json: text.startsWith('{') ? JSON.parse(text) : {} };
  };

  const addressOf = (more: Record<string, string> = {}): string => {
    const url = new URL(`${stand.issuer}/authorize`);
    const base = { client_id: 'app', redirect_uri: callback, response_type: 'code', scope: 'openid offline_access' };
    const pkce = { code_challenge: challenge, code_challenge_method: 'S256' };
    url.search = new URLSearchParams({ ...base, nonce: 'n', prompt: 'consent', ...pkce, ...more }).toString();
    return url.href;
  };
  const codeFor = async (agent: Agent, more: Record<string, string> = {}): Promise<string> => {
    const answer = new URL(await passPages(agent, await agent.open(addressOf(more)), stand.person));
    return answer.searchParams.get('code') ?? '';
  };
  const redeem = (code: string, more: Record<string, string> = {}) =>
    post('/token', { grant_type: 'authorization_code', code, redirect_uri: callback, code_verifier: verifier, ...more });

  before(async () => {
    const client = { client_secret: secret, token_endpoint_auth_method: 'client_secret_basic' };
    stand = await startStand({
      bootstrap: {
        clients: [
          {
            ...client,
            client_id: 'app',
            redirect_uris: [callback],
            response_types: ['code'],
            grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
          },
        ],
        resources: [{ identifier: orders, name: 'Orders', scopes: ['orders:read'], accessTokenFormat: 'jwt' }],
      },
    });
  });
  beforeEach(async () => {
    // What is buffered belongs to the test before.
    await new Promise((resolve) => setTimeout(resolve, 700));
    await events();
  });
  after(() => stand.close());

  it('a hosted sign-in with consent, its code and its tokens', async () => {
    const agent = createAgent(stand.issuer);
    await redeem(await codeFor(agent));
    const found = await events('authn.login.succeeded', 'session.started', 'oidc.consent.granted', 'oidc.token.issued');
    const person = one(found, 'session.started').subject_id;
    expect(person).to.match(/^[0-9a-f-]{36}$/);
    const login = one(found, 'authn.login.succeeded');
    expect(login).to.include({ actor_type: 'user', actor_id: person, client_id: 'app', outcome: 'success', ip: '127.0.0.1' });
    const consent = one(found, 'oidc.consent.granted');
    expect(consent).to.include({ actor_id: person, subject_id: person, client_id: 'app' });
    expect(consent.payload.details).to.deep.equal({ scopes: ['openid', 'offline_access'] });
    const issued = one(found, 'oidc.token.issued');
    expect(issued).to.include({ actor_type: 'client', actor_id: 'app', subject_id: person });
    expect(issued.session_uid).to.equal(one(found, 'session.started').session_uid);
    expect(issued.payload.details).to.include({ grantType: 'authorization_code', format: 'opaque' });
  });

  it('refresh, reuse with the end of the family, and a refusal', async () => {
    const { json: first } = await redeem(await codeFor(createAgent(stand.issuer)));
    await events('oidc.token.issued');
    const refresh = (token: string) => post('/token', { grant_type: 'refresh_token', refresh_token: token });
    const { json: second } = await refresh(first.refresh_token);
    expect(one(await events('oidc.token.refreshed'), 'oidc.token.refreshed').client_id).to.equal('app');
    expect((await refresh(first.refresh_token)).json.error).to.equal('invalid_grant');
    const found = await events('oidc.token.reuse_detected', 'oidc.grant.revoked');
    expect(one(found, 'oidc.token.reuse_detected').outcome).to.equal('denied');
    expect(one(found, 'oidc.grant.revoked').payload.details).to.deep.equal({ cause: 'reuse' });
    expect((await refresh(second.refresh_token)).json.error).to.equal('invalid_grant');
    expect((await post('/introspect', { token: second.access_token })).json).to.deep.equal({ active: false });
    const refused = one(await events('oidc.token.refused'), 'oidc.token.refused');
    expect(refused.payload.details).to.deep.equal({ grantType: 'refresh_token', error: 'invalid_grant' });
  });

  it('CO-01 a code that comes back ends what it led to, and is told', async () => {
    const code = await codeFor(createAgent(stand.issuer));
    const { json } = await redeem(code);
    expect((await redeem(code)).json.error).to.equal('invalid_grant');
    const found = await events('oidc.token.issued', 'oidc.grant.revoked', 'oidc.token.refused');
    expect(one(found, 'oidc.grant.revoked').payload.details).to.deep.equal({ cause: 'reuse' });
    expect((await post('/introspect', { token: json.access_token })).json).to.deep.equal({ active: false });
  });

  it('a machine’s tokens of both formats, introspected and revoked', async () => {
    const { json: opaque } = await post('/token', { grant_type: 'client_credentials' });
    const { json: jwt } = await post('/token', { grant_type: 'client_credentials', scope: 'orders:read' });
    const issued = (await events('oidc.token.issued')).concat(await events());
    expect(issued.length).to.be.at.least(1);
    for (const token of [opaque.access_token, jwt.access_token]) {
      expect((await post('/introspect', { token })).json.active).to.equal(true);
      const asked = (await events('oidc.token.introspected')).filter(({ type }) => type === 'oidc.token.introspected');
      expect(asked.map(({ payload }) => payload.details)).to.deep.equal([{ active: true }]);
      await post('/revoke', { token });
      expect(one(await events('oidc.token.revoked'), 'oidc.token.revoked')).to.include({ actor_id: 'app', client_id: 'app' });
      expect((await post('/introspect', { token })).json.active).to.equal(false);
      await events('oidc.token.introspected');
    }
  });

  it('a refused consent and a refused password', async () => {
    const agent = createAgent(stand.issuer);
    const page = await agent.open(addressOf());
    await agent.submit(page, { login: 'unknown@example.test', password: 'not the password' });
    const failed = one(await events('authn.login.failed'), 'authn.login.failed');
    expect(failed).to.include({ outcome: 'failure', actor_type: 'anonymous', client_id: 'app' });
    const consent = await agent.submit(await agent.open(addressOf()), { ...stand.person });
    await agent.submit(consent, { decision: 'deny' });
    const denied = one(await events('oidc.consent.denied'), 'oidc.consent.denied');
    expect(denied).to.include({ outcome: 'denied', actor_type: 'user', client_id: 'app' });
  });

  it('JSON sign-up, sign-in, refresh, log-out', async () => {
    const email = 'eve@example.test';
    await api('POST', '/auth/register', { email, password: 'a fine long password' });
    one(await events('identity.user_created'), 'identity.user_created');
    const { json } = await api('POST', '/auth/login', { email, password: 'a fine long password' });
    const found = await events('session.started', 'oidc.token.issued', 'authn.login.succeeded');
    expect(one(found, 'oidc.token.issued')).to.include({ actor_id: json.user.id, client_id: 'castellan' });
    await api('POST', '/auth/refresh', { refreshToken: json.refreshToken });
    one(await events('oidc.token.refreshed'), 'oidc.token.refreshed');
    await api('POST', '/auth/logout', {}, json.accessToken);
    const ended = await events('authn.logout', 'session.ended');
    expect(one(ended, 'session.ended').payload.details).to.deep.equal({ cause: 'logout' });
  });

  it('AU-01 a sign-in whose event cannot be written gives nothing out', async () => {
    const email = 'mallory@example.test';
    const password = 'a fine long password';
    await api('POST', '/auth/register', { email, password });
    await stand.database.maintain("alter table audit_events add constraint closed check (type <> 'session.started') not valid");
    try {
      expect((await api('POST', '/auth/login', { email, password })).status).to.equal(500);
      const user = await stand.database.knex('identifiers').where({ canonical: email }).first('user_id');
      expect(await stand.database.knex('sessions').where(user)).to.have.length(0);
      expect(await stand.database.knex('oidc_artifacts').where({ account_id: user.user_id })).to.have.length(0);
    } finally {
      await stand.database.maintain('alter table audit_events drop constraint closed');
    }
    expect((await api('POST', '/auth/login', { email, password })).status).to.equal(200);
  });

  it('AU-04 holds none of the secrets that went by', async () => {
    const { json } = await redeem(await codeFor(createAgent(stand.issuer)));
    await post('/token', { grant_type: 'hunter2-as-grant-type' });
    await events('oidc.token.refused');
    const dump = JSON.stringify(await stand.database.knex('audit_events'));
    for (const value of [json.access_token, json.refresh_token, json.id_token, secret, stand.person.password, 'hunter2'])
      expect(dump).to.not.include(value);
  });

  it('tokens_issued_total counts by kind and grant type', async () => {
    const metrics = await (await fetch(`${stand.issuer}/metrics`)).text();
    expect(metrics).to.match(/tokens_issued_total\{kind="access_token",grant_type="authorization_code"\} [1-9]/);
    expect(metrics).to.match(/tokens_issued_total\{kind="refresh_token",grant_type="api_login"\} [1-9]/);
    expect(metrics).to.match(/tokens_issued_total\{kind="id_token",grant_type="authorization_code"\} [1-9]/);
  });
});
