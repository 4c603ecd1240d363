import { request as httpRequest } from 'node:http';
import { expect } from 'chai';
import { codeAt, stepAt } from '../../src/authn/totp/arithmetic.ts';
import { type Agent, createAgent } from '../support/agent.ts';
import { type Api, createApi } from '../support/api.ts';
import { createAuthenticator } from '../support/authenticator.ts';
import { launchChromium } from '../support/chromium.ts';
import { createTestClock } from '../support/clock.ts';
import { type Stand, startStand } from '../support/stand.ts';

const names = ['ann', 'bob', 'cleo', 'dora', 'emil'];
const passwordOf = (name: string): string => `the-passphrase-of-${name}`;
const users = names.map((name) => ({ email: `${name}@example.test`, password: passwordOf(name) }));

interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, which the tests look into
  json: any;
}

describe('A1 JSON sign-in in cookie mode', function cookieMode() {
  this.timeout(120_000);
  const clock = createTestClock();
  let stand: Stand;
  let call: Api;

  before(async () => {
    stand = await startStand({ clock, bootstrap: { users } });
    call = createApi(() => stand.issuer);
  });
  after(() => stand?.close());

  /** As script of our own page asks; `undefined` leaves a header out. */
  const from =
    (agent: Agent) =>
    async (method: string, path: string, body?: unknown, headers: Record<string, string | undefined> = {}): Promise<Answer> => {
      const all = { 'content-type': 'application/json', origin: stand.issuer, accept: 'application/json', ...headers };
      const sent = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
      const init = { method, headers: sent, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const page = await agent.request(`${stand.issuer}/api/v1${path}`, init);
      return { ...page, json: page.body === '' ? undefined : JSON.parse(page.body) };
    };
  const login = (name: string) => ({ email: `${name}@example.test`, password: passwordOf(name), mode: 'cookie' });
  /** A browser that is signed in, and its token. */
  const signIn = async (name: string) => {
    const agent = createAgent(stand.issuer);
    const ask = from(agent);
    const { status, json, headers } = await ask('POST', '/auth/login', login(name));
    expect(status).to.equal(200);
    return { agent, ask, json, headers, csrf: { 'x-csrf-token': json.csrfToken as string } };
  };
  const held = (agent: Agent, name: string): string => agent.cookies.get(`${name};/`)?.value ?? '';

  it('SE-03 sets the tokens as HTTP-only cookies of this host, and answers none', async () => {
    const { json, headers, agent } = await signIn('ann');
    expect(json).to.have.all.keys('csrfToken', 'expiresIn', 'user');
    expect(json.expiresIn).to.equal(900);
    const lines = headers.getSetCookie();
    expect(lines.map((line) => line.slice(0, line.indexOf('=')))).to.deep.equal([
      'castellan_access',
      'castellan_refresh',
      'castellan_device',
    ]);
    for (const line of lines) {
      // The pages have the browser's own token too, and people come to them by links.
      const sameSite = line.startsWith('castellan_device') ? 'lax' : 'strict';
      expect(line)
        .to.match(new RegExp(`; path=/;.*; samesite=${sameSite}; httponly$`, 'i'))
        .and.not.match(/domain=/i);
      expect(line.length).to.be.lessThan(4096);
    }
    expect(JSON.stringify(json)).to.not.contain(held(agent, 'castellan_refresh'));
  });

  it('reads by the cookie alone, and changes with the token', async () => {
    const { ask, csrf } = await signIn('ann');
    const me = await ask('GET', '/auth/me', undefined, { origin: undefined });
    expect(me.json.user.email).to.equal('ann@example.test');
    expect((await ask('POST', '/mfa/totp/enable', {}, csrf)).status).to.equal(200);
    expect((await ask('GET', '/auth/csrf-token')).json).to.deep.equal({ csrfToken: csrf['x-csrf-token'] });
    expect((await ask('PUT', '/mfa/policies', { scope: 'site', target: '', requirement: 'off' }, csrf)).json.type).to.match(
      /permission_required$/,
    );
  });

  it('MF-05 another site adds no passkey by the cookies', async () => {
    const { ask, csrf } = await signIn('ann');
    const challenge = (await ask('POST', '/mfa/webauthn/options', undefined, csrf)).json;
    const body = { response: createAuthenticator(stand.issuer).register(challenge) };
    for (const headers of [{}, { ...csrf, origin: 'https://evil.example' }, { ...csrf, 'sec-fetch-site': 'cross-site' }]) {
      expect((await ask('POST', '/mfa/webauthn/options', undefined, headers)).status).to.equal(403);
      expect((await ask('POST', '/mfa/webauthn', body, headers)).status).to.equal(403);
    }
    expect((await ask('GET', '/mfa/devices')).json.items).to.deep.equal([]);
  });

  it('SE-04 refuses an unsafe request without the token, with another session’s, and from elsewhere', async () => {
    const { ask, csrf } = await signIn('ann');
    const other = await signIn('bob');
    const same = await signIn('ann');
    const attempts: [string, Record<string, string | undefined>][] = [
      ['no token', {}],
      ['an empty token', { 'x-csrf-token': '' }],
      ['another person’s token', other.csrf],
      ['a token of another session of mine', same.csrf],
      ['a foreign origin', { ...csrf, origin: 'https://evil.example' }],
      ['a neighbor of our origin', { ...csrf, origin: `${stand.issuer}.evil.example` }],
      ['no nameable origin', { ...csrf, origin: 'null' }],
      ['the browser’s word', { ...csrf, origin: undefined, 'sec-fetch-site': 'cross-site' }],
    ];
    for (const [what, headers] of attempts) {
      const answer = await ask('POST', '/mfa/totp/enable', {}, headers);
      expect(answer.status, what).to.equal(403);
      expect(answer.json.type, what).to.match(/csrf_refused$/);
      expect(answer.headers.get('content-type')).to.match(/^application\/problem\+json/);
    }
    const asText = await ask('POST', '/mfa/totp/enable', {}, { 'content-type': 'text/plain', origin: 'https://evil.example' });
    expect(asText.status, 'a simple form of another site').to.equal(403);
    const out = await ask('POST', '/auth/logout', {});
    expect(out.status, 'nobody is signed out by another page').to.equal(403);
    expect((await ask('POST', '/auth/refresh', {}, { origin: 'https://evil.example', ...csrf })).status).to.equal(403);
    expect((await ask('GET', '/auth/me')).status, 'nothing has happened').to.equal(200);
    expect((await ask('GET', '/mfa/devices')).json.items).to.deep.equal([]);
  });

  it('SE-04 signs nobody in for another site’s page (login CSRF), nor by a form', async () => {
    const agent = createAgent(stand.issuer);
    const ask = from(agent);
    for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }]) {
      expect((await ask('POST', '/auth/login', login('bob'), headers)).status).to.equal(403);
    }
    expect((await ask('POST', '/auth/login', login('bob'), { 'content-type': 'text/plain' })).status).to.equal(415);
    expect([...agent.cookies.keys()]).to.deep.equal([]);
  });

  it('SE-08 lets no other origin read with the cookies', async () => {
    const { ask } = await signIn('ann');
    for (const origin of ['https://evil.example', 'null', 'https://app.example.test']) {
      const { headers } = await ask('GET', '/auth/me', undefined, { origin });
      expect(headers.get('access-control-allow-credentials'), origin).to.equal(null);
      expect(headers.get('access-control-allow-origin'), origin).to.equal(null);
    }
  });

  it('SE-03 takes an altered or doubled cookie for none', async () => {
    const { agent } = await signIn('ann');
    const access = held(agent, 'castellan_access');
    const me = (cookie: string) => call('GET', '/auth/me', undefined, undefined, { cookie });
    expect((await me(`castellan_access=${access}`)).status).to.equal(200);
    expect((await me(`castellan_access=${access.slice(0, -4)}AAAA`)).status).to.equal(401);
    expect((await me(`castellan_access=${access}; castellan_access=${access}`)).status).to.equal(401);
  });

  it('a bearer token counts before the cookie, and needs no other', async () => {
    const { agent } = await signIn('ann');
    const { json } = await call('POST', '/auth/login', { ...login('bob'), mode: 'bearer' });
    const asBob = await from(agent)('GET', '/auth/me', undefined, { authorization: `Bearer ${json.accessToken}` });
    expect(asBob.json.user.email).to.equal('bob@example.test');
    expect((await from(agent)('GET', '/auth/me', undefined, { authorization: 'Bearer nonsense' })).status).to.equal(401);
  });

  it('TK-04 refreshes by cookie, rotates, and ends the family on reuse', async () => {
    const { agent, ask, csrf } = await signIn('ann');
    const spent = held(agent, 'castellan_refresh');
    clock.advance(901);
    expect((await ask('GET', '/auth/me')).status).to.equal(401);
    expect((await ask('POST', '/auth/refresh', {})).status).to.equal(403);
    const next = await ask('POST', '/auth/refresh', {}, csrf);
    expect(next.status).to.equal(200);
    expect(next.json).to.deep.include({ expiresIn: 900, csrfToken: csrf['x-csrf-token'] });
    expect(next.json).to.have.all.keys('csrfToken', 'expiresIn', 'user');
    expect((await ask('GET', '/auth/me')).status).to.equal(200);
    const thief = await call('POST', '/auth/refresh', {}, undefined, {
      cookie: `castellan_refresh=${spent}`,
      origin: stand.issuer,
      ...csrf,
    });
    expect(thief.status).to.equal(401);
    expect((await ask('GET', '/auth/me')).status).to.equal(401);
  });

  it('wants a refresh token from whoever has neither body nor cookie', async () => {
    const { status, json } = await call('POST', '/auth/refresh', {});
    expect([status, json.errors[0].path]).to.deep.equal([400, '/refreshToken']);
  });

  it('SE-05 logs out, on the server and in the browser; also when only one cookie is left', async () => {
    for (const gone of [undefined, 'castellan_refresh;/', 'castellan_access;/']) {
      const { agent, ask, csrf } = await signIn('ann');
      const kept = [...agent.cookies].map(([key, { value }]) => `${key.slice(0, -2)}=${value}`).join('; ');
      if (gone !== undefined) agent.cookies.delete(gone);
      const out = await ask('POST', '/auth/logout', {}, csrf);
      expect(out.status, gone).to.equal(204);
      expect([...agent.cookies.keys()], 'the device stays known').to.deep.equal(['castellan_device;/']);
      const replay = (method: string, path: string) =>
        call(method, path, method === 'GET' ? undefined : {}, undefined, { cookie: kept, origin: stand.issuer, ...csrf });
      expect((await replay('GET', '/auth/me')).status).to.equal(401);
      expect((await replay('POST', '/auth/refresh')).status).to.equal(401);
    }
  });

  it('changes the password by cookie; the session that asks stays', async () => {
    const { ask, csrf } = await signIn('cleo');
    const there = await signIn('cleo');
    const wish = { currentPassword: passwordOf('cleo'), newPassword: 'another long passphrase' };
    expect((await ask('POST', '/auth/change-password', wish)).status).to.equal(403);
    expect((await ask('POST', '/auth/change-password', wish, csrf)).status).to.equal(204);
    expect((await ask('GET', '/auth/me')).status).to.equal(200);
    expect((await there.ask('GET', '/auth/me')).status).to.equal(401);
  });

  it('MF-04 sets no cookie before the second factor, and the mode goes on with it', async () => {
    const { ask, csrf } = await signIn('bob');
    const { json: key } = await ask('POST', '/mfa/totp/enable', {}, csrf);
    const code = (): string => {
      clock.advance(60);
      return codeAt(key.secret, stepAt(clock.now()));
    };
    expect((await ask('POST', '/mfa/totp/verify', { deviceId: key.deviceId, code: code() }, csrf)).status).to.equal(200);

    const agent = createAgent(stand.issuer);
    const browser = from(agent);
    const { json } = await browser('POST', '/auth/login', login('bob'));
    expect(json).to.have.all.keys('mfaRequired', 'mfaToken', 'methods');
    expect([...agent.cookies.keys()]).to.deep.equal([]);
    const { mfaToken } = json;
    const finish = (headers = {}) => browser('POST', '/mfa/totp/validate', { mfaToken, code: code() }, headers);
    expect((await finish({ origin: 'https://evil.example' })).status).to.equal(403);
    expect((await browser('POST', '/mfa/totp/validate', { mfaToken, code: '000000' })).status).to.equal(401);
    const done = await finish();
    expect(done.json).to.have.all.keys('csrfToken', 'expiresIn', 'user');
    expect((await browser('GET', '/auth/me')).json.user.email).to.equal('bob@example.test');
    expect((await finish()).status, 'once').to.equal(401);
  });

  describe('PW-11 A8 devices of JSON sign-ins', () => {
    const guessed = async (name: string, tries = 6) => {
      const wrong = { email: `${name}@example.test`, password: 'not the right one' };
      for (let guess = 0; guess < tries; guess += 1) await call('POST', '/auth/login', wrong);
    };
    const bearer = (name: string, deviceToken?: string | null) =>
      call('POST', '/auth/login', { email: `${name}@example.test`, password: passwordOf(name), deviceToken });
    /** A factor, by its codes. */
    const enrol = async (name: string) => {
      const { accessToken } = (await bearer(name)).json;
      const { json: key } = await call('POST', '/mfa/totp/enable', {}, accessToken);
      const code = (): string => {
        clock.advance(60);
        return codeAt(key.secret, stepAt(clock.now()));
      };
      expect((await call('POST', '/mfa/totp/verify', { deviceId: key.deviceId, code: code() }, accessToken)).status).to.equal(
        200,
      );
      return code;
    };

    it('PW-11 the browser of a sign-in by cookies is not stopped by strangers, and stands for its own five tries', async () => {
      const { agent, ask } = await signIn('dora');
      await guessed('dora');
      const stranger = from(createAgent(stand.issuer));
      expect((await stranger('POST', '/auth/login', login('dora'))).status).to.equal(429);
      expect((await ask('POST', '/auth/login', login('dora'))).status).to.equal(200);
      const thief = createAgent(stand.issuer);
      thief.cookies.set('castellan_device;/', { ...agent.cookies.get('castellan_device;/') } as never);
      const statuses: number[] = [];
      for (let guess = 0; guess < 6; guess += 1)
        statuses.push((await from(thief)('POST', '/auth/login', { ...login('dora'), password: 'not the right one' })).status);
      expect(statuses).to.deep.equal([401, 401, 401, 401, 401, 429]);
    });

    it('PW-11 a program that asks for one gets a token that does the same; nobody else’s, and none after a new password', async () => {
      clock.advance(16 * 60);
      expect((await bearer('dora')).json, 'unless it asks').to.not.have.property('deviceToken');
      const { deviceToken } = (await bearer('dora', null)).json;
      expect(deviceToken).to.match(/^[\w-]{43}$/);
      await guessed('dora');
      expect((await bearer('dora')).status).to.equal(429);
      expect((await bearer('dora', null)).status).to.equal(429);
      const forged = `${deviceToken.startsWith('A') ? 'B' : 'A'}${deviceToken.slice(1)}`;
      expect((await bearer('dora', forged)).status, 'forged').to.equal(429);
      const others = (await bearer('emil', null)).json.deviceToken;
      expect((await bearer('dora', others)).status, 'of somebody else').to.equal(429);
      const again = await bearer('dora', deviceToken);
      expect([again.status, again.json.deviceToken]).to.deep.equal([200, deviceToken]);
      expect(JSON.stringify(await stand.database.knex('known_devices').select())).to.not.contain(deviceToken);

      const body = { ...login('dora'), deviceToken };
      const refused = await from(createAgent(stand.issuer))('POST', '/auth/login', body);
      expect([refused.status, refused.json.errors?.[0].path], 'a cookie’s place is a cookie').to.deep.equal([
        400,
        '/deviceToken',
      ]);
      const change = { currentPassword: passwordOf('dora'), newPassword: 'another long passphrase' };
      expect((await call('POST', '/auth/change-password', change, again.json.accessToken)).status, 'PW-04 stopped here').to.equal(
        429,
      );
      clock.advance(16 * 60);
      const late = (await bearer('dora', deviceToken)).json;
      expect((await call('POST', '/auth/change-password', change, late.accessToken)).status).to.equal(204);
      await guessed('dora');
      const afterwards = { email: 'dora@example.test', password: change.newPassword, deviceToken };
      expect((await call('POST', '/auth/login', afterwards)).status, 'known no more').to.equal(429);
    });

    it('A8 a remembered device is not asked again, by cookie and by token, until a factor changes', async () => {
      const code = await enrol('emil');
      const first = (await bearer('emil', null)).json;
      expect(first).to.include({ mfaRequired: true });
      const wish = { mfaToken: first.mfaToken, code: code(), deviceToken: null, rememberDevice: true };
      const { deviceToken } = (await call('POST', '/mfa/totp/validate', wish)).json;
      expect(deviceToken).to.match(/^[\w-]{43}~[\w-]{43}$/);
      const spared = (await bearer('emil', deviceToken)).json;
      const claims = JSON.parse(Buffer.from(spared.accessToken.split('.')[1], 'base64url').toString());
      expect(claims.amr).to.deep.equal(['pwd', 'urn:castellan:amr:remembered']);
      expect(claims.acr, 'it raises nothing').to.equal('urn:castellan:acr:password');
      expect((await bearer('emil', deviceToken.split('~')[0])).json, 'known is not trusted').to.include({ mfaRequired: true });
      expect((await bearer('emil')).json).to.include({ mfaRequired: true });

      const agent = createAgent(stand.issuer);
      const ask = from(agent);
      const { mfaToken } = (await ask('POST', '/auth/login', login('emil'))).json;
      expect((await ask('POST', '/mfa/totp/validate', { mfaToken, code: code(), rememberDevice: true })).status).to.equal(200);
      expect(agent.cookies.has('castellan_trusted;/')).to.equal(true);
      expect((await ask('POST', '/auth/login', login('emil'))).json).to.have.property('csrfToken');

      clock.advance(31 * 86_400);
      expect((await bearer('emil', deviceToken)).json, 'after 30 days').to.include({ mfaRequired: true });
    });
  });

  it('in Chromium: script of our own page signs in, cannot read the tokens, and another site changes nothing', async () => {
    const browser = await launchChromium();
    try {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`${stand.issuer}/`);
      const seen = await page.evaluate<Record<string, unknown>>(`(async () => {
        const ask = (method, path, body, headers = {}) =>
          fetch('/api/v1' + path, {
            method,
            headers: { 'content-type': 'application/json', ...headers },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          });
        const { csrfToken } = await (await ask('POST', '/auth/login', ${JSON.stringify(login('ann'))})).json();
        return {
          cookies: document.cookie,
          me: (await ask('GET', '/auth/me')).status,
          without: (await ask('POST', '/mfa/totp/enable', {})).status,
          with: (await ask('POST', '/mfa/totp/enable', {}, { 'x-csrf-token': csrfToken })).status,
        };
      })()`);
      expect(seen.cookies).to.not.match(/castellan_(access|refresh)/);
      expect(seen).to.include({ me: 200, without: 403, with: 200 });
      const elsewhere = await context.newPage();
      await elsewhere.route('https://evil.example/', (route) =>
        route.fulfill({
          contentType: 'text/html',
          body: `<form method=post enctype=text/plain action="${stand.issuer}/api/v1/auth/logout"><input name='{"everywhere":true,"x":"' value='"}'></form>`,
        }),
      );
      await elsewhere.goto('https://evil.example/');
      const [answer] = await Promise.all([
        elsewhere.waitForResponse((response) => response.url().endsWith('/auth/logout')),
        elsewhere.evaluate('document.forms[0].submit()'),
      ]);
      expect(answer.status()).to.be.oneOf([400, 401, 403, 415]);
      expect(await page.evaluate(`fetch('/api/v1/auth/me').then(({ status }) => status)`)).to.equal(200);
    } finally {
      await browser.close();
    }
  });
});

describe('SE-03 cookies of an https issuer', function secureCookies() {
  this.timeout(60_000);
  const issuer = 'https://id.example.test';
  let stand: Stand;

  before(async () => {
    stand = await startStand({ env: { ISSUER: issuer, UNSAFE_ACK: issuer, TRUST_PROXY: '127.0.0.1' }, bootstrap: { users } });
  });
  after(() => stand?.close());

  const ask = (method: string, path: string, body?: unknown): Promise<{ status: number; cookies: string[] }> =>
    new Promise((resolve, reject) => {
      const headers = { host: new URL(issuer).host, origin: issuer, 'content-type': 'application/json' };
      const outgoing = httpRequest({ host: '127.0.0.1', port: stand.port, path, method, headers });
      outgoing.on('response', (response) => {
        response.resume();
        response.on('end', () => resolve({ status: response.statusCode ?? 0, cookies: response.headers['set-cookie'] ?? [] }));
      });
      outgoing.on('error', reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });

  it('SE-03 are Secure, HttpOnly, SameSite, of this host alone, and below 4 KiB', async () => {
    const login = { email: 'ann@example.test', password: passwordOf('ann'), mode: 'cookie' };
    const lines = [
      ...(await ask('POST', '/api/v1/auth/login', login)).cookies,
      ...(await ask('GET', '/forgot')).cookies,
      ...(await ask('GET', '/verify?ticket=abc')).cookies,
    ];
    const seen = lines.map((line) => line.slice(0, line.indexOf('=')));
    expect(seen).to.include.members(['__Host-castellan_access', '__Host-castellan_refresh', '__Host-castellan_csrf']);
    for (const line of lines) {
      expect(line)
        .to.match(/^__Host-/)
        .and.match(/; path=\/;/i)
        .and.match(/; secure/i)
        .and.match(/; httponly/i);
      expect(line)
        .to.match(/samesite=(lax|strict)/i)
        .and.not.match(/domain=/i);
      expect(line.length).to.be.lessThan(4096);
    }
  });
});
