import { expect } from 'chai';
import { codeAt, stepAt } from '../../src/authn/totp/arithmetic.ts';
import type { Agent, Page } from '../support/agent.ts';
import { createTestClock } from '../support/clock.ts';
import { sayFactorRule, withdrawFactorRule } from '../support/factor-policy.ts';
import { browserOf, relyingClient, relyingParty } from '../support/relying-party.ts';
import { type Stand, startStand } from '../support/stand.ts';

const mfa = 'urn:castellan:acr:mfa';
const password = 'urn:castellan:acr:password';

const keyOn = (page: Page): string => (/id="key">([A-Z2-7 ]+)</.exec(page.body)?.[1] ?? '').replaceAll(' ', '');
const codesOn = (page: Page): string[] => [...page.body.matchAll(/<li><code>([\w-]+)<\/code>/g)].map(([, code = '']) => code);

describe('A6, A9 second factors on hosted pages', function pages() {
  this.timeout(60_000);
  const clock = createTestClock();
  const people = ['ann', 'bob', 'cleo', 'dan', 'eve', 'fay'].map((name) => ({
    email: `${name}@example.test`,
    password: `the-passphrase-of-${name}`,
  }));
  let stand: Stand;
  let keys: Map<string, string>;

  before(async () => {
    stand = await startStand({
      clock,
      bootstrap: { clients: [relyingClient('app'), relyingClient('vault')], users: people },
    });
    await sayFactorRule(stand, { scope: 'client', target: 'vault', requirement: 'required' });
    keys = new Map();
  });
  after(() => stand.close());

  const credentials = (name: string) => ({ login: `${name}@example.test`, password: `the-passphrase-of-${name}` });
  const codeOf = (name: string, drift = 0): string => codeAt(keys.get(name) ?? '', stepAt(clock.now()) + drift);
  /** A code of a time step that has not been used. */
  const freshCode = (name: string): string => {
    clock.advance(60);
    return codeOf(name);
  };

  const signIn = async (name: string, parameters: Record<string, string> = {}, clientId = 'app', agent = browserOf(stand)) => {
    const page = await relyingParty(stand, clientId).begin(agent, parameters);
    return { agent, page: await agent.submit(page, credentials(name)) };
  };

  /** Signs in where a factor is required, and sets up an app on the way. */
  const enrol = async (name: string): Promise<{ agent: Agent; page: Page; codes: string[] }> => {
    const { agent, page } = await signIn(name, {}, 'vault');
    keys.set(name, keyOn(page));
    clock.advance(60);
    const shown = await agent.submit(page, { code: codeOf(name) });
    const codes = codesOn(shown);
    return { agent, page: await agent.submit(shown, { saved: 'yes' }), codes };
  };

  it('A9 signs in by password alone where nobody asks for more', async () => {
    const { agent, page } = await signIn('ann');
    const claims = await relyingParty(stand).end(agent, page);
    expect(claims).to.include({ acr: password });
    expect(claims.amr).to.deep.equal(['pwd']);
  });

  it('A9 sets up an app within the sign-in where a policy requires one, and the relying party sees how it was done', async () => {
    const { agent, page } = await signIn('bob', {}, 'vault');
    const key = keyOn(page);
    expect(key).to.match(/^[A-Z2-7]{32}$/);
    expect(page.body).to.match(/<div class="qr" role="img"[^>]*><svg/);
    const again = await agent.open(page.url);
    expect(keyOn(again), 'the same key after a reload').to.equal(key);
    keys.set('bob', key);
    const wrong = await agent.submit(again, { code: '000000' });
    expect(wrong.status).to.equal(401);
    const shown = await agent.submit(wrong, { code: codeOf('bob') });
    expect(codesOn(shown)).to.have.lengthOf(10);
    const claims = await relyingParty(stand, 'vault').end(agent, await agent.submit(shown, { saved: 'yes' }));
    expect(claims).to.include({ acr: mfa });
    expect(claims.amr).to.deep.equal(['pwd', 'otp', 'mfa']);
  });

  it('A6 asks for the code at the next sign-in, wherever it is', async () => {
    const { agent, page } = await signIn('bob');
    expect(page.body).to.match(/<input[^>]*name="code"/);
    const claims = await relyingParty(stand).end(agent, await agent.submit(page, { code: freshCode('bob') }));
    expect(claims).to.include({ acr: mfa });
  });

  it('MF-01 refuses a code a second time, and one of an older step', async () => {
    const { agent, page } = await signIn('bob');
    const code = freshCode('bob');
    await agent.submit(page, { code });
    const second = await signIn('bob');
    const refused = await second.agent.submit(second.page, { code });
    expect(refused.status).to.equal(401);
    expect((await second.agent.submit(refused, { code: codeOf('bob', -1) })).status).to.equal(401);
    const accepted = await second.agent.submit(refused, { code: codeOf('bob', 1) });
    expect((await relyingParty(stand).end(second.agent, accepted)).acr).to.equal(mfa);
  });

  it('MF-01 accepts a code once: of four sign-ins at the same moment one wins', async () => {
    const tries = await Promise.all(Array.from({ length: 4 }, () => signIn('bob')));
    const code = freshCode('bob');
    const answers = await Promise.all(tries.map(({ agent, page }) => agent.submit(page, { code })));
    expect(answers.filter(({ status }) => status !== 401 && status !== 429)).to.have.lengthOf(1);
  });

  it('MF-04 gives nothing out before the factor is proven', async () => {
    clock.advance(16 * 60);
    const { agent, page } = await signIn('bob');
    const base = new URL(page.url).pathname.replace(/\/mfa$/, '');
    for (const path of [base, `${base}/consent`, `${base}/select-account`, `${base}/enrol`]) {
      const shown = await agent.open(`${stand.issuer}${path}`);
      expect(shown.body, path).to.match(/<input[^>]*name="code"/);
    }
    for (const odd of ['', ' ', 'null', '[]', '000000']) {
      const answer = await agent.submit(page, { code: odd });
      expect(answer.status, odd).to.be.oneOf([400, 401]);
      expect(answer.headers.get('location'), odd).to.equal(null);
    }
    const second = await agent.submit(page, { decision: 'allow', saved: 'yes', code: '' });
    expect(second.status).to.equal(400);
    const silent = await relyingParty(stand).begin(agent, { prompt: 'none' });
    expect(new URL(silent.headers.get('location') ?? '').searchParams.get('error')).to.equal('login_required');
  });

  it('MF-06 lets each recovery code pass once', async () => {
    const { codes } = await enrol('cleo');
    const [code = ''] = codes;
    const first = await signIn('cleo');
    const choice = await first.agent.open(`${first.page.url.replace(/\/mfa$/, '')}/mfa?method=recovery`);
    const claims = await relyingParty(stand).end(first.agent, await first.agent.submit(choice, { code: code.toUpperCase() }));
    expect(claims).to.include({ acr: mfa });
    const second = await signIn('cleo');
    expect((await second.agent.submit(second.page, { code })).status).to.equal(401);
    const rows = await stand.database.knex('recovery_codes').select('code_hash', 'used_at');
    expect(JSON.stringify(rows)).to.not.contain(code.replaceAll('-', ''));
    expect(rows.filter(({ used_at: usedAt }) => usedAt !== null)).to.have.lengthOf(1);
  });

  it('MF-02 stops after five failures over all factors and sign-ins, also for the right code, until the window ends', async () => {
    await enrol('dan');
    let { agent, page } = await signIn('dan');
    for (const code of ['000000', '0000-0000-0000-0000', '111111']) {
      page = await agent.submit(page, { code });
      expect(page.status).to.equal(401);
    }
    ({ agent, page } = await signIn('dan'));
    for (const code of ['222222', '333333']) page = await agent.submit(page, { code });
    expect(page.status).to.equal(401);
    const stopped = await agent.submit(page, { code: freshCode('dan') });
    expect(stopped.status).to.equal(429);
    expect(Number(stopped.headers.get('retry-after'))).to.be.within(1, 900);
    clock.advance(16 * 60);
    const later = await signIn('dan');
    const claims = await relyingParty(stand).end(later.agent, await later.agent.submit(later.page, { code: freshCode('dan') }));
    expect(claims.acr).to.equal(mfa);
  });

  describe('A9 step-up', () => {
    it('OpenID Connect Core §3.1.2.1 raises a session by acr_values, with a factor and without the password', async () => {
      const { agent, page } = await signIn('eve');
      expect((await relyingParty(stand).end(agent, page)).acr).to.equal(password);
      const asked = await relyingParty(stand).begin(agent, { acr_values: mfa });
      keys.set('eve', keyOn(asked));
      expect(asked.body).to.not.match(/name="password"/);
      const shown = await agent.submit(asked, { code: codeOf('eve') });
      const claims = await relyingParty(stand).end(agent, await agent.submit(shown, { saved: 'yes' }));
      expect(claims).to.include({ acr: mfa });
      const silent = await relyingParty(stand).begin(agent, { acr_values: mfa, prompt: 'none' });
      expect((await relyingParty(stand).end(agent, silent)).acr).to.equal(mfa);
    });

    it('SE-01 asks somebody who has a factor for it alone; the session has another id then, and the one before is dead', async () => {
      await enrol('fay');
      await sayFactorRule(stand, { scope: 'site', target: '', requirement: 'off' });
      const { agent, page } = await signIn('fay');
      await withdrawFactorRule(stand, 'site');
      expect((await relyingParty(stand).end(agent, page)).acr, 'switched off for the site').to.equal(password);
      const before = new Map([...agent.cookies].map(([key, kept]) => [key, { ...kept }]));
      const asked = await relyingParty(stand, 'vault').begin(agent);
      expect(asked.body)
        .to.match(/name="code"/)
        .and.not.match(/name="password"/);
      const claims = await relyingParty(stand, 'vault').end(agent, await agent.submit(asked, { code: freshCode('fay') }));
      expect(claims).to.include({ acr: mfa });
      const names = [...before.keys()].filter((key) => key.startsWith('castellan_session'));
      expect(names).to.include('castellan_session;/');
      for (const name of names) expect(agent.cookies.get(name)?.value, name).to.not.equal(before.get(name)?.value);
      const thief = browserOf(stand);
      for (const [key, kept] of before) thief.cookies.set(key, kept);
      const replayed = await relyingParty(stand).begin(thief, { prompt: 'none' });
      expect(await relyingParty(stand).end(thief, replayed)).to.include({ error: 'login_required' });
    });

    it('Core §5.5.1.1 answers an essential acr in the words of the request, and refuses one nobody knows', async () => {
      const essential = (value: string) => ({
        claims: JSON.stringify({ id_token: { acr: { essential: true, values: [value] } } }),
      });
      const { agent, page } = await signIn('ann', essential('urn:mace:incommon:iap:bronze'));
      expect((await relyingParty(stand).end(agent, page)).acr).to.equal('urn:mace:incommon:iap:bronze');
      const unknown = await relyingParty(stand).begin(agent, essential('urn:example:retina'));
      expect(await relyingParty(stand).end(agent, unknown)).to.include({ error: 'unmet_authentication_requirements' });
      const silent = await relyingParty(stand).begin(agent, { ...essential(mfa), prompt: 'none' });
      expect((await relyingParty(stand).end(agent, silent)).error).to.equal('login_required');
    });

    it('max_age and prompt=login ask for everything again', async () => {
      const { agent, page } = await signIn('fay');
      await relyingParty(stand).end(agent, await agent.submit(page, { code: freshCode('fay') }));
      for (const parameters of [{ prompt: 'login' }, { max_age: '0' }]) {
        const asked = await relyingParty(stand).begin(agent, parameters);
        expect(asked.body, JSON.stringify(parameters)).to.match(/name="password"/);
        const next = await agent.submit(asked, credentials('fay'));
        expect(next.body).to.match(/name="code"/);
      }
    });
  });
});
