import { createHash } from 'node:crypto';
import tls from 'node:tls';
import { expect } from 'chai';
import { compactDecrypt, exportJWK, generateKeyPair, type JWK } from 'jose';
import { createCertificate } from '../../conformance/own/certificate.ts';
import { type Agent, createAgent, type Page, passPages, readForm } from '../support/agent.ts';
import {
  callback,
  createRelyingParty,
  makeKey,
  nowSeconds,
  type RelyingParty,
  secret,
  send,
  signJwt,
} from '../support/client.ts';
import { type Stand, startStand } from '../support/stand.ts';

const out = 'https://app.example.test/out';
const frames = 'https://framed.example.test/logout?tenant=1';

describe('P7 sessions, logout and protected answers over https', () => {
  let stand: Stand;
  let app: RelyingParty;
  let encryption: { privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey']; jwk: JWK };
  const agents: Agent[] = [];
  const browser = (): Agent => {
    const agent = createAgent(stand.issuer);
    agents.push(agent);
    return agent;
  };

  before(async () => {
    const certificate = createCertificate('sessions stand');
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificate.cert]);
    const pair = await generateKeyPair('RSA-OAEP-256', { extractable: true });
    const jwk = { ...(await exportJWK(pair.publicKey)), use: 'enc', alg: 'RSA-OAEP-256', kid: 'enc' };
    encryption = { privateKey: pair.privateKey, jwk };
    const confidential = {
      client_secret: secret,
      redirect_uris: [callback],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'client_secret_basic',
    };
    stand = await startStand({
      tls: certificate,
      env: { DYNAMIC_REGISTRATION: 'open' },
      bootstrap: {
        clients: [
          { ...confidential, client_id: 'app', post_logout_redirect_uris: [out] },
          { ...confidential, client_id: 'other', post_logout_redirect_uris: ['https://other.example.test/out'] },
          {
            ...confidential,
            client_id: 'framed',
            frontchannel_logout_uri: frames,
            frontchannel_logout_session_required: true,
            post_logout_redirect_uris: [out],
          },
          { ...confidential, client_id: 'watched', session_management: true },
          {
            ...confidential,
            client_id: 'sealed',
            jwks: { keys: [jwk] },
            id_token_encrypted_response_alg: 'RSA-OAEP-256',
            id_token_encrypted_response_enc: 'A256GCM',
            userinfo_signed_response_alg: 'RS256',
            userinfo_encrypted_response_alg: 'RSA-OAEP-256',
          },
        ],
      },
    });
    app = createRelyingParty(stand);
  });
  after(() => stand.close());

  const signedIn = async (party: RelyingParty, agent = browser(), parameters: Record<string, string> = {}) => {
    const answer = await party.authorize(parameters, agent);
    const { json: tokens } = await party.redeem(String(answer.get('code')));
    return { agent, answer, tokens };
  };
  it('P7 RP-Initiated Logout §3, §4 tells whom it has nothing to ask: a page of ours, or on to the client, and no session is made', async () => {
    const nobody = createAgent(stand.issuer);
    const page = await nobody.open(logoutUrl({ state: 's' }));
    expect([page.status, page.headers.get('location')]).to.deep.equal([200, null]);
    expect(page.body)
      .to.match(/<h1>You are signed out<\/h1>/)
      .and.not.match(/<script>|<form/);
    const sent = await nobody.open(logoutUrl({ client_id: 'app', post_logout_redirect_uri: out, state: 'a b' }));
    expect([sent.status, sent.headers.get('location')]).to.deep.equal([303, `${out}?state=a+b`]);
    const plain = await nobody.open(logoutUrl({ client_id: 'app', post_logout_redirect_uri: out }));
    expect(plain.headers.get('location')).to.equal(out);
    expect((await nobody.open(logoutUrl({ client_id: 'app', post_logout_redirect_uri: `${out}x` }))).status).to.equal(400);
    for (const { headers } of [page, sent, plain]) expect(`${headers.getSetCookie()}`).to.not.include('castellan_session');
  });

  const logoutUrl = (parameters: Record<string, string>): string => `${stand.issuer}/logout?${new URLSearchParams(parameters)}`;

  describe('RU-06 OpenID Connect RP-Initiated Logout 1.0', () => {
    let agent: Agent;
    let hint: string;
    before(async () => {
      const signIn = await signedIn(app);
      agent = signIn.agent;
      hint = signIn.tokens.id_token;
    });
    const refused = (page: Page): void => {
      expect([page.status, page.headers.get('location')]).to.deep.equal([400, null]);
      expect(page.headers.get('content-type')).to.match(/^text\/html/);
    };

    for (const [what, parameters] of Object.entries<() => Record<string, string>>({
      'an address that is not registered': () => ({ client_id: 'app', post_logout_redirect_uri: 'https://evil.example/out' }),
      'an address with something added': () => ({ client_id: 'app', post_logout_redirect_uri: `${out}/` }),
      'an address of another client': () => ({
        client_id: 'app',
        post_logout_redirect_uri: 'https://other.example.test/out',
      }),
      'a hint of another client': () => ({ client_id: 'other', id_token_hint: hint, post_logout_redirect_uri: out }),
      'an address and no client at all': () => ({ post_logout_redirect_uri: out }),
      'an unknown client': () => ({ client_id: 'nobody', post_logout_redirect_uri: out }),
    })) {
      it(`RU-06 §3 shows a page for ${what}`, async () => refused(await agent.open(logoutUrl(parameters()))));
    }

    it('TK-01 RFC 8725 §3.1 refuses hints with no algorithm, no signature, or our public key as a secret', async () => {
      const [header = '', payload = ''] = hint.split('.');
      const none = Buffer.from('{"alg":"none"}').toString('base64url');
      const { json: jwks } = await send(`${stand.issuer}/jwks`);
      const publicKey = new TextEncoder().encode(JSON.stringify(jwks.keys[0]));
      const { SignJWT } = await import('jose');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
      const keyed = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: jwks.keys[0].kid }).sign(publicKey);
      for (const forged of [`${none}.${payload}.`, `${header}.${payload}.`, keyed]) {
        refused(await agent.open(logoutUrl({ id_token_hint: forged, post_logout_redirect_uri: out })));
        const headers = { authorization: `Bearer ${forged}` };
        for (const path of ['/userinfo', '/api/v1/auth/me']) {
          expect((await send(`${stand.issuer}${path}`, { headers })).status, path).to.equal(401);
        }
        expect((await app.post('/introspect', { token: forged })).json).to.deep.equal({ active: false });
      }
    });

    it('TK-01 refuses an access token whose header was changed, at userinfo, introspection and our API', async () => {
      const key = await makeKey('ES256', 'own');
      const forged = await signJwt(
        key,
        {
          iss: stand.issuer,
          aud: stand.issuer,
          sub: 'x',
          client_id: 'app',
          scope: 'api openid',
          jti: 'j',
          iat: nowSeconds(),
          exp: nowSeconds() + 60,
        },
        { typ: 'at+jwt', jwk: key.publicJwk },
      );
      const headers = { authorization: `Bearer ${forged}` };
      for (const path of ['/userinfo', '/api/v1/auth/me'])
        expect((await send(`${stand.issuer}${path}`, { headers })).status, path).to.equal(401);
      expect((await app.post('/introspect', { token: forged })).json).to.deep.equal({ active: false });
    });

    it('§2 asks first where nothing is given, keeps the session on no, and leads back with state on yes', async () => {
      const question = await agent.open(logoutUrl({}));
      expect(question.status).to.equal(200);
      expect(question.body).to.match(/name="logout"/);
      const url = logoutUrl({ id_token_hint: hint, post_logout_redirect_uri: out, state: 's'.repeat(128) });
      const page = await agent.submit(await agent.open(url), { logout: 'yes' });
      expect(page.headers.get('location')).to.equal(`${out}?state=${'s'.repeat(128)}`);
      const silent = await app.open({ prompt: 'none' }, agent);
      expect(silent.headers.get('location')).to.include('error=login_required');
    });
  });

  describe('OpenID Connect Front-Channel Logout 1.0', () => {
    it('§2, §3 loads the client’s page with issuer and session, the same as in its ID token, then leads on', async () => {
      const framed = createRelyingParty(stand, 'framed');
      const { agent, tokens } = await signedIn(framed);
      await app.code({}, agent);
      const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url').toString());
      expect(claims.sid).to.be.a('string');
      const url = logoutUrl({ id_token_hint: tokens.id_token, post_logout_redirect_uri: out });
      const page = await agent.submit(await agent.open(url), { logout: 'yes' });
      expect(page.status).to.equal(200);
      const expected = new URL(frames);
      expected.searchParams.set('iss', stand.issuer);
      expected.searchParams.set('sid', claims.sid);
      expect(page.body.replaceAll('&amp;', '&')).to.include(`src="${expected.href}"`);
      expect(page.body.match(/<iframe/g), 'only clients that registered one').to.have.length(1);
      expect(page.headers.get('content-security-policy')).to.match(/frame-src https:\/\/framed\.example\.test(;|$)/);
      expect(page.body).to.include(out);
    });

    it('§2 loads nothing where the person stays signed in', async () => {
      const framed = createRelyingParty(stand, 'framed');
      const { agent, tokens } = await signedIn(framed);
      const url = logoutUrl({ id_token_hint: tokens.id_token, post_logout_redirect_uri: out });
      const page = await agent.submit(await agent.open(url), { logout: '' });
      expect(page.body).to.not.include('<iframe');
    });

    for (const uri of ['http://app.example.test/out', 'javascript:alert(1)', 'https://app.example.test/out#x', 'not a url']) {
      it(`§2 RU-03 refuses to register ${uri}`, async () => {
        const { status, json } = await register({ frontchannel_logout_uri: uri });
        expect([status, json.error]).to.deep.equal([400, 'invalid_client_metadata']);
      });
    }
  });

  const register = (metadata: object) =>
    send(`${stand.issuer}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [callback], ...metadata }),
    });

  describe('OpenID Connect Session Management 1.0', () => {
    const watched = () => createRelyingParty(stand, 'watched');
    const stateCookie = (agent: Agent): string | undefined =>
      [...agent.cookies].find(([name]) => name.startsWith('__Host-browser_state'))?.[1].value;

    it('§3 the answer’s session_state is the digest of client, origin, browser state and salt', async () => {
      const { agent, answer } = await signedIn(watched());
      const [digest, salt] = String(answer.get('session_state')).split('.');
      const origin = new URL(callback).origin;
      const expected = createHash('sha256')
        .update(`watched ${origin} ${stateCookie(agent)} ${salt}`)
        .digest('hex');
      expect(digest).to.equal(expected);
    });

    it('§3.2 serves a frame that may be framed and runs its own script only; other pages may not be framed', async () => {
      const frame = await send(`${stand.issuer}/session/check`);
      expect(frame.status).to.equal(200);
      expect(frame.headers.get('x-frame-options')).to.equal(null);
      expect(frame.headers.get('content-security-policy'))
        .to.match(/script-src 'sha256-/)
        .and.not.match(/frame-ancestors 'none'/);
      const login = await app.open({}, browser());
      expect(login.headers.get('content-security-policy')).to.match(/frame-ancestors 'none'/);
    });

    it('§3 says nothing to a client that takes no part', async () => {
      expect((await signedIn(app)).answer.get('session_state')).to.equal(null);
    });

    it('§3 a refusal carries no session_state, and log-out takes the browser state away', async () => {
      const { agent, tokens } = await signedIn(watched());
      expect(stateCookie(agent)).to.be.a('string');
      const refusal = await watched().open({ prompt: 'none', scope: 'openid email' }, browser());
      expect(refusal.headers.get('location'))
        .to.match(/error=/)
        .and.not.match(/session_state/);
      await agent.submit(await agent.open(logoutUrl({ id_token_hint: tokens.id_token })), { logout: 'yes' });
      expect(stateCookie(agent)).to.equal(undefined);
      const after = await watched().open({ prompt: 'none' }, agent);
      expect(after.headers.get('location'))
        .to.match(/error=login_required/)
        .and.not.match(/session_state/);
    });

    it('§3 a request that is wrong, or for an address that is not registered, learns nothing of the browser', async () => {
      const { agent } = await signedIn(watched());
      const wrong = await watched().open({ prompt: 'none login' }, agent);
      expect(wrong.headers.get('location'))
        .to.match(/error=invalid_request/)
        .and.not.match(/session_state/);
      const elsewhere = await watched().open({ redirect_uri: 'https://evil.example/callback' }, agent);
      expect([elsewhere.status, elsewhere.headers.get('location')]).to.deep.equal([400, null]);
      expect(elsewhere.body).to.not.include('session_state');
    });
  });

  describe('SE cookies and interactions', () => {
    it('SE-03 every cookie is __Host- or __Secure-, Secure, HttpOnly, Lax, host-only and small; one that holds no secret is not', async () => {
      const seen: string[] = [];
      const original = globalThis.fetch;
      globalThis.fetch = async (...given: Parameters<typeof fetch>) => {
        const response = await original(...given);
        seen.push(...response.headers.getSetCookie());
        return response;
      };
      try {
        await signedIn(createRelyingParty(stand, 'watched'));
      } finally {
        globalThis.fetch = original;
      }
      expect(seen.length).to.be.greaterThan(3);
      for (const line of seen) {
        const name = line.slice(0, line.indexOf('='));
        expect(line, name)
          .to.match(/; secure/i)
          .and.not.match(/; domain=/i);
        expect(Buffer.byteLength(line), name).to.be.lessThan(4096);
        const isState = name === '__Host-browser_state';
        if (isState) expect(line).to.match(/; samesite=none/i);
        else
          expect(line, name)
            .to.match(/; httponly/i)
            .and.match(/; samesite=(lax|strict)/i);
        if (name.startsWith('__Host-')) expect(line, name).to.match(/; path=\/(;|$)/i);
        else expect(name).to.match(/^__Secure-/);
      }
    });

    it('CO-08 what was agreed to is what was shown: more asks again, an address or an edited form agrees to nothing', async () => {
      const agent = browser();
      await app.code({ scope: 'openid' }, agent);
      const silent = async (parameters: Record<string, string>) =>
        new URL(String((await app.open({ prompt: 'none', ...parameters }, agent)).headers.get('location'))).searchParams;
      expect((await silent({ scope: 'openid' })).get('code')).to.be.a('string');
      expect((await silent({ scope: 'openid phone' })).get('error')).to.equal('consent_required');
      expect((await silent({ claims: JSON.stringify({ userinfo: { address: null } }) })).get('error')).to.equal(
        'consent_required',
      );
      const question = await app.open({ scope: 'openid phone' }, agent);
      expect(question.body).to.match(/name="decision"/);
      const address = await agent.open(`${question.url}${question.url.includes('?') ? '&' : '?'}decision=allow`);
      expect(address.body).to.match(/name="decision"/);
      const { action } = readForm(question);
      const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', origin: stand.issuer } };
      expect((await agent.request(action, { ...form, body: 'decision=allow' })).status, 'no form token').to.equal(403);
      const stranger = await browser().request(action, { ...form, body: 'decision=allow' });
      expect(stranger.status, 'no interaction cookie').to.be.oneOf([400, 403]);
      const answer = await agent.submit(question, { decision: 'allow', scope: 'openid phone email profile address' });
      const code = new URL(String(answer.headers.get('location'))).searchParams.get('code');
      expect((await app.redeem(String(code))).json.scope).to.equal('openid phone');
    });

    it('SE-02 the links of a sign-in are worth nothing in another browser, in either direction', async () => {
      const [attacker, victim] = [browser(), browser()];
      const login = await app.open({}, attacker);
      const uid = String(/\/interaction\/([^/?]+)/.exec(login.url)?.[1]);
      const lured = await victim.open(login.url);
      expect(lured.status).to.equal(400);
      expect(lured.body).to.not.match(/name="password"/);
      expect((await victim.open(`${stand.issuer}/authorize/${uid}`)).headers.get('location')).to.equal(null);
      const own = await app.open({}, victim);
      const back = await passPages(victim, own, stand.person);
      expect(back).to.include('code=');
      const resumed = await attacker.open(`${stand.issuer}/authorize/${uid}`);
      expect(resumed.headers.get('location') ?? '').to.not.include('code=');
      const silent = await app.open({ prompt: 'none' }, attacker);
      expect(silent.headers.get('location')).to.include('error=login_required');
    });
  });

  describe('OpenID Connect Core §4 third-party initiated login', () => {
    it('§4 keeps the address where a sign-in begins', async () => {
      const { status, json } = await register({ initiate_login_uri: 'https://app.example.test/begin' });
      expect([status, json.initiate_login_uri]).to.deep.equal([201, 'https://app.example.test/begin']);
    });

    for (const uri of ['http://app.example.test/begin', 'data:text/html,x', '/begin']) {
      it(`§4 refuses ${uri}`, async () => {
        const { status, json } = await register({ initiate_login_uri: uri });
        expect([status, json.error]).to.deep.equal([400, 'invalid_client_metadata']);
      });
    }
  });

  describe('OpenID Connect Core §10.2 RFC 7516 encrypted answers', () => {
    it('§10.2 gives ID token and userinfo encrypted to the client’s key, signed inside', async () => {
      const { tokens } = await signedIn(createRelyingParty(stand, 'sealed'));
      expect(tokens.id_token.split('.')).to.have.length(5);
      const opened = await compactDecrypt(tokens.id_token, encryption.privateKey);
      expect(opened.protectedHeader).to.include({ alg: 'RSA-OAEP-256', enc: 'A256GCM' });
      const inner = new TextDecoder().decode(opened.plaintext);
      expect(JSON.parse(Buffer.from(String(inner.split('.')[1]), 'base64url').toString())).to.include({ aud: 'sealed' });
      const headers = { authorization: `Bearer ${tokens.access_token}` };
      const userinfo = await send(`${stand.issuer}/userinfo`, { headers });
      expect(userinfo.headers.get('content-type')).to.match(/^application\/jwt/);
      expect(userinfo.body.split('.')).to.have.length(5);
      await compactDecrypt(userinfo.body, encryption.privateKey);
    });

    for (const [what, metadata] of Object.entries<object>({
      RSA1_5: { id_token_encrypted_response_alg: 'RSA1_5' },
      'an unknown content encryption': { id_token_encrypted_response_alg: 'RSA-OAEP-256', id_token_encrypted_response_enc: 'A1' },
      'an enc without an alg': { userinfo_encrypted_response_enc: 'A256GCM' },
      'no signature at all': { id_token_signed_response_alg: 'none' },
    })) {
      it(`§10.2 RFC 8725 §3.2 refuses to register ${what}`, async () => {
        const { status, json } = await register({ jwks: { keys: [encryption.jwk] }, ...metadata });
        expect([status, json.error]).to.deep.equal([400, 'invalid_client_metadata']);
      });
    }
  });
});
