import { expect } from 'chai';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { createAgent, passPages } from '../support/agent.ts';
import { personCalls } from '../support/callers.ts';
import { dpopProof, makeKey, nowSeconds, thumbprint } from '../support/client.ts';
import { eventually } from '../support/processes.ts';
import { type Stand, startStand } from '../support/stand.ts';

const secret = 'a-secret-of-at-least-thirty-two-characters';
const callback = 'https://app.example.test/callback';
const orders = 'https://orders.example.test/';
const stock = 'https://stock.example.test/';
const administrator = { email: 'root@example.test', password: 'a-password-for-the-administrator' };
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
const verifier = 'a-code-verifier-that-is-long-enough-for-rfc-7636';
const challenge = Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))).toString('base64url');

const basic = (clientId: string): string => `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`;

describe('Protocol breadth over HTTP', () => {
  let stand: Stand;

  const post = async (
    path: string,
    fields: Record<string, string> | [string, string][],
    clientId = 'app',
    headers: Record<string, string> = {},
  ) => {
    const init = { method: 'POST', headers: { authorization: basic(clientId), ...headers }, body: new URLSearchParams(fields) };
    const response = await fetch(`${stand.issuer}${path}`, init);
    const body = await response.text();
    const json = body.startsWith('{') ? JSON.parse(body) : {};
    return { status: response.status, type: response.headers.get('content-type') ?? '', body, json };
  };

  const signIn = async (parameters: Record<string, string> = {}, tokenParameters: Record<string, string> = {}) => {
    const url = new URL(`${stand.issuer}/authorize`);
    const base = { client_id: 'app', redirect_uri: callback, response_type: 'code', scope: 'openid', nonce: 'n' };
    url.search = new URLSearchParams({
      ...base,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      ...parameters,
    }).toString();
    const agent = createAgent(stand.issuer);
    const answer = new URL(await passPages(agent, await agent.open(url.href), stand.person));
    const code = answer.searchParams.get('code');
    if (code === null) return { status: 0, json: Object.fromEntries(answer.searchParams) as Record<string, string> };
    return post('/token', {
      grant_type: 'authorization_code',
      code,
      redirect_uri: callback,
      code_verifier: verifier,
      ...tokenParameters,
    });
  };

  const orderToken = async (): Promise<string> =>
    (await signIn({ scope: 'openid orders:read orders:write', resource: orders }, { resource: orders })).json.access_token;

  const exchange = (subject: string, more: Record<string, string> = {}, clientId = 'backend') =>
    post('/token', { grant_type: exchangeGrant, subject_token: subject, subject_token_type: accessTokenType, ...more }, clientId);

  before(async () => {
    const app = { client_secret: secret, token_endpoint_auth_method: 'client_secret_basic' };
    const machine = { ...app, redirect_uris: [], response_types: [] };
    stand = await startStand({
      env: { BOOTSTRAP_ADMIN_EMAIL: administrator.email, BOOTSTRAP_ADMIN_PASSWORD: administrator.password },
      bootstrap: {
        clients: [
          {
            ...app,
            client_id: 'app',
            redirect_uris: [callback],
            response_types: ['code'],
            grant_types: ['authorization_code', 'refresh_token'],
            introspection_signed_response_alg: 'RS256',
            authorization_details_types: ['payment_initiation'],
          },
          { ...machine, client_id: 'backend', grant_types: [exchangeGrant], scope: 'stock:read' },
          { ...machine, client_id: 'shelf', grant_types: [exchangeGrant], scope: 'stock:read orders:read' },
          { ...machine, client_id: 'support', grant_types: [exchangeGrant], may_impersonate: true },
          { ...machine, client_id: 'bound', grant_types: [exchangeGrant], dpop_bound_access_tokens: true },
          { client_id: 'public', token_endpoint_auth_method: 'none', redirect_uris: [callback] },
          { ...machine, client_id: 'stranger', grant_types: [exchangeGrant, 'client_credentials'] },
          { ...machine, client_id: 'plain', grant_types: ['client_credentials'] },
        ],
        resources: [
          {
            identifier: orders,
            name: 'Orders',
            scopes: ['orders:read', 'orders:write'],
            accessTokenFormat: 'jwt',
            introspectionClients: ['backend', 'support', 'bound', 'shelf'],
          },
          {
            identifier: stock,
            name: 'Stock',
            scopes: ['stock:read', 'stock:write'],
            accessTokenFormat: 'opaque',
            introspectionClients: ['shelf'],
          },
        ],
      },
    });
  });
  after(() => stand.close());

  describe('P1 RFC 8693 token exchange', () => {
    it('§1.1 delegates: the new token names who acts, for a resource the client is registered for', async () => {
      const { status, json } = await exchange(await orderToken(), { resource: stock });
      expect(status).to.equal(200);
      expect(json).to.include({ issued_token_type: accessTokenType, token_type: 'Bearer', scope: 'stock:read' });
    });

    it('§4.1 keeps the actor in a JWT, and narrows scope for the same resource', async () => {
      const { json } = await exchange(await orderToken(), { scope: 'orders:read' });
      const claims = JSON.parse(Buffer.from(json.access_token.split('.')[1], 'base64url').toString());
      expect(claims.act).to.deep.equal({ sub: 'backend', client_id: 'backend' });
      expect(claims).to.include({ aud: orders, scope: 'orders:read', client_id: 'backend' });
    });

    for (const [what, change] of Object.entries<[Record<string, string>, string]>({
      'a scope beyond the registration': [{ resource: stock, scope: 'stock:write' }, 'invalid_scope'],
      'a scope beyond the subject token': [{ scope: 'orders:admin' }, 'invalid_scope'],
      'an unknown resource': [{ resource: 'https://unknown.example.test/' }, 'invalid_target'],
      'another token type': [{ requested_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, 'invalid_request'],
      'an actor token without its type': [{ actor_token: 'x' }, 'invalid_request'],
    })) {
      it(`refuses ${what}`, async () => {
        const { status, json } = await exchange(await orderToken(), change[0]);
        expect([status, json.error]).to.deep.equal([400, change[1]]);
      });
    }

    it('§2.1 has one target, named once or twice, as a resource or an audience', async () => {
      const token = await orderToken();
      const fixed = { grant_type: exchangeGrant, subject_token: token, subject_token_type: accessTokenType };
      const ask = (pairs: [string, string][]) => post('/token', [...Object.entries(fixed), ...pairs], 'backend');
      for (const pairs of [
        [['audience', stock]],
        [
          ['audience', stock],
          ['resource', stock],
        ],
        [
          ['audience', stock],
          ['audience', stock],
        ],
      ] as [string, string][][])
        expect((await ask(pairs)).status, JSON.stringify(pairs)).to.equal(200);
      for (const pairs of [
        [
          ['audience', stock],
          ['audience', orders],
        ],
        [
          ['resource', stock],
          ['audience', orders],
        ],
      ] as [string, string][][]) {
        const { status, json } = await ask(pairs);
        expect([status, json.error], JSON.stringify(pairs)).to.deep.equal([400, 'invalid_target']);
      }
    });

    it('refuses a client the token was not meant for, a client without the grant, and rubbish', async () => {
      const token = await orderToken();
      expect((await exchange(token, {}, 'stranger')).json.error).to.equal('invalid_grant');
      expect((await exchange(token, {}, 'plain')).json.error).to.equal('invalid_request');
      expect((await exchange('rubbish')).json.error).to.equal('invalid_grant');
    });

    it('RFC 8693 §4.1 a chain keeps every actor, the newest first, and is refused once it is too long', async () => {
      const first = (await exchange(await orderToken(), { scope: 'orders:read' })).json.access_token;
      const second = (await exchange(first, {}, 'shelf')).json.access_token;
      const claims = JSON.parse(Buffer.from(second.split('.')[1], 'base64url').toString());
      expect(claims.act).to.deep.equal({
        sub: 'shelf',
        client_id: 'shelf',
        act: { sub: 'backend', client_id: 'backend' },
      });
      let token = second;
      let answer = await exchange(token, {}, 'backend');
      for (let step = 0; step < 4 && answer.status === 200; step += 1) {
        token = answer.json.access_token;
        answer = await exchange(token, {}, step % 2 === 0 ? 'shelf' : 'backend');
      }
      expect([answer.status, answer.json.error]).to.deep.equal([400, 'invalid_request']);
    });

    it('RFC 8693 §1.1 impersonates only where an administrator allowed it: the token names nobody beside the person', async () => {
      const { status, json } = await exchange(await orderToken(), { scope: 'orders:read' }, 'support');
      expect(status).to.equal(200);
      const claims = JSON.parse(Buffer.from(json.access_token.split('.')[1], 'base64url').toString());
      expect(claims).to.not.have.property('act');
      expect(claims).to.include({ client_id: 'support', scope: 'orders:read' });
    });

    it('RFC 8693 §1.1 policies decide: one that denies goes before the registration, one that allows lets a client impersonate', async () => {
      const admin = await personCalls(stand, administrator.email, administrator.password);
      const rule = async (effect: 'allow' | 'deny', action: string, condition: object): Promise<string> => {
        const target = { resources: ['token-exchange'], actions: [action] };
        const made = await admin('POST', '/authz/policies', { name: `${effect} ${action}`, effect, target, condition });
        expect(made.status, JSON.stringify(made.json)).to.equal(201);
        expect((await admin('POST', `/authz/policies/${made.json.id}/activate`, {})).status).to.equal(200);
        return made.json.id;
      };
      const actorOf = async (clientId: string): Promise<unknown> => {
        const { status, json } = await exchange(await orderToken(), { scope: 'orders:read' }, clientId);
        expect(status, JSON.stringify(json)).to.equal(200);
        return JSON.parse(Buffer.from(json.access_token.split('.')[1], 'base64url').toString()).act?.sub;
      };
      const ids = [
        await rule('deny', 'delegate', { '==': [{ var: 'resource.audience' }, stock] }),
        await rule('allow', 'impersonate', {
          and: [{ '==': [{ var: 'subject.id' }, 'backend'] }, { in: ['orders:read', { var: 'resource.scopes' }] }],
        }),
        await rule('deny', 'impersonate', { '==': [{ var: 'subject.id' }, 'support'] }),
      ];
      expect((await exchange(await orderToken(), { resource: stock }, 'shelf')).json.error).to.equal('invalid_target');
      expect(await actorOf('backend'), 'allowed by a policy').to.equal(undefined);
      expect(await actorOf('support'), 'registered for it, but denied').to.equal('support');
      expect(await actorOf('shelf'), 'nobody ruled').to.equal('shelf');
      const { json } = await eventually(
        () => admin('GET', '/audit/events?type=authz.decision&actor=shelf&outcome=denied'),
        (found) => found.json.items.length > 0,
      );
      expect(json.items[0].details).to.include({ action: 'delegate', resource: 'token-exchange', reason: 'policy_deny' });
      for (const id of ids) expect((await admin('POST', `/authz/policies/${id}/archive`, {})).status).to.equal(200);
      expect((await exchange(await orderToken(), { resource: stock }, 'shelf')).status).to.equal(200);
      expect(await actorOf('support'), 'as it was').to.equal(undefined);
    });

    it('RFC 8693 §2.1 refuses a public client, an actor token of somebody else, and a token that is no access token', async () => {
      const token = await orderToken();
      const form = { grant_type: exchangeGrant, subject_token: token, subject_token_type: accessTokenType, client_id: 'public' };
      const answer = await fetch(`${stand.issuer}/token`, { method: 'POST', body: new URLSearchParams(form) });
      expect(answer.status).to.be.oneOf([400, 401]);
      const foreign = { actor_token: token, actor_token_type: accessTokenType };
      expect((await exchange(token, foreign)).json.error).to.equal('invalid_grant');
      const idToken = (await signIn()).json.id_token;
      expect((await exchange(idToken)).json.error).to.equal('invalid_grant');
    });

    it('TK-08 RFC 9449 §5 a client that is bound gets bound tokens here as well, and none without a proof', async () => {
      const key = await makeKey();
      const token = await orderToken();
      const ask = (headers: Record<string, string>) =>
        post(
          '/token',
          { grant_type: exchangeGrant, subject_token: token, subject_token_type: accessTokenType },
          'bound',
          headers,
        );
      expect((await ask({})).json.error).to.equal('invalid_grant');
      const wrong = await dpopProof(key, 'POST', `${stand.issuer}/userinfo`);
      expect((await ask({ DPoP: wrong })).json.error).to.equal('invalid_dpop_proof');
      const old = await dpopProof(key, 'POST', `${stand.issuer}/token`, { claims: { iat: nowSeconds() - 900 } });
      expect((await ask({ DPoP: old })).json.error).to.equal('invalid_dpop_proof');
      const proof = await dpopProof(key, 'POST', `${stand.issuer}/token`);
      const { json } = await ask({ DPoP: proof });
      expect(json.token_type).to.equal('DPoP');
      const { cnf } = JSON.parse(Buffer.from(json.access_token.split('.')[1], 'base64url').toString());
      expect(cnf).to.deep.equal({ jkt: await thumbprint(key) });
      expect((await ask({ DPoP: proof })).json.error, 'replayed').to.equal('invalid_grant');
    });

    it('refuses a revoked subject token', async () => {
      const token = await orderToken();
      await post('/revoke', { token });
      expect((await exchange(token, { scope: 'orders:read' })).json.error).to.equal('invalid_grant');
    });
  });

  describe('P3 RFC 7662, RFC 7009 on JWT access tokens', () => {
    it('is active for its client and for the clients its resource names', async () => {
      const token = await orderToken();
      for (const clientId of ['app', 'backend']) {
        const { json } = await post('/introspect', { token }, clientId);
        expect(json).to.include({ active: true, aud: orders, client_id: 'app' });
        expect(json).to.not.have.any.keys('gid', 'suid');
      }
    });

    it('TK-07 says nothing to others, about altered tokens, or without credentials', async () => {
      const token = await orderToken();
      expect((await post('/introspect', { token }, 'stranger')).json).to.deep.equal({ active: false });
      expect((await post('/introspect', { token: `${token.slice(0, -4)}AAAA` })).json).to.deep.equal({ active: false });
      const nobody = await fetch(`${stand.issuer}/introspect`, { method: 'POST', body: new URLSearchParams({ token }) });
      expect([400, 401]).to.include(nobody.status);
    });

    it('RFC 7009 is dead once revoked, and revoking answers JSON', async () => {
      const token = await orderToken();
      const revoked = await post('/revoke', { token });
      expect([revoked.status, revoked.type.split(';')[0]]).to.deep.equal([200, 'application/json']);
      expect((await post('/introspect', { token })).json).to.deep.equal({ active: false });
    });

    it('RFC 7009 §2.1 is not revoked by another client', async () => {
      const token = await orderToken();
      await post('/revoke', { token }, 'stranger');
      expect((await post('/introspect', { token })).json.active).to.equal(true);
    });

    for (const [what, fields, headers] of [
      ['no credentials', { token: 'x' }, { authorization: '' }],
      ['a public client', { token: 'x', client_id: 'public' }, { authorization: '' }],
      ['a wrong secret', { token: 'x' }, { authorization: `Basic ${Buffer.from('app:wrong').toString('base64')}` }],
      ['no token', {}, {}],
    ] as const) {
      for (const path of ['/introspect', '/revoke']) {
        it(`RFC 7662 §2.1 RFC 7009 §2.1 ${path} refuses ${what}`, async () => {
          const { status, json } = await post(path, fields, 'app', headers);
          expect(status).to.be.oneOf([400, 401]);
          expect(json.error).to.match(/^invalid_(client|request)$/);
          expect(json).to.not.have.property('active');
        });
      }
    }

    it('RFC 9068 §4 our API refuses an access token for another resource, an altered one, and an ID token', async () => {
      const { access_token: other } = (await signIn({ scope: 'openid orders:read', resource: orders }, { resource: orders }))
        .json;
      const { id_token: idToken } = (await signIn()).json;
      for (const [what, token] of Object.entries({ other, altered: `${other.slice(0, -4)}AAAA`, idToken })) {
        const answer = await fetch(`${stand.issuer}/api/v1/auth/me`, { headers: { authorization: `Bearer ${token}` } });
        expect(answer.status, what).to.equal(401);
        expect(answer.headers.get('www-authenticate'), what).to.include('error="invalid_token"');
      }
    });

    it('RFC 7662 §2.2 RFC 7009 §2.2 says nothing of a token nobody knows, whatever the hint', async () => {
      for (const hint of ['access_token', 'refresh_token', 'nonsense']) {
        const fields = { token: 'nobody-knows-this-token', token_type_hint: hint };
        expect((await post('/introspect', fields)).json).to.deep.equal({ active: false });
        expect((await post('/revoke', fields)).status).to.equal(200);
      }
    });

    it('RFC 7009 §2.1 a refresh token takes its access tokens along', async () => {
      const { json } = await signIn({ scope: 'openid offline_access', prompt: 'consent' });
      await post('/revoke', { token: json.refresh_token });
      expect((await post('/introspect', { token: json.access_token })).json).to.deep.equal({ active: false });
      expect((await post('/token', { grant_type: 'refresh_token', refresh_token: json.refresh_token })).json.error).to.equal(
        'invalid_grant',
      );
    });

    it('RFC 9701 §5 a signed answer says no as well, and who does not ask for one gets JSON', async () => {
      const accept = { accept: 'application/token-introspection+jwt' };
      const token = await orderToken();
      const no = await post('/introspect', { token: 'unknown' }, 'app', accept);
      expect(no.type).to.match(/^application\/token-introspection\+jwt/);
      expect(JSON.parse(Buffer.from(String(no.body.split('.')[1]), 'base64url').toString()).token_introspection).to.deep.equal({
        active: false,
      });
      expect((await post('/introspect', { token }, 'backend')).type).to.match(/^application\/json/);
      expect((await post('/introspect', { token })).type).to.match(/^application\/json/);
      expect((await post('/introspect', { token }, 'app', { ...accept, authorization: 'Basic eDp5' })).status).to.equal(401);
    });

    it('RFC 9701 §5, §8.1 a signed answer is for its caller alone, and of no use as a token', async () => {
      const accept = { accept: 'application/token-introspection+jwt' };
      const { body } = await post('/introspect', { token: await orderToken() }, 'app', accept);
      const claims = JSON.parse(Buffer.from(String(body.split('.')[1]), 'base64url').toString());
      expect(claims).to.include({ iss: stand.issuer }).and.not.have.any.keys('sub', 'exp', 'scope', 'client_id');
      expect([claims.aud].flat()).to.include('app');
      expect(claims.iat).to.be.closeTo(nowSeconds(), 5);
      for (const path of ['/userinfo', '/api/v1/auth/me']) {
        const { status } = await fetch(`${stand.issuer}${path}`, { headers: { authorization: `Bearer ${body}` } });
        expect(status, path).to.equal(401);
      }
      expect((await exchange(body)).json.error).to.equal('invalid_grant');
      expect((await post('/introspect', { token: body })).json).to.deep.equal({ active: false });
    });

    it('RFC 9701 §5 a signed answer says of a revoked token no more than that', async () => {
      const token = await orderToken();
      await post('/revoke', { token });
      const { body } = await post('/introspect', { token }, 'app', { accept: 'application/token-introspection+jwt' });
      const claims = JSON.parse(Buffer.from(String(body.split('.')[1]), 'base64url').toString());
      expect(claims.token_introspection).to.deep.equal({ active: false });
    });

    it('RFC 9701 answers as a signed JWT to whoever registered for it', async () => {
      const token = await orderToken();
      const { type, body } = await post('/introspect', { token }, 'app', { accept: 'application/token-introspection+jwt' });
      expect(type).to.match(/^application\/token-introspection\+jwt/);
      const keys = await (await fetch(`${stand.issuer}/jwks`)).json();
      const { payload, protectedHeader } = await jwtVerify(
        body,
        createLocalJWKSet(keys as Parameters<typeof createLocalJWKSet>[0]),
      );
      expect(protectedHeader.typ).to.equal('token-introspection+jwt');
      expect(payload.token_introspection).to.include({ active: true, aud: orders });
    });
  });

  describe('P2 RFC 9396 authorization details', () => {
    const payment = {
      type: 'payment_initiation',
      instructedAmount: { currency: 'EUR', amount: '12.50' },
      creditorName: 'Merchant',
      creditorAccount: { iban: 'DE02100100109307118603' },
    };
    const ask = (details: object[], tokenDetails?: object[]) =>
      signIn(
        { authorization_details: JSON.stringify(details), scope: 'openid orders:read', resource: orders },
        { resource: orders, ...(tokenDetails ? { authorization_details: JSON.stringify(tokenDetails) } : {}) },
      );

    it('§7 gives back what the person agreed to', async () => {
      const { status, json } = await ask([payment]);
      expect(status).to.equal(200);
      expect(json.authorization_details).to.deep.equal([payment]);
    });

    for (const wrong of [
      { type: 'unknown_type' },
      { ...payment, instructedAmount: { currency: 'EUR', amount: '-1' } },
      { ...payment, surprise: true },
      { type: 'payment_initiation' },
    ]) {
      it(`§5 refuses ${JSON.stringify(wrong).slice(0, 70)}`, async () => {
        expect((await ask([wrong])).json.error).to.equal('invalid_authorization_details');
      });
    }

    it('§6.1 refuses more at the token endpoint than was granted', async () => {
      const { json } = await ask([payment], [{ ...payment, instructedAmount: { currency: 'EUR', amount: '9999' } }]);
      expect(json.error).to.equal('invalid_authorization_details');
    });
  });
});
