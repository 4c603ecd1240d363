import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { expect } from 'chai';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { createCertificate } from '../../conformance/own/certificate.ts';
import { createAgent, type Page, passPages } from '../support/agent.ts';
import {
  assertion,
  assertionFields,
  basic,
  callback,
  createRelyingParty,
  dpopProof,
  makeKey,
  nowSeconds,
  pkce,
  type RelyingParty,
  type SigningKey,
  secret,
  send,
  signJwt,
  thumbprint,
  verifier,
} from '../support/client.ts';
import { type Stand, startStand } from '../support/stand.ts';

const orders = 'https://orders.example.test/';
const stock = 'https://stock.example.test/';

describe('P2 requests and answers over HTTP', () => {
  let stand: Stand;
  let key: SigningKey;
  let stranger: SigningKey;
  let host: Server;
  let hosted: string;
  let served = '';
  let app: RelyingParty;
  let signing: RelyingParty;

  before(async () => {
    key = await makeKey();
    stranger = await makeKey('ES256', 'stranger');
    const certificate = createCertificate('relying party');
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificate.cert]);
    host = createServer(certificate, (_request, response) => void response.end(served));
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
    hosted = `https://localhost:${(host.address() as AddressInfo).port}/request.jwt`;
    const code = { client_secret: secret, redirect_uris: [callback], grant_types: ['authorization_code'] };
    const confidential = { ...code, token_endpoint_auth_method: 'client_secret_basic' };
    const keyed = {
      redirect_uris: [callback],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [{ ...key.publicJwk }] },
    };
    stand = await startStand({
      env: { OUTBOUND_ALLOW: 'localhost' },
      bootstrap: {
        clients: [
          {
            ...confidential,
            client_id: 'app',
            grant_types: ['authorization_code', 'refresh_token'],
            post_logout_redirect_uris: ['https://app.example.test/out'],
          },
          { ...confidential, client_id: 'other', redirect_uris: ['https://other.example.test/callback'] },
          { ...confidential, client_id: 'pairwise', subject_type: 'pairwise' },
          { ...code, client_id: 'posting', token_endpoint_auth_method: 'client_secret_post' },
          {
            ...confidential,
            client_id: 'machine',
            redirect_uris: [],
            response_types: [],
            grant_types: ['client_credentials'],
            scope: 'orders:read',
          },
          {
            ...confidential,
            client_id: 'unlimited',
            redirect_uris: [],
            response_types: [],
            grant_types: ['client_credentials'],
          },
          {
            client_id: 'public',
            redirect_uris: [callback, 'https://spa.example.test/callback'],
            grant_types: ['authorization_code'],
            token_endpoint_auth_method: 'none',
          },
          {
            client_id: 'native',
            application_type: 'native',
            redirect_uris: ['http://127.0.0.1/cb', 'http://localhost/cb'],
            grant_types: ['authorization_code'],
            token_endpoint_auth_method: 'none',
          },
          { ...keyed, client_id: 'keyed' },
          {
            ...keyed,
            client_id: 'signing',
            require_signed_request_object: true,
            request_object_signing_alg: 'ES256',
            request_uris: [hosted],
          },
          { ...keyed, client_id: 'bound', dpop_bound_access_tokens: true },
        ],
        resources: [
          { identifier: orders, name: 'Orders', scopes: ['orders:read', 'orders:write'], accessTokenFormat: 'jwt' },
          { identifier: stock, name: 'Stock', scopes: ['stock:read'], accessTokenFormat: 'jwt' },
        ],
      },
    });
    app = createRelyingParty(stand);
    signing = createRelyingParty(stand, 'signing');
  });
  after(async () => {
    host.closeAllConnections();
    host.close();
    await stand.close();
  });

  const errorOf = async (party: RelyingParty, parameters: Record<string, string | undefined>): Promise<string | null> => {
    const page = await party.open(parameters);
    const location = page.headers.get('location');
    if (location === null) return `page ${page.status}`;
    const { searchParams, hash } = new URL(location);
    return searchParams.get('error') ?? new URLSearchParams(hash.slice(1)).get('error');
  };

  /** An error page, or an error that goes to the client's only redirect URI; never a sign-in. */
  const refused = (page: Page): boolean =>
    page.status === 400 || /[?&]error=invalid_request/.test(page.headers.get('location') ?? '');

  describe('RFC 9126 pushed requests', () => {
    const push = (fields: Record<string, string> = {}, headers?: Record<string, string>) =>
      app.post(
        '/par',
        { client_id: 'app', redirect_uri: callback, response_type: 'code', scope: 'openid', ...pkce, ...fields },
        headers,
      );
    const address = (uri: string, clientId = 'app', more = '') =>
      `${stand.issuer}/authorize?client_id=${clientId}&request_uri=${encodeURIComponent(uri)}${more}`;

    it('CO-04 leads to one answer, whatever is added to the address, and shows nothing of itself', async () => {
      const { status, json } = await push({ state: 'pushed-state-value' });
      expect([status, json.expires_in]).to.deep.equal([201, 60]);
      const agent = createAgent(stand.issuer);
      const url = address(json.request_uri, 'app', '&scope=openid%20email&state=other');
      const login = await agent.open(url);
      expect(login.body + login.url).to.not.include('pushed-state-value');
      const answer = new URL(await passPages(agent, login, stand.person)).searchParams;
      expect(answer.get('state')).to.equal('pushed-state-value');
      expect((await app.redeem(String(answer.get('code')))).json.scope).to.equal('openid');
      for (const again of [url, `${url}&prompt=none`]) expect(refused(await agent.open(again))).to.equal(true);
    });

    it('CO-04 refuses another client, an unknown request, a request_uri inside and a stranger', async () => {
      const { json } = await push();
      for (const url of [address(json.request_uri, 'other'), address('urn:ietf:params:oauth:request_uri:none')]) {
        expect(refused(await createAgent(stand.issuer).open(url)), url).to.equal(true);
      }
      expect((await push({ request_uri: json.request_uri })).json.error).to.match(/^(invalid_request|request_uri_not_supported)/);
      const wrong = await push({}, { authorization: basic('app', 'wrong') });
      expect([wrong.status, wrong.json.error]).to.deep.equal([401, 'invalid_client']);
      const elsewhere = await push({ redirect_uri: 'https://evil.example/' });
      expect([elsewhere.status, elsewhere.json.error]).to.deep.equal([400, 'invalid_request']);
    });
  });

  describe('RFC 9101 request objects', () => {
    const object = (claims: Record<string, unknown> = {}, by = key, header = {}) =>
      signJwt(
        by,
        {
          iss: 'signing',
          aud: stand.issuer,
          client_id: 'signing',
          response_type: 'code',
          redirect_uri: callback,
          scope: 'openid',
          state: 'signed',
          exp: nowSeconds() + 60,
          iat: nowSeconds(),
          jti: `${Math.random()}`,
          ...pkce,
          ...claims,
        },
        header,
      );
    const bare = {
      redirect_uri: callback,
      response_type: 'code',
      scope: 'openid',
      code_challenge: undefined,
      code_challenge_method: undefined,
    };

    it('CO-05 is served with a request signed by its own key, by value and by reference (OpenID Connect Core §6.2)', async () => {
      expect((await signing.authorize({ ...bare, request: await object() })).get('state')).to.equal('signed');
      served = await object({ state: 'fetched' });
      expect((await signing.authorize({ ...bare, request_uri: hosted })).get('state')).to.equal('fetched');
    });

    it('CO-05 refuses a plain request, no algorithm, the public key as a secret, and another key', async () => {
      expect(await errorOf(signing, {})).to.match(/^invalid_request/);
      const unsigned = (await object()).split('.');
      const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${unsigned[1]}.`;
      expect(await errorOf(signing, { ...bare, request: none })).to.equal('invalid_request_object');
      expect(await errorOf(signing, { ...bare, request: await object({}, stranger, { kid: key.kid }) })).to.equal(
        'invalid_request_object',
      );
    });

    for (const [what, claims] of Object.entries<Record<string, unknown>>({
      'another audience': { aud: 'https://other.example.test' },
      'another client inside': { client_id: 'app' },
      'an end that has passed': { exp: nowSeconds() - 60 },
      'a beginning an hour ahead': { nbf: nowSeconds() + 3600 },
      'a request inside a request': { request: 'a.b.c' },
    })) {
      it(`CO-05 refuses ${what}`, async () => {
        expect(await errorOf(signing, { ...bare, request: await object(claims) })).to.equal('invalid_request_object');
      });
    }

    for (const [what, claims] of Object.entries<() => Record<string, unknown>>({
      'no end': () => ({ exp: undefined }),
      'an end two hours ahead': () => ({ exp: nowSeconds() + 7200 }),
      'an end in the year 9999': () => ({ exp: 253_370_764_800 }),
      'an end as words': () => ({ exp: `${nowSeconds() + 60}` }),
      'an hour and a half of life': () => ({ iat: nowSeconds() - 3600, exp: nowSeconds() + 1800 }),
      'a making 20 s ahead': () => ({ iat: nowSeconds() + 20 }),
      'a beginning 20 s ahead': () => ({ nbf: nowSeconds() + 20 }),
    })) {
      it(`TK-03 CO-05 refuses a request object with ${what}`, async () => {
        expect(await errorOf(signing, { ...bare, request: await object(claims()) })).to.equal('invalid_request_object');
      });
    }

    it('TK-03 takes one from a clock that is 8 s ahead', async () => {
      const ahead = nowSeconds() + 8;
      expect((await signing.open({ ...bare, request: await object({ iat: ahead, nbf: ahead }) })).status).to.equal(200);
    });

    it('CO-05 takes a jti once, by value and pushed, and leaves one whose signature is wrong as it was', async () => {
      const jti = `once-${Math.random()}`;
      const forged = await object({ jti }, stranger, { kid: key.kid });
      expect(await errorOf(signing, { ...bare, request: forged })).to.equal('invalid_request_object');
      const request = await object({ jti });
      expect((await signing.open({ ...bare, request })).status).to.equal(200);
      expect(await errorOf(signing, { ...bare, request })).to.equal('invalid_request_object');
      const push = async (value: string) =>
        signing.post('/par', { request: value, ...assertionFields(await assertion(key, 'signing', stand.issuer)) }, {});
      expect((await push(request)).json.error).to.equal('invalid_request_object');
      const pushed = await push(await object({ jti: `pushed-${Math.random()}` }));
      expect(pushed.status).to.equal(201);
      const opened = {
        request_uri: pushed.json.request_uri,
        redirect_uri: undefined,
        response_type: undefined,
        scope: undefined,
      };
      const again = { ...opened, code_challenge: undefined, code_challenge_method: undefined };
      for (const _ of [1, 2]) expect((await signing.open(again)).status).to.equal(200);
    });

    it('OpenID Connect Core §6.2 an object at a registered address may be fetched for each request', async () => {
      served = await object();
      for (const _ of [1, 2]) expect((await signing.open({ ...bare, request_uri: hosted })).status).to.equal(200);
    });

    it('SF-01 fetches only what is registered', async () => {
      served = await object();
      for (const uri of [`${hosted}?x`, 'https://169.254.169.254/latest', 'https://127.0.0.1/x']) {
        expect(await errorOf(signing, { ...bare, request_uri: uri })).to.equal('invalid_request_uri');
      }
    });
  });

  describe('JARM', () => {
    it('answers as a JWT signed by us, for the client, with the issuer', async () => {
      const answer = await app.authorize({ response_mode: 'jwt' });
      const keys = createRemoteJWKSet(new URL(`${stand.issuer}/jwks`));
      const { payload } = await jwtVerify(String(answer.get('response')), keys, { issuer: stand.issuer, audience: 'app' });
      expect(payload.code).to.be.a('string');
    });

    it('RU-07 answers errors the same way', async () => {
      const page = await app.open({ response_mode: 'jwt', prompt: 'none' });
      const response = String(new URL(String(page.headers.get('location'))).searchParams.get('response'));
      const claims = JSON.parse(Buffer.from(String(response.split('.')[1]), 'base64url').toString());
      expect(claims).to.include({ error: 'login_required', iss: stand.issuer, aud: 'app' });
    });

    it('JARM §2.3.1 says nothing beside the signed answer, which ends within minutes', async () => {
      for (const mode of ['jwt', 'query.jwt', 'fragment.jwt']) {
        const { search, hash } = await app.visit(app.authorizationUrl({ response_mode: mode }));
        const answer = new URLSearchParams(mode.startsWith('fragment') ? hash.slice(1) : search);
        expect([...answer.keys()], mode).to.deep.equal(['response']);
        const claims = JSON.parse(Buffer.from(String(answer.get('response')?.split('.')[1]), 'base64url').toString());
        expect(claims.exp - nowSeconds(), mode).to.be.within(10, 600);
      }
    });

    it('JARM §2.4 the answer is no token of ours: neither a hint nor a bearer token', async () => {
      const response = String((await app.authorize({ response_mode: 'jwt' })).get('response'));
      expect(await errorOf(app, { prompt: 'none', id_token_hint: response })).to.equal('invalid_request');
      const headers = { authorization: `Bearer ${response}` };
      expect((await send(`${stand.issuer}/userinfo`, { headers })).status).to.equal(401);
      expect((await app.post('/introspect', { token: response })).json).to.deep.equal({ active: false });
    });

    for (const mode of ['web_message.jwt', 'jwt.query', 'JWT']) {
      it(`JARM §2.3 refuses response_mode=${mode}`, async () => {
        expect(await errorOf(app, { response_mode: mode })).to.equal('unsupported_response_mode');
      });
    }
  });

  describe('RFC 9449 DPoP', () => {
    const url = () => `${stand.issuer}/token`;
    const redeem = async (proof: string | undefined, party = createRelyingParty(stand, 'bound')) => {
      const fields = assertionFields(await assertion(key, 'bound', stand.issuer));
      return party.redeem(await party.code(), fields, proof === undefined ? {} : { DPoP: proof });
    };

    it('§5, §7 binds the token to the key, and userinfo wants proof of it', async () => {
      const { json: tokens } = await redeem(await dpopProof(key, 'POST', url()));
      expect(tokens.token_type).to.equal('DPoP');
      const userinfo = `${stand.issuer}/userinfo`;
      const proof = await dpopProof(key, 'GET', userinfo, { accessToken: tokens.access_token });
      const ask = (headers: Record<string, string>) => send(userinfo, { headers });
      expect((await ask({ authorization: `DPoP ${tokens.access_token}`, DPoP: proof })).status).to.equal(200);
      expect((await ask({ authorization: `DPoP ${tokens.access_token}`, DPoP: proof })).status, 'replayed').to.equal(401);
      expect((await ask({ authorization: `Bearer ${tokens.access_token}` })).status, 'as bearer').to.equal(401);
      const foreign = await dpopProof(stranger, 'GET', userinfo, { accessToken: tokens.access_token });
      expect((await ask({ authorization: `DPoP ${tokens.access_token}`, DPoP: foreign })).status, 'another key').to.equal(401);
      const unrelated = await dpopProof(key, 'GET', userinfo, { accessToken: 'another token' });
      expect((await ask({ authorization: `DPoP ${tokens.access_token}`, DPoP: unrelated })).status, 'wrong ath').to.equal(401);
      const { json } = await app.post('/introspect', { token: tokens.access_token });
      expect(json).to.deep.include({ token_type: 'DPoP', cnf: { jkt: await thumbprint(key) } });
    });

    for (const [what, make] of Object.entries<() => Promise<string | undefined>>({
      'no proof': async () => undefined,
      'another method': () => dpopProof(key, 'GET', url()),
      'another address': () => dpopProof(key, 'POST', `${stand.issuer}/userinfo`),
      'an old proof': () => dpopProof(key, 'POST', url(), { claims: { iat: nowSeconds() - 900 } }),
      'another type': () => dpopProof(key, 'POST', url(), { header: { typ: 'jwt' } }),
    })) {
      it(`§4.3 refuses ${what}`, async () => {
        const { status, json } = await redeem(await make());
        expect(status).to.equal(400);
        expect(json.error).to.match(/invalid_dpop_proof|use_dpop_nonce|invalid_grant|invalid_request/);
      });
    }
  });

  describe('RFC 9449 §8 nonces', () => {
    const party = () => createRelyingParty(stand, 'bound');
    let code: string;
    let nonce: string;
    const redeem = async (proof: string) =>
      party().redeem(code, assertionFields(await assertion(key, 'bound', stand.issuer)), { DPoP: proof });
    const proofWith = (over: { nonce?: string; claims?: Record<string, unknown> }) =>
      dpopProof(key, 'POST', `${stand.issuer}/token`, over);
    before(async () => {
      code = await party().code();
      const first = await redeem(await proofWith({ nonce: 'a nonce that nobody gave out' }));
      expect([first.status, first.json.error]).to.deep.equal([400, 'use_dpop_nonce']);
      nonce = String(first.headers.get('dpop-nonce'));
      expect(nonce.length).to.be.greaterThan(20);
    });

    it('RFC 9449 §8 refuses a nonce of another day, one that is altered, and a right one in an old proof', async () => {
      for (const wrong of [`${nonce.slice(0, -2)}AA`, nonce.toUpperCase()]) {
        expect((await redeem(await proofWith({ nonce: wrong }))).json.error).to.equal('use_dpop_nonce');
      }
      const old = await redeem(await proofWith({ nonce, claims: { iat: nowSeconds() - 600 } }));
      expect([old.status, old.json.error]).to.deep.equal([400, 'invalid_dpop_proof']);
    });

    it('RFC 9449 §8.2 takes the one it gave, and a refused proof has not spent the code', async () => {
      const { status, json } = await redeem(await proofWith({ nonce }));
      expect([status, json.token_type]).to.deep.equal([200, 'DPoP']);
    });
  });

  describe('RFC 9207, RFC 8707, RFC 9068', () => {
    it('RFC 9207 §2 names the issuer in answers and errors', async () => {
      expect((await app.authorize()).get('iss')).to.equal(stand.issuer);
      const page = await app.open({ prompt: 'none' });
      expect(new URL(String(page.headers.get('location'))).searchParams.get('iss')).to.equal(stand.issuer);
    });

    for (const [error, parameters] of Object.entries({
      invalid_request: { code_challenge: 'short' },
      invalid_target: { resource: 'https://unknown.example.test/' },
    })) {
      it(`RFC 9207 §2 names the issuer beside ${error}, in query and fragment`, async () => {
        for (const mode of ['query', 'fragment']) {
          const page = await app.open({ response_mode: mode, ...parameters });
          const { searchParams, hash } = new URL(String(page.headers.get('location')));
          const answer = mode === 'query' ? searchParams : new URLSearchParams(hash.slice(1));
          expect([answer.get('error'), answer.get('iss')], mode).to.deep.equal([error, stand.issuer]);
        }
      });
    }

    it('RFC 8707 §2.2 grants several audiences, one token for each', async () => {
      const url = new URL(
        app.authorizationUrl({ scope: 'openid offline_access orders:read stock:read', prompt: 'consent', resource: orders }),
      );
      url.searchParams.append('resource', stock);
      const code = String((await app.visit(url.href)).searchParams.get('code'));
      const { json: first } = await app.redeem(code, { resource: orders });
      const { json: second } = await app.post('/token', {
        grant_type: 'refresh_token',
        refresh_token: first.refresh_token,
        resource: stock,
      });
      const claims = [first, second].map(({ access_token }) =>
        JSON.parse(Buffer.from(access_token.split('.')[1], 'base64url').toString()),
      );
      expect(claims.map(({ aud, scope }) => [aud, scope])).to.deep.equal([
        [orders, 'orders:read'],
        [stock, 'stock:read'],
      ]);
      expect(decodeProtectedHeader(first.access_token).typ).to.equal('at+jwt');
      expect(claims[0])
        .to.include({ iss: stand.issuer, client_id: 'app' })
        .and.to.have.all.keys(
          'iss',
          'aud',
          'sub',
          'client_id',
          'scope',
          'iat',
          'exp',
          'jti',
          'acr',
          'amr',
          'auth_time',
          'gid',
          ...('suid' in claims[0] ? ['suid'] : []),
        );
    });

    it('CO-06 refuses a resource that is unknown or was not granted, and a scope beyond', async () => {
      expect(await errorOf(app, { resource: 'https://unknown.example.test/' })).to.equal('invalid_target');
      const code = await app.code({ scope: 'openid orders:read', resource: orders });
      expect((await app.redeem(code, { resource: stock })).json.error).to.equal('invalid_target');
      const machine = createRelyingParty(stand, 'machine');
      const ask = (fields: Record<string, string>) => machine.post('/token', { grant_type: 'client_credentials', ...fields });
      expect((await ask({ scope: 'orders:read' })).status).to.equal(200);
      const wider = await ask({ scope: 'orders:read orders:write', resource: orders });
      expect(wider.json.error).to.equal('invalid_scope');
      expect((await ask({ resource: 'https://unknown.example.test/' })).json.error).to.equal('invalid_target');
    });
  });

  describe('OpenID Connect Core: claims, subjects, response modes', () => {
    it('§5.5 gives single claims where they were asked for', async () => {
      const { json: tokens } = await app.signIn({
        claims: JSON.stringify({ id_token: { name: { essential: true } }, userinfo: { email: null } }),
      });
      expect(JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url').toString())).to.include({ name: 'Ada Lovelace' });
      const { json } = await send(`${stand.issuer}/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
      expect(json).to.have.property('email').and.not.equal(undefined);
      expect(json).to.not.have.property('name');
    });

    it('§5.5 refuses what is not an object, and §5.5.1.1 an essential acr that cannot be had', async () => {
      expect(await errorOf(app, { claims: 'rubbish' })).to.equal('invalid_request');
      const none = { prompt: 'none', claims: JSON.stringify({ id_token: { acr: { essential: true, value: 'urn:unknown' } } }) };
      const agent = createAgent(stand.issuer);
      await app.code({}, agent);
      const page = await app.open(none, agent);
      expect(new URL(String(page.headers.get('location'))).searchParams.get('error')).to.be.a('string');
    });

    it('§8.1 gives another subject to each sector, the same one each time', async () => {
      const subject = async (party: RelyingParty) =>
        JSON.parse(Buffer.from((await party.signIn()).json.id_token.split('.')[1], 'base64url').toString()).sub;
      const pairwise = createRelyingParty(stand, 'pairwise');
      const [own, again, common] = [await subject(pairwise), await subject(pairwise), await subject(app)];
      expect(own).to.equal(again).and.not.equal(common);
    });

    it('form_post answers by a form to the client', async () => {
      const agent = createAgent(stand.issuer);
      const login = await app.open({ response_mode: 'form_post', state: '"><svg onload=alert(1)>' }, agent);
      const consent = await agent.submit(login, { ...stand.person });
      const page = consent.body.includes('name="decision"') ? await agent.submit(consent, { decision: 'allow' }) : consent;
      expect(page.body).to.include(`action="${callback}"`).and.include('name="code"');
      expect(page.body).to.not.include('<svg onload');
    });

    for (const [error, parameters] of Object.entries({
      login_required: { prompt: 'none' },
      invalid_target: { resource: 'https://unknown.example.test/' },
    })) {
      it(`Form Post Response Mode §2 tells ${error} by a form, as text, and nothing in the address`, async () => {
        const page = await app.open({ response_mode: 'form_post', state: '"><svg onload=alert(1)>', ...parameters });
        expect(page.headers.get('location')).to.equal(null);
        expect(page.body).to.include(`action="${callback}"`).and.include(`value="${error}"`);
        expect(page.body).to.not.include('name="code"').and.not.include('<svg onload');
      });
    }

    it('Form Post Response Mode §4 makes no form for an address that is not registered', async () => {
      const page = await app.open({ response_mode: 'form_post', redirect_uri: 'https://evil.example/callback' });
      expect([page.status, page.headers.get('location')]).to.deep.equal([400, null]);
      expect(page.body).to.not.include('action="https://evil.example');
    });

    it('Initiating User Registration 1.0 prompt=create leads to the sign-up page', async () => {
      expect((await app.open({ prompt: 'create' })).body)
        .to.match(/name="password"/)
        .and.match(/sign ?up/i);
    });

    for (const prompt of ['create none', 'none create', 'CREATE', 'create,login']) {
      it(`Initiating User Registration 1.0 §4 refuses prompt=${prompt}`, async () => {
        expect(await errorOf(app, { prompt })).to.equal('invalid_request');
      });
    }
  });

  describe('INTEROP what libraries do', () => {
    it('a failed client authentication does not spend the code', async () => {
      const posting = createRelyingParty(stand, 'posting');
      const code = await posting.code();
      expect((await posting.redeem(code)).status).to.equal(401);
      const { status } = await posting.redeem(code, { client_id: 'posting', client_secret: secret }, {});
      expect(status).to.equal(200);
    });

    it('assertions may name the issuer or the token endpoint, at every endpoint', async () => {
      const keyed = createRelyingParty(stand, 'keyed');
      for (const audience of [stand.issuer, `${stand.issuer}/token`]) {
        for (const path of ['/introspect', '/revoke']) {
          const fields = { token: 'x', ...assertionFields(await assertion(key, 'keyed', audience)) };
          expect((await keyed.post(path, fields, {})).status, `${audience} at ${path}`).to.equal(200);
        }
      }
    });

    it('unknown parameters are ignored', async () => {
      const code = await app.code({ access_type: 'offline', foo: 'bar' });
      expect((await app.redeem(code, { response_type: 'code', foo: 'bar' })).status).to.equal(200);
    });

    it('revocation answers {} as JSON, also for a token nobody knows', async () => {
      const { status, body, headers } = await app.post('/revoke', { token: 'unknown' });
      expect([status, body]).to.deep.equal([200, '{}']);
      expect(headers.get('content-type')).to.match(/^application\/json/);
    });

    it('RU-02 only the port of a literal loopback address varies, and only for native clients', async () => {
      const native = createRelyingParty(stand, 'native');
      expect((await native.open({ redirect_uri: 'http://127.0.0.1:49152/cb' })).status).to.equal(200);
      expect((await native.open({ redirect_uri: 'http://localhost:49152/cb' })).status).to.equal(400);
      expect((await native.open({ redirect_uri: 'http://127.0.0.1:80@evil.example/cb' })).status).to.equal(400);
    });

    it('RU-02 RFC 8252 §7.3, §8.10 no other path, address or scheme on loopback, and no port for a client on the web', async () => {
      const native = createRelyingParty(stand, 'native');
      for (const uri of ['http://127.0.0.1:49152/other', 'http://127.0.0.2:49152/cb', 'https://127.0.0.1:49152/cb']) {
        expect(await errorOf(native, { redirect_uri: uri }), uri).to.equal('page 400');
      }
      const web = createRelyingParty(stand, 'public');
      expect(await errorOf(web, { redirect_uri: 'https://spa.example.test:49152/callback' })).to.equal('page 400');
    });
  });

  describe('CL clients prove who they are', () => {
    const ask = (headers: Record<string, string>, fields: Record<string, string> = {}, clientId = 'app') =>
      createRelyingParty(stand, clientId).post('/introspect', { token: 'x', ...fields }, headers);

    for (const [what, header] of Object.entries({
      'bad base64': 'Basic %%%',
      'no colon': `Basic ${Buffer.from('app').toString('base64')}`,
      'a raw percent sign': `Basic ${Buffer.from('app:100%').toString('base64')}`,
      'a wrong secret': basic('app', 'wrong'),
    })) {
      it(`CL-02 refuses Basic with ${what}`, async () => {
        expect((await ask({ authorization: header })).status).to.be.oneOf([400, 401]);
      });
    }

    it('CL-02 refuses two methods at once, and a method that is not the registered one', async () => {
      expect((await ask({ authorization: basic('app') }, { client_id: 'app', client_secret: secret })).status).to.be.oneOf([
        400, 401,
      ]);
      expect((await ask({}, { client_id: 'app', client_secret: secret })).status).to.equal(401);
      expect((await ask({}, { client_id: 'keyed', client_secret: secret })).status).to.equal(401);
      expect((await ask({}, { client_id: 'keyed' })).status).to.be.oneOf([400, 401]);
    });

    for (const [what, over] of Object.entries<Record<string, unknown>>({
      'another server': { aud: 'https://other.example.test' },
      'no jti': { jti: undefined },
      'two hours to live': { exp: nowSeconds() + 7200 },
      'an end that has passed': { exp: nowSeconds() - 60 },
      'another subject': { sub: 'app' },
    })) {
      it(`CL-03 refuses an assertion with ${what}`, async () => {
        const value = await assertion(key, 'keyed', stand.issuer, over);
        expect((await ask({}, assertionFields(value), 'keyed')).json.error).to.equal('invalid_client');
      });
    }

    it('CL-03 takes an assertion once, and none by another key', async () => {
      const value = await assertion(key, 'keyed', stand.issuer);
      expect((await ask({}, assertionFields(value), 'keyed')).status).to.equal(200);
      expect((await ask({}, assertionFields(value), 'keyed')).status).to.equal(401);
      const foreign = await assertion({ ...stranger, kid: key.kid }, 'keyed', stand.issuer);
      expect((await ask({}, assertionFields(foreign), 'keyed')).status).to.equal(401);
    });

    it('CL-06 stops guessing after 20 wrong secrets of a client from an address, and the right one with it', async () => {
      const guess = (value: string) => ask({ authorization: basic('other', value) }, {}, 'other');
      for (let count = 0; count < 20; count += 1) expect((await guess(`wrong-${count}`)).status).to.equal(401);
      const refused = await guess('wrong');
      expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).to.deep.equal([429, true]);
      expect((await guess(secret)).status).to.equal(429);
      expect((await ask({ authorization: basic('app') })).status).to.equal(200);
    });
  });

  describe('RU-04 RFC 6749 §3.1 repeated parameters', () => {
    const twice = (name: string, other: string): URL => {
      const url = new URL(app.authorizationUrl({ state: 'state' }));
      url.searchParams.append(name, other);
      return url;
    };

    for (const [name, other] of Object.entries({
      client_id: 'other',
      redirect_uri: 'https://evil.example/callback',
      state: 'another',
      scope: 'openid email',
      code_challenge: '"><svg onload=alert(1)>',
    })) {
      it(`RU-04 answers two of ${name} with a page of ours, by GET and by POST`, async () => {
        const url = twice(name, other);
        const agent = createAgent(stand.issuer);
        const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
        const answers = [
          await agent.open(url.href),
          await agent.request(`${stand.issuer}/authorize`, { ...form, body: `${url.searchParams}` }),
        ];
        for (const page of answers) {
          expect([page.status, page.headers.get('location')]).to.deep.equal([400, null]);
          expect(page.headers.get('content-type')).to.match(/^text\/html/);
          expect(page.body).to.not.include('<svg onload');
        }
      });
    }

    it('RU-04 leaves parameters alone that are nobody’s, and resource, which may be repeated (RFC 8707 §2)', async () => {
      const url = twice('foo', 'one');
      url.searchParams.append('foo', 'two');
      url.searchParams.append('resource', orders);
      url.searchParams.append('resource', stock);
      expect((await createAgent(stand.issuer).open(url.href)).status).to.equal(200);
    });

    it('RU-04 an unknown client and markup in every parameter end on a page that runs nothing', async () => {
      const markup = '<svg onload=alert(1)>';
      const url = app.authorizationUrl({ client_id: markup, state: markup, scope: markup, redirect_uri: markup, nonce: markup });
      const page = await createAgent(stand.issuer).open(url);
      expect([page.status, page.headers.get('location')]).to.deep.equal([400, null]);
      expect(page.body).to.not.include('<svg onload');
      expect(page.headers.get('content-security-policy'))
        .to.match(/script-src/)
        .and.not.include("'unsafe-inline'");
    });
  });

  describe('RFC 6749 §4.4 CO-06 machines', () => {
    const machine = () => createRelyingParty(stand, 'machine');
    const ask = (fields: Record<string, string>, clientId = 'machine') =>
      createRelyingParty(stand, clientId).post('/token', { grant_type: 'client_credentials', ...fields });

    it('gives the registered scope for the only resource that has it', async () => {
      const { json } = await ask({ scope: 'orders:read' });
      const claims = JSON.parse(Buffer.from(json.access_token.split('.')[1], 'base64url').toString());
      expect(claims).to.include({ aud: orders, scope: 'orders:read', sub: 'machine' });
    });

    for (const [what, fields] of Object.entries({
      'a scope of the resource that is not registered': { scope: 'orders:write' },
      'the same with the resource named': { scope: 'orders:write', resource: orders },
      'a scope of another resource': { scope: 'stock:read', resource: orders },
      'a scope that nobody has': { scope: 'nobody:knows' },
    })) {
      it(`CO-06 §5.2 refuses ${what}`, async () => {
        const { status, json } = await ask(fields);
        expect([status, json.error]).to.deep.equal([400, 'invalid_scope']);
        expect(json).to.not.have.property('access_token');
      });
    }

    it('RFC 8707 §2 wants a resource named where the scopes belong to several', async () => {
      expect((await ask({ scope: 'orders:read stock:read' }, 'unlimited')).json.error).to.equal('invalid_target');
      expect((await machine().post('/token', { grant_type: 'client_credentials', scope: 'a"b' })).json.error).to.equal(
        'invalid_scope',
      );
    });
  });

  describe('CO and SE cases at the endpoints', () => {
    it('CO-02 wants S256 of everybody, and its verifier', async () => {
      expect(await errorOf(app, { code_challenge: undefined, code_challenge_method: undefined })).to.equal('invalid_request');
      expect(await errorOf(app, { code_challenge_method: 'plain' })).to.equal('invalid_request');
      expect(await errorOf(app, { code_challenge: 'x'.repeat(42) })).to.equal('invalid_request');
      for (const fields of [{ code_verifier: '' }, { code_verifier: 'w'.repeat(43) }]) {
        expect((await app.redeem(await app.code(), fields)).json.error).to.equal('invalid_grant');
      }
    });

    it('CO-03 knows no password grant, and gives a client only its own grants and response types', async () => {
      expect((await app.post('/token', { grant_type: 'password', username: 'a', password: 'b' })).json.error).to.equal(
        'unsupported_grant_type',
      );
      const publicly = await createRelyingParty(stand, 'public').post(
        '/token',
        { grant_type: 'client_credentials', client_id: 'public' },
        {},
      );
      expect(publicly.status).to.be.oneOf([400, 401]);
      expect(await errorOf(app, { response_type: 'token' })).to.match(/unsupported_response_type|unauthorized_client|page 400/);
      expect(await errorOf(app, { response_type: 'id_token', response_mode: 'query', nonce: 'n' })).to.match(
        /unsupported_response|invalid_request|unauthorized_client|page 400/,
      );
    });

    it('SE-08 CORS answers registered origins only', async () => {
      const origin = async (path: string, from: string, method = 'POST') => {
        const fields = new URLSearchParams({
          client_id: 'public',
          grant_type: 'authorization_code',
          code: 'x',
          code_verifier: verifier,
        });
        const init = method === 'POST' ? { method, body: fields } : { method };
        return (await send(`${stand.issuer}${path}`, { ...init, headers: { origin: from } })).headers.get(
          'access-control-allow-origin',
        );
      };
      expect(await origin('/token', 'https://spa.example.test')).to.equal('https://spa.example.test');
      for (const from of ['https://evil.example', 'null', 'https://spa.example.test.evil.example']) {
        expect(await origin('/token', from), from).to.equal(null);
        expect(await origin('/introspect', from), from).to.equal(null);
      }
      expect(await origin('/jwks', 'https://evil.example', 'GET')).to.equal('*');
      const preflight = await send(`${stand.issuer}/token`, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://spa.example.test',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'dpop',
        },
      });
      expect(preflight.status).to.be.oneOf([200, 204]);
      expect(preflight.headers.get('access-control-allow-credentials')).to.equal(null);
    });

    it('OP-11 refuses oversized and compressed request objects', async () => {
      const header = Buffer.from(JSON.stringify({ alg: 'RSA-OAEP', enc: 'A128GCM', zip: 'DEF' })).toString('base64url');
      expect(await errorOf(app, { request: `${header}.a.b.c.d` })).to.match(/invalid_request_object|invalid_request|page 400/);
      const large = await app.post('/par', { client_id: 'app', request: 'x'.repeat(1_000_000) });
      expect(large.status).to.be.oneOf([400, 413]);
    });

    it('CO-07 user codes are throttled after five wrong ones', async () => {
      const { knex } = stand.database;
      await knex('failure_counters').delete();
      const agent = createAgent(stand.issuer);
      const statuses: number[] = [];
      for (let count = 0; count < 7; count += 1) {
        const page = await agent.open(`${stand.issuer}/device`);
        if (page.status !== 200) break;
        statuses.push((await agent.submit(page, { user_code: `BBBB-BBB${'BCDFGHJ'[count]}` })).status);
      }
      expect(statuses.slice(0, 5).every((status) => status < 429)).to.equal(true);
      expect(statuses.at(-1)).to.equal(429);
    });
  });
});
