import { request as httpRequest } from 'node:http';
import { expect } from 'chai';
import { codeAt, stepAt } from '../../src/authn/totp/arithmetic.ts';
import { type Agent, createAgent } from '../support/agent.ts';
import { type Api, createApi } from '../support/api.ts';
import { launchChromium } from '../support/chromium.ts';
import { createTestClock } from '../support/clock.ts';
import { type Stand, startStand } from '../support/stand.ts';

const names = ['ann', 'bob', 'cleo'];
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
    expect(lines.map((line) => line.slice(0, line.indexOf('=')))).to.deep.equal(['castellan_access', 'castellan_refresh']);
    for (const line of lines) {
      expect(line)
        .to.match(/; path=\/;.*; samesite=strict; httponly$/i)
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
      expect([...agent.cookies.keys()]).to.deep.equal([]);
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
