import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { codeAt, stepAt } from '../../src/authn/totp/arithmetic.ts';
import { setTenants } from '../../src/platform/db/index.ts';
import { type Agent, createAgent, type Page } from '../support/agent.ts';
import { type ApiAnswer, createApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { everyTenant } from '../support/database.ts';
import { browserOf, relyingClient, relyingParty } from '../support/relying-party.ts';
import { type Stand, startStand } from '../support/stand.ts';
import {
  type FacebookStandIn,
  type GithubStandIn,
  type OidcStandIn,
  openFacebookStandIn,
  openGithubStandIn,
  openOidcStandIn,
  upstreamClient,
} from '../support/upstreams.ts';

const social = (name: string, url: string): Record<string, string> => ({
  [`SOCIAL_${name}_CLIENT_ID`]: upstreamClient.id,
  [`SOCIAL_${name}_CLIENT_SECRET`]: upstreamClient.secret,
  [`SOCIAL_${name}_BASE_URL`]: url,
});
const password = 'a-long-enough-passphrase';
const json = ({ body }: Page): Record<string, unknown> => JSON.parse(body) as Record<string, unknown>;

/** Where a page leads by itself. */
const nextOf = ({ body }: Page): string | undefined =>
  /http-equiv="refresh" content="0; url=([^"]+)"/.exec(body)?.[1]?.replaceAll('&amp;', '&');

/** Follows a browser to a provider that asks nothing, and back. */
const travel = async (agent: Agent, start: Page, origin: string): Promise<Page> => {
  const away = start.headers.get('location') ?? '';
  if (start.status < 300 || start.status > 399 || away.startsWith(origin)) return start;
  const answer = await fetch(new URL(away, start.url), { redirect: 'manual' });
  const back = answer.headers.get('location');
  if (back === null) throw new Error(`the provider did not send anybody back: ${answer.status}`);
  const page = await agent.open(back);
  const next = nextOf(page);
  return next === undefined ? page : agent.open(new URL(next, page.url).href);
};

describe('A5 social and upstream sign-in', function upstream() {
  this.timeout(120_000);
  const clock = createTestClock();
  let google: OidcStandIn;
  let github: GithubStandIn;
  let facebook: FacebookStandIn;
  let partner: OidcStandIn;
  let stand: Stand;
  const api = createApi(() => stand.issuer);
  const knex = () => stand.database.knex;

  before(async () => {
    [google, github, facebook, partner] = await Promise.all([
      openOidcStandIn(),
      openGithubStandIn(),
      openFacebookStandIn(),
      openOidcStandIn({ isNamed: true }),
    ]);
    const user = (email: string, more: Record<string, unknown> = {}) => ({ email, password, email_verified: true, ...more });
    stand = await startStand({
      clock,
      env: {
        ...social('GOOGLE', google.url),
        ...social('GITHUB', github.url),
        ...social('FACEBOOK', facebook.url),
        OUTBOUND_ALLOW: '127.0.0.1',
      },
      bootstrap: {
        clients: [relyingClient('app')],
        users: [
          user('proven@gmail.com'),
          user('proven@example.test'),
          user('unproven@gmail.com', { email_verified: false }),
          user('linker@example.test'),
          user('boss@example.test', { roles: ['SUPER_ADMIN'] }),
          user('gone@gmail.com'),
        ],
      },
    });
  });
  afterEach(() => {
    for (const one of [google, github, facebook, partner]) one.reset();
  });
  after(async () => {
    await stand.close();
    await Promise.all([google, github, facebook, partner].map((one) => one.close()));
  });

  /** The classic way: opens the API's address in a browser. */
  const classic = async (provider: string, query = '', agent = createAgent(stand.issuer)): Promise<Page> =>
    travel(
      agent,
      await agent.request(`${stand.issuer}/api/v1/auth/social/${provider}${query}`, { headers: { accept: '*/*' } }),
      stand.issuer,
    );
  const hosted = async (provider: string, agent = browserOf(stand), parameters: Record<string, string> = {}): Promise<Page> => {
    const page = await relyingParty(stand).begin(agent, parameters);
    const uid = /\/interaction\/([\w-]+)/.exec(page.url)?.[1] ?? '';
    return travel(agent, await agent.open(`${stand.issuer}/interaction/${uid}/upstream/${provider}`), stand.issuer);
  };
  const person = (values: Record<string, unknown>): Record<string, unknown> => ({
    email_verified: true,
    name: 'Somebody',
    ...values,
  });
  const login = (email: string): Promise<ApiAnswer> => api('POST', '/auth/login', { email, password });
  const lastFailure = async () => {
    await new Promise((resolve) => setTimeout(resolve, 0));
    const found = async () =>
      await knex()('audit_events').where({ type: 'authn.login.failed' }).orderBy('id', 'desc').first('reason');
    return found();
  };

  describe('classic routes', () => {
    it('A5 Google: makes an account for somebody new and answers as the JSON sign-in does', async () => {
      google.person = person({ sub: 'g-1', email: 'New.Person@gmail.com', name: 'New Person' });
      const answer = json(await classic('google', '?loginHint=new.person%40gmail.com'));
      expect(answer).to.include({ tokenType: 'Bearer', expiresIn: 900 });
      expect(answer.user).to.deep.include({ email: 'New.Person@gmail.com', emailVerified: true, name: 'New Person' });
      const asked = google.asked.at(-1);
      expect(asked?.get('login_hint')).to.equal('new.person@gmail.com');
      expect(asked?.get('code_challenge_method')).to.equal('S256');
      expect(asked?.get('redirect_uri')).to.equal(`${stand.issuer}/api/v1/auth/social/google/callback`);
      const me = await api('GET', '/auth/me', undefined, String(answer.accessToken));
      expect(me.json.user.email).to.equal('New.Person@gmail.com');
      const again = json(await classic('google'));
      expect((again.user as { id: string }).id).to.equal((answer.user as { id: string }).id);
      const events = await knex()('audit_events')
        .where({ subject_id: (answer.user as { id: string }).id })
        .pluck('type');
      expect(events).to.include.members(['identity.user_created', 'authn.upstream.linked']);
    });

    it('A5 GitHub: takes the primary address with GitHub’s own word about it', async () => {
      const answer = json(await classic('github'));
      expect(answer.user).to.deep.include({ email: 'octocat@example.test', emailVerified: true, name: 'The Octocat' });
      expect(github.asked.at(-1)?.get('scope')).to.equal('read:user user:email');
    });

    it('A5 Facebook: vouches for no address, so somebody new says so', async () => {
      const refused = await classic('facebook');
      expect(refused.status).to.equal(409);
      expect(json(refused)).to.include({ type: 'urn:castellan:error:social_account_needed', reason: 'address_unproven' });
      const answer = json(await classic('facebook', '?signUp=true'));
      expect(answer.user).to.deep.include({ email: null, emailVerified: false, name: 'Fay Book' });
      expect(json(await classic('facebook')).user).to.deep.equal(answer.user);
    });

    it('A5 refuses an address that is missing, and errors that come with status 200', async () => {
      facebook.me = { id: '2', name: 'No Address' };
      expect(json(await classic('facebook'))).to.include({ reason: 'address_missing' });
      facebook.me = { error: { message: 'Unknown error', type: 'OAuthException', code: 1 } };
      expect((await classic('facebook')).status).to.equal(502);
      github.status = 500;
      expect((await classic('github')).status).to.equal(502);
    });

    it('A5 knows no other provider, and tells nothing of one that is not set up', async () => {
      for (const path of ['myspace', 'google%2F..', '01900000-0000-7000-8000-000000000000']) {
        const { status } = await api('GET', `/auth/social/${path}`);
        expect(status, path).to.be.oneOf([400, 404]);
      }
    });

    it('RU-05 returns to our own paths and to addresses of our own applications only', async () => {
      const challenge = randomBytes(32).toString('base64url');
      for (const target of [
        '//evil.example',
        '/\\evil.example',
        'https:evil.example',
        '/%09/evil.example/../..\\',
        'javascript:alert(1)',
        'https://app.example.test/callback',
      ]) {
        const path = `/auth/social/google?returnTo=${encodeURIComponent(target)}&codeChallenge=${challenge}`;
        const { status, json: problem } = await api('GET', path);
        if (status === 302) expect(target).to.match(/^\/%09/);
        else expect(problem.errors[0].path, target).to.equal('query/returnTo');
      }
    });

    it('RFC 9700 §4.5 gives a waiting application a code that only it can use, once', async () => {
      google.person = person({ sub: 'g-1', email: 'New.Person@gmail.com' });
      const codeVerifier = randomBytes(32).toString('base64url');
      const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
      expect((await api('GET', '/auth/social/google?returnTo=/welcome')).status).to.equal(400);
      const start = `?returnTo=/welcome&codeChallenge=${codeChallenge}`;
      const codeOf = async (): Promise<string> => {
        const page = await classic('google', start);
        return new URL(page.url).searchParams.get('code') ?? '';
      };
      const stolen = { code: await codeOf(), codeVerifier: randomBytes(32).toString('base64url') };
      expect((await api('POST', '/auth/social/token', stolen)).status).to.equal(401);
      const own = { code: await codeOf(), codeVerifier };
      const { status, json: answer } = await api('POST', '/auth/social/token', own);
      expect(status).to.equal(200);
      expect(answer.user.email).to.equal('New.Person@gmail.com');
      expect((await api('POST', '/auth/social/token', own)).status).to.equal(401);
      const late = { code: await codeOf(), codeVerifier };
      clock.advance(61);
      expect((await api('POST', '/auth/social/token', late)).status).to.equal(401);
      google.error = 'access_denied';
      const page = await classic('google', start);
      expect(new URL(page.url).search).to.equal('?error=access_denied');
    });
  });

  describe('SO-01 addresses', () => {
    const victimless = async (page: Page, email: string): Promise<void> => {
      expect(page.status).to.equal(409);
      const linked = await knex()('social_accounts')
        .join('identifiers', 'identifiers.user_id', 'social_accounts.user_id')
        .where('identifiers.value', email);
      expect(linked).to.have.lengthOf(0);
    };

    it('SO-01 never joins an account by an address that is not said to be verified, boolean true', async () => {
      for (const word of [false, 'true', 1, undefined]) {
        google.person = {
          sub: `bad-${word}`,
          email: 'proven@gmail.com',
          ...(word === undefined ? {} : { email_verified: word }),
        };
        const page = await classic('google');
        await victimless(page, 'proven@gmail.com');
        // The same as for an address that nobody has.
        const known = json(page);
        google.person = { ...google.person, sub: `free-${word}`, email: 'nobody-has-it@gmail.com' };
        const free = json(await classic('google'));
        expect({ ...known, correlationId: '' }).to.deep.equal({ ...free, correlationId: '' });
      }
      github.emails = [{ email: 'proven@example.test', primary: true, verified: false, visibility: null }];
      github.user = { id: 9, login: 'nine', name: null };
      await victimless(await classic('github'), 'proven@example.test');
      facebook.me = { id: '9', name: 'Nine', email: 'proven@example.test' };
      await victimless(await classic('facebook'), 'proven@example.test');
    });

    it('SO-01 asks for a sign-in where the provider is not the authority of the address', async () => {
      google.person = person({ sub: 'g-2', email: 'proven@example.test' });
      const page = await classic('google');
      await victimless(page, 'proven@example.test');
      expect(json(page)).to.include({ reason: 'address_taken' });
      github.emails = [{ email: 'PROVEN@example.test', primary: true, verified: true, visibility: null }];
      github.user = { id: 10, login: 'ten', name: null };
      await victimless(await classic('github'), 'proven@example.test');
    });

    it('SO-01 joins where Google runs the address, and tells the person', async () => {
      google.person = person({ sub: 'g-3', email: 'Proven@gmail.com' });
      const answer = json(await classic('google'));
      expect(answer.user).to.deep.include({ email: 'proven@gmail.com' });
      google.person = person({ sub: 'g-4', email: 'proven@example.test', hd: 'example.test' });
      expect(json(await classic('google')).user).to.deep.include({ email: 'proven@example.test' });
      const notices = await knex()('audit_events')
        .where({ type: 'authn.upstream.linked' })
        .orderBy('id', 'desc')
        .pluck('payload');
      expect(notices[0].details).to.include({ how: 'address', provider: 'google' });
    });

    it('RS-10 meets an account by the canonical address only; a look-alike is somebody else', async () => {
      const ownerOf = async (email: string, sub: string): Promise<unknown> => {
        google.person = person({ sub, email });
        return (json(await classic('google')).user as { email?: string } | undefined)?.email;
      };
      expect(await ownerOf(' Ｐroven＠gmail.com', 'g-full-width')).to.equal('proven@gmail.com');
      expect(await ownerOf('prov\u00e9n@gmail.com', 'g-accent')).to.equal('prov\u00e9n@gmail.com');
      for (const email of ['pr\u043even@gmail.com', 'proven\u200b@gmail.com', '\u202eneverp@gmail.com', 'proven@gm\u0430il.com'])
        expect(await ownerOf(email, `g-${email}`), JSON.stringify(email)).to.equal(undefined);
    });

    it('SO-02 takes all that was set up by whoever never proved the address', async () => {
      const attacker = await login('unproven@gmail.com');
      const { accessToken, refreshToken } = attacker.json;
      const enabled = await api('POST', '/mfa/totp/enable', {}, accessToken);
      const code = codeAt(enabled.json.secret, stepAt(clock.now()));
      expect((await api('POST', '/mfa/totp/verify', { deviceId: enabled.json.deviceId, code }, accessToken)).status).to.equal(
        200,
      );
      const ticket = { user_id: attacker.json.user.id, code_hash: 'x', shown_hash: 'x', browser_hash: 'x' };
      const alive = { created_at: clock.now(), expires_at: new Date(clock.now().getTime() + 600_000) };
      const purposes = ['sign-in-link', 'email-undo', 'phone-old'];
      await knex()('tickets').insert(
        purposes.map((purpose) => ({ id: randomUUID(), purpose, secret_hash: purpose, ...ticket, ...alive })),
      );
      google.person = person({ sub: 'g-5', email: 'unproven@gmail.com' });
      const owner = json(await classic('google'));
      expect(owner.user).to.deep.include({ email: 'unproven@gmail.com', emailVerified: true });
      expect((await login('unproven@gmail.com')).status).to.equal(401);
      expect(await knex()('tickets').where({ user_id: ticket.user_id, ended_at: null })).to.deep.equal([]);
      expect((await api('GET', '/auth/me', undefined, accessToken)).status).to.equal(401);
      expect((await api('POST', '/auth/refresh', { refreshToken })).status).to.equal(401);
      expect((await api('GET', '/mfa/devices', undefined, String(owner.accessToken))).json.items).to.deep.equal([]);
    });

    it('SO-06 refuses who is deactivated, known or met by the address', async () => {
      google.person = person({ sub: 'g-6', email: 'gone@gmail.com' });
      expect((await classic('google')).status).to.equal(200);
      await knex()('users')
        .whereIn('id', knex()('identifiers').where({ value: 'gone@gmail.com' }).select('user_id'))
        .update({ status: 'deactivated' });
      expect((await classic('google')).status).to.equal(403);
      google.person = person({ sub: 'g-7', email: 'gone@gmail.com' });
      expect((await classic('google')).status).to.equal(403);
    });

    it('SO-06 lets in by no provider who is deactivated or waits for an administrator', async () => {
      google.person = person({ sub: 'g-60', email: 'status@gmail.com' });
      github.user = { id: 60, login: 'status', name: 'Status' };
      github.emails = [{ email: 'status@example.test', primary: true, verified: true, visibility: null }];
      facebook.me = { id: '60', name: 'Status', email: 'status@facebook.test' };
      for (const provider of ['google', 'github', 'facebook']) {
        const answer = json(await classic(provider, provider === 'facebook' ? '?signUp=true' : ''));
        const { id } = answer.user as { id: string };
        for (const status of ['deactivated', 'pending']) {
          await knex()('users').where({ id }).update({ status });
          const refused = await classic(provider);
          expect([provider, status, refused.status]).to.deep.equal([provider, status, 403]);
          expect(json(refused)).to.not.have.property('accessToken');
          const page = await hosted(provider);
          expect([page.body.includes('name="password"'), page.body.includes('name="decision"')], 'on the page').to.deep.equal([
            true,
            false,
          ]);
          expect(page.body).to.contain('role="alert"');
        }
        await knex()('users').where({ id }).update({ status: 'active' });
        expect((await classic(provider)).status).to.equal(200);
      }
    });

    it('SO-05 keeps the account when the address changes upstream, and tells equal subjects apart', async () => {
      google.person = person({ sub: '583231', email: 'first@gmail.com' });
      const first = json(await classic('google')).user as { id: string; email: string };
      google.person = person({ sub: '583231', email: 'second@gmail.com', email_verified: false });
      expect(json(await classic('google')).user).to.deep.equal(first);
      const octocat = json(await classic('github')).user as { id: string };
      expect(octocat.id).not.to.equal(first.id);
    });

    it('RC-05 makes one account of many first sign-ins at once', async () => {
      google.person = person({ sub: 'g-8', email: 'parallel@gmail.com' });
      const pages = await Promise.all([1, 2, 3, 4].map(() => classic('google')));
      const ids = new Set(pages.map((page) => (json(page).user as { id: string }).id));
      expect(ids.size).to.equal(1);
    });
  });

  describe('SO-03 the way back', () => {
    const answered = async (agent: Agent): Promise<string> => {
      const page = await agent.request(`${stand.issuer}/api/v1/auth/social/google`);
      const answer = await fetch(page.headers.get('location') ?? '', { redirect: 'manual' });
      return answer.headers.get('location') ?? '';
    };
    const refused = async (agent: Agent, url: string): Promise<void> => {
      const page = await agent.request(url, { headers: { accept: '*/*' } });
      expect(page.status).to.equal(400);
      expect(json(page)).to.include({ type: 'urn:castellan:error:social_sign_in_over' });
    };

    it('SO-03 takes an answer only in the browser that asked, and once', async () => {
      const agent = createAgent(stand.issuer);
      const url = await answered(agent);
      await refused(createAgent(stand.issuer), url);
      const other = createAgent(stand.issuer);
      await answered(other);
      await refused(other, url);
      const good = await agent.request(url, { headers: { accept: '*/*' } });
      expect(good.status).to.equal(200);
      await refused(agent, url);
    });

    it('SO-03 takes none without the state, with another, or after ten minutes', async () => {
      const agent = createAgent(stand.issuer);
      const url = new URL(await answered(agent));
      const changed = (change: (query: URLSearchParams) => void): string => {
        const copy = new URL(url);
        change(copy.searchParams);
        return copy.href;
      };
      await refused(
        agent,
        changed((query) => query.delete('state')),
      );
      await refused(
        agent,
        changed((query) => query.set('state', randomBytes(32).toString('base64url'))),
      );
      await refused(
        agent,
        changed((query) => query.set('state', 'x'.repeat(3000))),
      );
      clock.advance(601);
      await refused(agent, url.href);
    });

    it('SO-05 takes no answer of one provider at the callback of another', async () => {
      const agent = createAgent(stand.issuer);
      const url = await answered(agent);
      await refused(agent, url.replace('/social/google/', '/social/github/'));
      const page = await agent.request(`${url}&iss=${encodeURIComponent('https://evil.example')}`, {
        headers: { accept: '*/*' },
      });
      expect(page.status).to.equal(401);
    });

    it('SO-03 shows a person a page and signs nobody in', async () => {
      const agent = browserOf(stand);
      const page = await agent.request(await answered(createAgent(stand.issuer)));
      expect(page.status).to.equal(400);
      expect(page.body).to.contain('This sign-in is over');
      expect([...agent.cookies.keys()].some((name) => name.startsWith('_session'))).to.equal(false);
    });
  });

  describe('SO-04 ID tokens', () => {
    const spoilt: [string, () => void][] = [
      ['another nonce', () => (google.spoil = { nonce: 'other' })],
      ['no nonce', () => (google.without = ['nonce'])],
      ['another audience', () => (google.spoil = { aud: 'somebody-else' })],
      ['two audiences and no azp', () => (google.spoil = { aud: [upstreamClient.id, 'other'], azp: undefined })],
      ['another azp', () => (google.spoil = { azp: 'somebody-else' })],
      ['another issuer', () => (google.spoil = { iss: 'https://accounts.google.com' })],
      ['expired', () => (google.spoil = { exp: Math.floor(Date.now() / 1000) - 600 })],
      ['no end', () => (google.without = ['exp'])],
      ['alg none', () => (google.alg = 'none')],
      ['a foreign key', () => (google.alg = 'foreign')],
    ];
    for (const [name, spoil] of spoilt) {
      it(`SO-04 refuses ${name}`, async () => {
        google.person = person({ sub: 'g-1', email: 'New.Person@gmail.com' });
        spoil();
        const page = await classic('google');
        expect(page.status).to.equal(401);
        expect(json(page)).to.include({ type: 'urn:castellan:error:social_answer_refused' });
      });
    }

    it('SO-04 says in the audit why', async () => {
      google.spoil = { nonce: 'other' };
      await classic('google');
      let reason = '';
      for (let tries = 0; tries < 50 && !reason.startsWith('untrusted:'); tries += 1) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        reason = String((await lastFailure())?.reason);
      }
      expect(reason).to.match(/^untrusted:oauth_/);
    });

    it('F-22 an upstream that is broken or says no: the reason in a word, nothing half-done', async () => {
      google.status = 500;
      expect((await classic('google')).status).to.equal(502);
      google.reset();
      google.error = 'access_denied';
      expect(json(await classic('google'))).to.include({ type: 'urn:castellan:error:social_sign_in_denied', status: 403 });
      google.error = 'temporarily_unavailable';
      expect((await classic('google')).status).to.equal(502);
      const metrics = await (await fetch(`${stand.issuer}/metrics`)).text();
      expect(metrics).to.match(/authentication_attempts_total\{method="google",outcome="authenticated"\} \d/);
      expect(metrics).to.match(/authentication_attempts_total\{method="google",outcome="denied"\} [1-9]/);
    });
  });

  describe('hosted pages', () => {
    it('A5 offers the providers that are set up, on both pages, without anything of theirs', async () => {
      const agent = browserOf(stand);
      const page = await relyingParty(stand).begin(agent);
      for (const name of ['Google', 'GitHub', 'Facebook']) expect(page.body).to.contain(`Continue with ${name}`);
      const signup = await agent.open(page.url.replace(/\/?$/, '/signup'));
      expect(signup.body)
        .to.contain('Continue with GitHub')
        .and.not.match(/(src|href)="https?:/);
    });

    it('A5 ends at the application, with what the sign-in was', async () => {
      google.person = person({ sub: 'g-20', email: 'hosted@gmail.com' });
      const agent = browserOf(stand);
      const page = await hosted('google', agent, { login_hint: 'hosted@gmail.com', ui_locales: 'vi' });
      expect(google.asked.at(-1)?.get('login_hint')).to.equal('hosted@gmail.com');
      const claims = await relyingParty(stand).end(agent, page);
      expect(claims).to.deep.include({ amr: ['urn:castellan:amr:federated'], acr: 'urn:castellan:acr:password' });
    });

    it('MF-04 SO-06 asks for the second factor of whoever has one', async () => {
      google.person = person({ sub: 'g-21', email: 'factored@gmail.com' });
      const { accessToken } = json(await classic('google')) as { accessToken: string };
      const enabled = await api('POST', '/mfa/totp/enable', {}, accessToken);
      const code = (): string => codeAt(enabled.json.secret, stepAt(clock.now()));
      await api('POST', '/mfa/totp/verify', { deviceId: enabled.json.deviceId, code: code() }, accessToken);
      const waiting = json(await classic('google'));
      expect(waiting).to.deep.include({ mfaRequired: true, methods: ['totp', 'recovery'] });
      clock.advance(60);
      const done = await api('POST', '/mfa/totp/validate', { mfaToken: waiting.mfaToken, code: code() });
      expect(done.status).to.equal(200);
      const agent = browserOf(stand);
      const page = await hosted('google', agent);
      expect(page.body).to.match(/name="code"/);
      clock.advance(60);
      const claims = await relyingParty(stand).end(agent, await agent.submit(page, { code: code(), remember: 'yes' }));
      expect(claims).to.deep.include({ amr: ['urn:castellan:amr:federated', 'otp', 'mfa'], acr: 'urn:castellan:acr:mfa' });

      // Google makes nobody prove anew who they are: where that is asked for, our own factor does, also on a remembered device.
      const returning = browserOf(stand);
      const trusted = agent.cookies.get('castellan_trusted;/');
      if (trusted) returning.cookies.set('castellan_trusted;/', trusted);
      const spared = await relyingParty(stand).end(returning, await hosted('google', returning));
      expect(spared.amr).to.deep.equal(['urn:castellan:amr:federated', 'urn:castellan:amr:remembered']);
      const again = await hosted('google', returning, { prompt: 'login' });
      expect(again.body).to.match(/name="code"/);
      clock.advance(60);
      const fresh = await relyingParty(stand).end(returning, await returning.submit(again, { code: code() }));
      expect(fresh.amr).to.include('otp');
    });

    it('A5 joins after a sign-in to the account that has the address, and then lets in', async () => {
      github.user = { id: 77, login: 'linker', name: 'Linker' };
      github.emails = [{ email: 'linker@example.test', primary: true, verified: true, visibility: null }];
      const agent = browserOf(stand);
      const connect = await hosted('github', agent);
      expect(connect.body).to.contain('Connect GitHub').and.contain('linker@example.test').and.not.contain('I am new');
      const page = await agent.open(connect.url.replace(/\/connect$/, '/login'));
      expect(page.body).to.contain('GitHub (linker@example.test) is connected with it');
      expect(page.body.match(/<form/g)).to.have.lengthOf(1);
      expect((await agent.submit(page, { login: 'linker@example.test', password: 'wrong' })).status).to.equal(401);
      await relyingParty(stand).end(agent, await agent.submit(page, { login: 'linker@example.test', password }));
      const other = browserOf(stand);
      const claims = await relyingParty(stand).end(other, await hosted('github', other));
      const { sub } = claims;
      const owner = await knex()('identifiers').where({ value: 'linker@example.test' }).first('user_id');
      expect(sub).to.equal(owner.user_id);
    });

    it('A5 lets the person go on without joining', async () => {
      google.person = person({ sub: 'g-30', email: 'linker@example.test' });
      const agent = browserOf(stand);
      const connect = await hosted('google', agent);
      const login = await agent.submit(connect, { decision: 'drop' });
      expect(login.body).not.to.contain('is connected with it');
      await relyingParty(stand).end(agent, await agent.submit(login, { login: 'linker@example.test', password }));
      expect(await knex()('social_accounts').where({ subject: 'g-30' })).to.have.lengthOf(0);
    });

    it('SO-01 lets somebody new in without the address that nobody vouched for', async () => {
      facebook.me = { id: '31', name: 'Fresh', email: 'proven@example.test' };
      const agent = browserOf(stand);
      const connect = await hosted('facebook', agent);
      expect(connect.body).to.contain('I am new');
      const claims = await relyingParty(stand).end(agent, await agent.submit(connect, { decision: 'create' }));
      const found = await knex()('identifiers').where({ user_id: claims.sub });
      expect(found).to.have.lengthOf(0);
    });

    it('A5 tells a failure where the person can try again', async () => {
      google.error = 'access_denied';
      const denied = await hosted('google');
      expect(denied.body)
        .to.contain('You did not sign in with Google')
        .and.match(/name="password"/);
      google.reset();
      google.alg = 'none';
      expect((await hosted('google')).body).to.contain('could not be checked');
      google.reset();
      google.status = 503;
      expect((await hosted('google')).body).to.contain('Google does not answer');
      google.reset();
      google.person = person({ sub: 'g-6', email: 'gone@gmail.com' });
      expect((await hosted('google')).body).to.contain('You cannot sign in with Google');
      expect((await hosted('unheard-of')).body).to.contain('The sign-in did not work');
    });

    it('SO-03 does not carry an answer into another browser’s sign-in', async () => {
      google.person = person({ sub: 'g-1', email: 'New.Person@gmail.com' });
      const attacker = browserOf(stand);
      const page = await relyingParty(stand).begin(attacker);
      const uid = /\/interaction\/([\w-]+)/.exec(page.url)?.[1] ?? '';
      const away = await attacker.open(`${stand.issuer}/interaction/${uid}/upstream/google`);
      const answer = await fetch(away.headers.get('location') ?? '', { redirect: 'manual' });
      const victim = browserOf(stand);
      await relyingParty(stand).begin(victim);
      expect((await victim.open(answer.headers.get('location') ?? '')).status).to.equal(400);
      expect((await victim.open(`${stand.issuer}/interaction/${uid}/upstream`)).status).to.equal(400);
    });

    it('Core §3.1.2.1 asks the provider anew for prompt=login and passes max_age on', async () => {
      google.person = person({ sub: 'g-20', email: 'hosted@gmail.com' });
      const agent = browserOf(stand);
      await relyingParty(stand).end(agent, await hosted('google', agent));
      expect(google.asked.at(-1)?.has('prompt')).to.equal(false);
      await hosted('google', agent, { prompt: 'login' });
      expect(google.asked.at(-1)?.get('prompt')).to.equal('select_account');
      await hosted('facebook', browserOf(stand), { prompt: 'login' });
      expect(facebook.asked.at(-1)?.get('auth_type')).to.equal('reauthenticate');
    });
  });

  describe('SO-07 SO-08 the account’s own page', () => {
    const security = (agent: Agent): Promise<Page> => agent.open(`${stand.issuer}/account/security`);
    const signedIn = async (email: string): Promise<Agent> => {
      const agent = browserOf(stand);
      await agent.submit(await security(agent), { login: email, password });
      return agent;
    };
    const begin = async (agent: Agent, provider: string): Promise<Page> =>
      travel(agent, await agent.open(`${stand.issuer}/account/security/connect/${provider}`), stand.issuer);

    it('SO-08 names the account there before anything is joined, and joins that one only', async () => {
      const agent = await signedIn('linker@example.test');
      google.person = person({ sub: 'u1', email: 'u1@gmail.com', name: 'U One' });
      const page = await begin(agent, 'google');
      expect(page.body).to.contain('Connect this Google account?').and.contain('u1@gmail.com');
      expect(await knex()('social_accounts').where({ subject: 'u1' })).to.have.lengthOf(0);
      // Another browser comes back for the same person with another identity: this page is about u1 still.
      google.person = person({ sub: 'u2', email: 'u2@gmail.com' });
      await begin(await signedIn('linker@example.test'), 'google');
      const overview = await agent.submit(page, { decision: 'allow' });
      expect(overview.body).to.contain('u1@gmail.com');
      expect(await knex()('social_accounts').where({ subject: 'u2' })).to.have.lengthOf(0);
      const { status } = await agent.submit(page, { decision: 'allow' });
      expect(status).to.equal(200);
    });

    it('SO-07 joins nothing without the sign of our own page, nor after ten minutes', async () => {
      const agent = await signedIn('linker@example.test');
      google.person = person({ sub: 'u3', email: 'u3@gmail.com' });
      await begin(agent, 'google');
      const init = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'decision=allow' };
      expect((await agent.request(`${stand.issuer}/account/security/connect`, init)).status).to.equal(403);
      clock.advance(601);
      const page = await agent.open(`${stand.issuer}/account/security/connect/google`);
      expect(page.body).to.match(/name="password"/);
      expect(await knex()('social_accounts').where({ subject: 'u3' })).to.have.lengthOf(0);
    });

    it('SO-05 does not take an identity that somebody else has', async () => {
      const agent = await signedIn('proven@example.test');
      google.person = person({ sub: 'u1', email: 'u1@gmail.com' });
      const page = await begin(agent, 'google');
      expect((await agent.submit(page, { decision: 'allow' })).body).to.contain('connected with another account');
    });

    it('MF-09 disconnects, but not the last way in; by page and by API', async () => {
      const agent = await signedIn('linker@example.test');
      const overview = await security(agent);
      const path = /\/account\/security\/social\/[\w-]+/.exec(overview.body)?.[0] ?? '';
      const page = await agent.open(`${stand.issuer}${path}`);
      expect(page.body).to.contain('Disconnect it');
      expect((await agent.submit(page, { remove: 'yes' })).status).to.equal(200);
      google.person = person({ sub: 'g-40', email: 'only@gmail.com' });
      const { accessToken: token } = json(await classic('google')) as { accessToken: string };
      const { json: list } = await api('GET', '/auth/social', undefined, token);
      expect(list.items).to.have.lengthOf(1);
      expect(list.items[0]).to.include({ provider: 'google', providerName: 'Google', email: 'only@gmail.com' });
      const one = `/auth/social/${list.items[0].id}`;
      expect((await api('DELETE', one, undefined, token)).json.type).to.equal('urn:castellan:error:social_account_is_last');
      await knex()('user_credentials').insert({
        user_id: (await api('GET', '/auth/me', undefined, token)).json.user.id,
        kind: 'password',
        hash: 'x',
        changed_at: new Date(0),
      });
      const { json: other } = await login('linker@example.test');
      expect((await api('DELETE', one, undefined, other.accessToken)).status).to.equal(404);
      clock.advance(601);
      const { json: fresh } = { json: json(await classic('google')) as { accessToken: string } };
      expect((await api('DELETE', one, undefined, fresh.accessToken)).status).to.equal(204);
      const removed = await knex()('audit_events')
        .where({ type: 'authn.upstream.unlinked' })
        .orderBy('id', 'desc')
        .first('payload');
      expect(removed.payload.details).to.include({ provider: 'google' });
    });

    it('SO-07 wants a recent sign-in to disconnect', async () => {
      google.person = person({ sub: 'g-1', email: 'New.Person@gmail.com' });
      const { accessToken: token } = json(await classic('google')) as { accessToken: string };
      const { json: list } = await api('GET', '/auth/social', undefined, token);
      clock.advance(601);
      const { status, headers } = await api('DELETE', `/auth/social/${list.items[0].id}`, undefined, token);
      expect(status).to.equal(401);
      expect(headers.get('www-authenticate')).to.contain('insufficient_user_authentication');
    });
  });

  describe('providers as data', () => {
    let boss = '';
    const base = '/identity-providers';
    const body = () => ({
      kind: 'oidc',
      name: 'partner',
      displayName: 'Partner Works',
      issuer: partner.url,
      clientId: upstreamClient.id,
      clientSecret: upstreamClient.secret,
      trustedDomains: ['partner.example'],
      trustsFactors: true,
    });
    before(async () => {
      boss = (await login('boss@example.test')).json.accessToken;
    });

    it('A5 sets one up, keeps its secret to itself, and signs people in with it at once', async () => {
      expect((await classic('partner')).status).to.equal(404);
      const { status, json: made, headers } = await api('POST', base, body(), boss);
      expect(status, JSON.stringify(made)).to.equal(201);
      expect(made).to.include({ name: 'partner', hasClientSecret: true, issuer: partner.url });
      expect(made.callbackUrl).to.equal(`${stand.issuer}/api/v1/auth/social/partner/callback`);
      expect(JSON.stringify(made)).not.to.contain(upstreamClient.secret);
      expect(headers.get('etag')).to.equal('"1"');
      const stored = await knex()('upstream_providers').first('client_secret_sealed');
      expect(stored === undefined || !String(stored.client_secret_sealed).includes(upstreamClient.secret)).to.equal(true);
      partner.person = person({ sub: 'p-1', email: 'pat@partner.example', amr: ['pwd', 'otp', 'mfa'] });
      const agent = browserOf(stand);
      const claims = await relyingParty(stand).end(
        agent,
        await hosted('partner', agent, { acr_values: 'urn:castellan:acr:mfa' }),
      );
      expect(claims).to.include({ acr: 'urn:castellan:acr:mfa' });
      expect(partner.asked.at(-1)?.get('acr_values')).to.equal('urn:castellan:acr:mfa');
    });

    it('RFC 9207 §2.4 takes no answer without the issuer’s name, or with another', async () => {
      partner.answer = { iss: 'https://evil.example' };
      expect((await classic('partner')).status).to.equal(401);
      partner.reset();
      const agent = createAgent(stand.issuer);
      const page = await agent.request(`${stand.issuer}/api/v1/auth/social/partner`);
      const answer = await fetch(page.headers.get('location') ?? '', { redirect: 'manual' });
      const url = new URL(answer.headers.get('location') ?? '');
      url.searchParams.delete('iss');
      expect((await agent.request(url.href, { headers: { accept: '*/*' } })).status).to.equal(401);
    });

    it('Core §3.1.2.1 refuses an old sign-in where a new one was asked for', async () => {
      partner.person = person({ sub: 'p-1', email: 'pat@partner.example', auth_time: Math.floor(Date.now() / 1000) - 3600 });
      const page = await hosted('partner', browserOf(stand), { prompt: 'login' });
      expect(partner.asked.at(-1)?.get('prompt')).to.equal('login');
      expect(partner.asked.at(-1)?.get('max_age')).to.equal('0');
      expect(page.body).to.contain('could not be checked');
    });

    it('Core §3.1.2.1 takes no sign-in that does not say when it was, where one of the last hour was asked for', async () => {
      partner.person = person({ sub: 'p-1', email: 'pat@partner.example' });
      const agent = browserOf(stand);
      const silent = await hosted('partner', agent, { max_age: '3600' });
      expect(partner.asked.at(-1)?.get('max_age')).to.equal('3600');
      expect(silent.body).to.contain('could not be checked');
    });

    it('A5 takes the address from userinfo where the ID token has none', async () => {
      partner.person = person({ sub: 'p-2', email: 'uma@partner.example' });
      partner.without = ['email', 'email_verified'];
      expect(json(await classic('partner')).user).to.deep.include({ email: 'uma@partner.example', emailVerified: true });
    });

    it('A5 lists, reads, replaces under If-Match, and removes', async () => {
      const { json: list } = await api('GET', base, undefined, boss);
      const { id } = list.items[0];
      const { clientSecret: _, ...settings } = body();
      const change = { ...settings, displayName: 'Partner', isEnabled: false };
      expect((await api('PUT', `${base}/${id}`, change, boss)).status).to.equal(428);
      expect((await api('PUT', `${base}/${id}`, change, boss, { 'if-match': '"9"' })).status).to.equal(412);
      const { status, json: changed } = await api('PUT', `${base}/${id}`, change, boss, { 'if-match': '"1"' });
      expect(status).to.equal(200);
      expect(changed).to.include({ displayName: 'Partner', hasClientSecret: true, isEnabled: false });
      const moved = { ...change, issuer: 'https://elsewhere.example' };
      const told = await api('PUT', `${base}/${id}`, moved, boss, { 'if-match': '"2"' });
      expect([told.status, told.json.errors?.[0].path], 'the secret is not told to another').to.deep.equal([
        400,
        '/clientSecret',
      ]);
      expect((await classic('partner')).status).to.equal(404);
      expect(
        (await api('PUT', `${base}/${id}`, { ...change, kind: 'github', issuer: undefined }, boss, { 'if-match': '"2"' })).status,
      ).to.equal(400);
      expect((await api('POST', base, body(), boss)).status).to.equal(409);
      expect((await api('DELETE', `${base}/${id}`, undefined, boss)).status).to.equal(204);
      expect((await api('GET', `${base}/${id}`, undefined, boss)).status).to.equal(404);
      const events = await everyTenant(stand.database, (trx) =>
        trx('audit_events').where('type', 'like', 'identity_provider.%').orderBy('id').pluck('type'),
      );
      expect(events).to.deep.equal(['identity_provider.created', 'identity_provider.updated', 'identity_provider.deleted']);
    });

    it('A5 names what is wrong with one', async () => {
      const wrong: [Record<string, unknown>, string][] = [
        [{ issuer: undefined }, '/issuer'],
        [{ issuer: 'javascript:alert(1)' }, '/issuer'],
        [{ clientSecret: undefined }, '/clientSecret'],
        [{ displayName: undefined }, '/displayName'],
        [{ scopes: ['email'] }, '/scopes'],
        [{ organizationId: '01900000-0000-7000-8000-000000000000' }, '/organizationId'],
        [{ surprise: 1 }, '/surprise'],
      ];
      for (const [change, path] of wrong) {
        const { status, json: problem } = await api('POST', base, { ...body(), ...change }, boss);
        expect(status, path).to.equal(400);
        expect(problem.errors.map((one: { path: string }) => one.path)).to.include(path);
      }
      expect((await api('POST', base, { ...body(), name: 'google', kind: 'google', issuer: undefined }, boss)).status).to.equal(
        409,
      );
    });

    it('SF-01 is asked through the guard: a private address is never called', async () => {
      const { status } = await api(
        'POST',
        base,
        { ...body(), name: 'inside', displayName: 'Inside', issuer: 'https://169.254.169.254' },
        boss,
      );
      expect(status).to.equal(201);
      expect((await classic('inside')).status).to.equal(502);
    });

    it('AZ needs the permission', async () => {
      const { json: plain } = await login('linker@example.test');
      for (const [method, path] of [
        ['GET', base],
        ['POST', base],
      ] as const) {
        expect((await api(method, path, method === 'POST' ? body() : undefined, plain.accessToken)).status).to.equal(403);
      }
    });

    it('TN-02 TN-04 AZ-11 an organization’s provider is its own, for its applications, and weighs nothing beyond it', async () => {
      const now = clock.now();
      const organization = { status: 'active', created_at: now, updated_at: now };
      const [acme, other] = ['01900000-0000-7000-8000-0000000000a1', '01900000-0000-7000-8000-0000000000b2'];
      await knex()('organizations').insert([
        { ...organization, id: acme, name: 'Acme', slug: 'acme' },
        { ...organization, id: other, name: 'Other', slug: 'other' },
      ]);
      const chief = (await api('POST', '/auth/register', { email: 'chief@example.test', password: 'another-long-passphrase' }))
        .json.user.id;
      await stand.database.transaction(async (trx) => {
        await setTenants(trx, [acme]);
        await trx('organization_members').insert({ organization_id: acme, user_id: chief, created_at: now });
      });
      const assigned = await api('POST', `/rbac/users/${chief}/roles`, { role: 'ADMIN', organizationId: acme }, boss);
      expect(assigned.status, JSON.stringify(assigned.json)).to.equal(201);
      const token = (await api('POST', '/auth/login', { email: 'chief@example.test', password: 'another-long-passphrase' })).json
        .accessToken;
      const own = { ...body(), name: undefined, trustedDomains: undefined, trustsFactors: undefined };
      for (const [weight, path] of [
        [{ trustedDomains: ['*'] }, '/trustedDomains'],
        [{ trustsFactors: true }, '/trustsFactors'],
      ] as const) {
        const { status, json: problem } = await api('POST', base, { ...own, ...weight }, token);
        expect(status).to.equal(400);
        expect(problem.errors[0].path).to.equal(path);
      }
      expect((await api('POST', base, { ...own, organizationId: other }, token)).status).to.equal(400);
      const { status, json: made } = await api('POST', base, own, token);
      expect(status, JSON.stringify(made)).to.equal(201);
      expect(made).to.include({ organizationId: acme, name: made.id });
      const { json: theirs } = await api('POST', base, { ...own, organizationId: other }, boss);
      expect((await api('GET', `${base}/${theirs.id}`, undefined, token)).status).to.equal(404);
      expect((await api('GET', base, undefined, token)).json.items.map((one: { id: string }) => one.id)).to.deep.equal([made.id]);
      // Offered at the organization's own application only.
      expect((await relyingParty(stand).begin(browserOf(stand))).body).not.to.contain('Partner Works');
      await everyTenant(stand.database, (trx) => trx('clients').where({ client_id: 'app' }).update({ organization_id: acme }));
      await stand.app.rooms.foundation.caches.invalidate(['client:app']);
      expect((await relyingParty(stand).begin(browserOf(stand))).body.match(/Partner Works/g)).to.have.lengthOf(1);
      // SO-05: one issuer, set up by two organizations: two identities, and neither is believed about addresses.
      partner.person = person({ sub: 'shared', email: 'proven@example.test' });
      expect(json(await classic(made.id))).to.include({ reason: 'address_unproven' });
      const one = json(await classic(made.id, '?signUp=true')).user as { id: string };
      const two = json(await classic(theirs.id, '?signUp=true')).user as { id: string };
      expect(one.id).not.to.equal(two.id);
      const members = await stand.database.transaction(async (trx) => {
        await setTenants(trx, 'all');
        return await trx('organization_members').whereIn('user_id', [one.id, two.id]).pluck('organization_id');
      });
      expect(members).to.have.members([acme, other]);
      const joined = await everyTenant(stand.database, (trx) =>
        trx('audit_events').where({ type: 'identity.organization_member_added' }).orderBy('id'),
      );
      expect(joined.map(({ subject_id: id, organization_id: of }) => [id, of])).to.deep.equal([
        [one.id, acme],
        [two.id, other],
      ]);
      // AZ-11: nobody comes in to hold what a rule of the organization keeps apart, be it what everybody holds.
      const apart = { name: 'Apart', permissions: ['session:read:own', 'session:delete:own'], organizationId: acme };
      const { json: rule } = await api('POST', '/rbac/sod-rules', apart, boss);
      partner.person = person({ sub: 'third', email: 'third@example.test' });
      expect(json(await classic(made.id, '?signUp=true')).type).to.equal('urn:castellan:error:duties_conflict');
      expect(await everyTenant(stand.database, (trx) => trx('social_accounts').where({ subject: 'third' }))).to.deep.equal([]);
      expect((await api('DELETE', `/rbac/sod-rules/${rule.id}`, undefined, boss)).status).to.equal(204);
      // SO-06: an organization that is suspended lets nobody in.
      await everyTenant(stand.database, (trx) => trx('organizations').where({ id: acme }).update({ status: 'suspended' }));
      await stand.app.rooms.foundation.caches.invalidate([`organization:${acme}`]);
      expect((await classic(made.id)).status).to.equal(404);
    });
  });
});

describe('A5 rules of sign-up', function rules() {
  this.timeout(60_000);

  it('A3 holds for who comes by a provider: welcome domains, approval, a proven address', async () => {
    const [google, facebook] = await Promise.all([openOidcStandIn(), openFacebookStandIn()]);
    const env = { REGISTRATION_DOMAINS: 'gmail.com', REGISTRATION_APPROVAL: 'required' };
    const stand = await startStand({ env: { ...social('GOOGLE', google.url), ...social('FACEBOOK', facebook.url), ...env } });
    const come = async (provider: string): Promise<Page> => {
      const agent = createAgent(stand.issuer);
      const start = await agent.request(`${stand.issuer}/api/v1/auth/social/${provider}?signUp=true`);
      return travel(agent, start, stand.issuer);
    };
    try {
      google.person = { sub: '1', email: 'jane@elsewhere.example', email_verified: true };
      expect(json(await come('google'))).to.include({ reason: 'sign_up_closed' });
      expect(json(await come('facebook'))).to.include({ reason: 'sign_up_closed' });
      google.person = { sub: '2', email: 'jane@gmail.com', email_verified: true };
      expect((await come('google')).status).to.equal(403);
      const made = await stand.database.knex('users').where({ status: 'pending' });
      expect(made).to.have.lengthOf(1);
      await stand.database.knex('users').where({ id: made[0].id }).update({ status: 'active' });
      expect((await come('google')).status).to.equal(200);
    } finally {
      await stand.close();
      await Promise.all([google.close(), facebook.close()]);
    }
  });

  it('A5 lets nobody new in by a provider either', async () => {
    const google = await openOidcStandIn();
    const stand = await startStand({ env: { ...social('GOOGLE', google.url), REGISTRATION: 'closed' } });
    try {
      const agent = createAgent(stand.issuer);
      const start = await agent.request(`${stand.issuer}/api/v1/auth/social/google?signUp=true`);
      const page = await travel(agent, start, stand.issuer);
      expect(page.status).to.equal(409);
      expect(json(page)).to.include({ reason: 'sign_up_closed' });
    } finally {
      await stand.close();
      await google.close();
    }
  });
});

describe('A3 sign-up rules for people of other providers', function rules() {
  this.timeout(60_000);
  it('hold for their domains, and for approval', async () => {
    const google = await openOidcStandIn();
    const env = { ...social('GOOGLE', google.url), REGISTRATION_DOMAINS: 'gmail.com', REGISTRATION_APPROVAL: 'required' };
    const stand = await startStand({ env: { ...env, OUTBOUND_ALLOW: '127.0.0.1' } });
    try {
      const come = async (email: string) => {
        google.person = {
          sub: email,
          email,
          email_verified: true,
          name: 'Somebody',
          ...(email.endsWith('gmail.com') ? {} : { hd: email.split('@')[1] }),
        };
        const agent = createAgent(stand.issuer);
        return travel(agent, await agent.request(`${stand.issuer}/api/v1/auth/social/google?signUp=true`), stand.issuer);
      };
      const other = await come('somebody@other.test');
      expect(json(other)).to.include({ reason: 'sign_up_closed' });
      const waiting = await come('somebody@gmail.com');
      expect(waiting.body).to.not.contain('accessToken');
      const rows = await stand.database
        .knex('users')
        .join('identifiers', 'user_id', 'users.id')
        .where({ canonical: 'somebody@gmail.com' });
      expect(rows.map(({ status }) => status)).to.deep.equal(['pending']);
      expect(await stand.database.knex('identifiers').where({ canonical: 'somebody@other.test' })).to.have.lengthOf(0);
    } finally {
      await stand.close();
      await google.close();
    }
  });
});
