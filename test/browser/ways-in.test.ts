import { expect } from 'chai';
import { decodeJwt } from 'jose';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { codeAt, stepAt } from '../../src/authn/totp/arithmetic.ts';
import { createApi } from '../support/api.ts';
import { launchChromium } from '../support/chromium.ts';
import { createTestClock } from '../support/clock.ts';
import { ask, createFlows, deviceClient, type Flows, webClient } from '../support/flows.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';
import { type CallbackServer, openCallbackServer } from '../support/passkeys.ts';
import { type Stand, startStand } from '../support/stand.ts';

const mfa = 'urn:castellan:acr:mfa';
const web = { id: 'web', secret: 'a-secret-of-at-least-thirty-two-characters' };
const people = ['ann', 'bob', 'eve', 'fay', 'gus', 'hal'].map((name) => ({
  email: `${name}@example.test`,
  password: `the-passphrase-of-${name}`,
  email_verified: true,
}));

/** Each way from a relying party through the pages and back, in a real browser; the same ways over HTTP are in `test/authn`. */
describe('A2 A3 A6 A9 ways in, in Chromium', function waysIn() {
  this.timeout(120_000);
  const clock = createTestClock();
  const api = createApi(() => stand.issuer);
  let stand: Stand;
  let flows: Flows;
  let browser: Browser;
  let party: CallbackServer;
  let mailbox: Mailbox;
  let context: BrowserContext;
  let page: Page;

  before(async () => {
    [mailbox, party, browser] = await Promise.all([openMailbox(), openCallbackServer(), launchChromium()]);
    const client = { ...webClient(web), redirect_uris: [party.url] };
    const till = {
      ...client,
      client_id: 'till',
      client_name: 'The till',
      grant_types: ['urn:openid:params:grant-type:ciba'],
      response_types: [],
      redirect_uris: [],
      backchannel_token_delivery_mode: 'poll',
    };
    const clients = [client, deviceClient({ id: 'tv' }), till];
    stand = await startStand({ clock, env: { SMTP_URL: mailbox.url }, bootstrap: { clients, users: people } });
    flows = createFlows(stand.issuer, web, stand.person);
  });
  after(async () => {
    await browser?.close();
    party?.close();
    await stand?.close();
    await mailbox?.close();
  });
  beforeEach(async () => {
    context = await browser.newContext();
    page = await context.newPage();
  });
  afterEach(() => context.close());

  const begin = async (parameters: Record<string, string> = {}): Promise<string> => {
    const { url, verifier } = flows.request({ redirect_uri: party.url, ...parameters });
    await page.goto(url);
    return verifier;
  };
  /** Says yes, and the tokens of what the browser brings back. */
  const end = async (verifier: string, parameters: Record<string, string> = {}) => {
    const before = party.seen.length;
    await page.click('[name=decision][value=allow]');
    await page.waitForURL(`${party.url}**`);
    const code = party.seen.slice(before).at(-1)?.searchParams.get('code') ?? '';
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: party.url, ...parameters };
    const { status, body } = await flows.post('/token', form);
    expect(status, JSON.stringify(body)).to.equal(200);
    return { access: String(body.access_token), claims: decodeJwt(String(body.id_token)) };
  };
  const submit = () => page.click('form[method=post] button[type=submit]:not([name])');
  const signIn = async (login: string, password: string): Promise<void> => {
    await page.fill('[name=login]', login);
    await page.fill('[name=password]', password);
    await submit();
  };
  const signInAs = (name: string) => signIn(`${name}@example.test`, `the-passphrase-of-${name}`);
  const letter = async (to: string, path: string): Promise<string> => {
    for (;;) {
      const link = new RegExp(`https?:\\S+${path}\\?\\S+`).exec((await mailbox.next(to)).text)?.[0];
      if (link !== undefined) return link;
    }
  };
  const enterCode = async (key: string): Promise<void> => {
    // A code of a time step that has not been used.
    clock.advance(60);
    await page.fill('[name=code]', codeAt(key, stepAt(clock.now())));
    await submit();
  };
  /** Sets up an app where the sign-in asks for a factor, and keeps the codes. */
  const setUpApp = async (): Promise<string> => {
    const key = ((await page.textContent('#key')) ?? '').replaceAll(' ', '');
    await enterCode(key);
    await page.check('[name=saved]');
    await submit();
    return key;
  };

  it('A6 password, then the app’s code, consent, and back: by the keyboard alone, with the focus where the work is', async () => {
    const first = await begin({ acr_values: mfa });
    await signInAs('ann');
    const key = await setUpApp();
    expect((await end(first)).claims).to.include({ acr: mfa });

    await context.clearCookies();
    const verifier = await begin();
    const { keyboard } = page;
    const focus = () => page.evaluate('document.activeElement.name || document.activeElement.id');
    expect(await focus()).to.equal('login');
    await keyboard.type('ann@example.test');
    // The reveal button stands between; it is part of the password's row.
    for (let step = 0; step < 3 && (await focus()) !== 'password'; step += 1) await keyboard.press('Tab');
    await keyboard.type('the-passphrase-of-ann');
    await keyboard.press('Enter');
    await page.waitForSelector('[name=code]');
    expect(await focus()).to.equal('code');
    clock.advance(60);
    await keyboard.type(codeAt(key, stepAt(clock.now())));
    await keyboard.press('Enter');
    await page.waitForSelector('[name=decision]');
    const isAllow = () => page.evaluate('document.activeElement.value === "allow"');
    for (let step = 0; step < 20 && !(await isAllow()); step += 1) await keyboard.press('Tab');
    const before = party.seen.length;
    await keyboard.press('Enter');
    await page.waitForURL(`${party.url}**`);
    const code = party.seen.slice(before).at(-1)?.searchParams.get('code') ?? '';
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: party.url };
    const { body } = await flows.post('/token', form);
    const claims = decodeJwt(String(body.id_token));
    expect(claims.amr).to.deep.equal(['pwd', 'otp', 'mfa']);
  });

  it('A3 sign-up, the mailed link, and on to the application that it began with', async () => {
    await begin();
    await page.click('text=Sign up');
    await signIn('new@example.test', 'a-long-passphrase-of-mine');
    expect(await page.textContent('main')).to.contain('Thank you');
    await page.goto(await letter('new@example.test', '/verify'));
    expect(page.url(), 'RS-09').to.equal(`${stand.issuer}/verify`);
    await page.reload();
    await submit();
    expect(await page.textContent('h1')).to.equal('Your address is confirmed');
    await page.click('text=Continue to Acme Reports');
    await signIn('new@example.test', 'a-long-passphrase-of-mine');
    await page.waitForSelector('[name=decision]');
    expect(await page.textContent('main')).to.contain('new@example.test');
    const row = await stand.database.knex('identifiers').where({ value: 'new@example.test' }).first('verified_at');
    expect(row.verified_at).to.be.an.instanceOf(Date);
  });

  it('A2 a forgotten password: mail, new password, and on to the application; back and again say that the link is used', async () => {
    await begin();
    await page.click('text=Forgot');
    await page.fill('[name=login]', 'bob@example.test');
    await submit();
    const link = await letter('bob@example.test', '/reset');
    await page.goto(link);
    await page.fill('[name=password]', 'another-passphrase-of-bob');
    await submit();
    expect(await page.textContent('h1')).to.equal('Your password is changed');
    const over = await context.newPage();
    await over.goto(link);
    expect(await over.textContent('h1')).to.equal('This link no longer works');
    await over.close();
    await page.goBack();
    await page.reload();
    expect(await page.locator('[name=password]').count(), 'nothing to fill in any more').to.equal(0);
    const verifier = await begin();
    await signIn('bob@example.test', 'another-passphrase-of-bob');
    expect((await end(verifier)).claims.amr).to.deep.equal(['pwd']);
  });

  it('A9 step-up from acr 1 to 2: by the relying party’s request, then as RFC 9470 asks for it at our own API', async () => {
    const resource = { resource: stand.issuer };
    const wish = { ...resource, scope: 'openid api' };
    const first = await begin(wish);
    await signInAs('eve');
    const weak = await end(first, resource);
    expect(weak.claims.acr).to.not.equal(mfa);

    const second = await begin({ ...wish, acr_values: mfa });
    expect(await page.locator('[name=password]').count(), 'no password again').to.equal(0);
    const key = await setUpApp();
    const strong = await end(second, resource);
    expect(strong.claims).to.include({ acr: mfa, sub: weak.claims.sub });

    const enable = (token: string) => api('POST', '/mfa/totp/enable', {}, token);
    const refused = await enable(weak.access);
    expect(refused.status).to.equal(401);
    const challenge = refused.headers.get('www-authenticate') ?? '';
    const asked = (name: string): string => new RegExp(`${name}="([^"]+)"`).exec(challenge)?.[1] ?? '';
    expect(asked('error')).to.equal('insufficient_user_authentication');
    await context.clearCookies();
    const third = await begin({ ...wish, acr_values: asked('acr_values'), max_age: asked('max_age') });
    await signInAs('eve');
    await enterCode(key);
    const proven = await end(third, resource);
    expect(proven.claims).to.include({ acr: mfa, sub: weak.claims.sub });
    expect((await enable(proven.access)).status).to.equal(200);
  });

  describe('back, reload, twice, and in another tab', () => {
    const heading = () => page.textContent('h1');
    const twice = (selector: string) => page.dblclick(selector, { noWaitAfter: true });
    const signedIn = async (name: string): Promise<void> => {
      const verifier = await begin();
      await signInAs(name);
      await end(verifier);
    };
    const withoutScript = async (): Promise<void> => {
      await context.close();
      context = await browser.newContext({ javaScriptEnabled: false });
      page = await context.newPage();
    };

    it('A6 A8 without script: a reload keeps the key of an app, and a remembered browser is not asked again', async () => {
      await withoutScript();
      const first = await begin({ acr_values: mfa });
      await signInAs('fay');
      const shown = await page.textContent('#key');
      await page.reload();
      expect(await page.textContent('#key')).to.equal(shown);
      const key = (shown ?? '').replaceAll(' ', '');
      await enterCode(key);
      expect(await page.locator('#codes li').count()).to.equal(10);
      await page.goto(page.url().replace('/enrol', ''));
      expect((await end(first)).claims, 'the factor is proven').to.include({ acr: mfa });

      await context.clearCookies();
      const second = await begin();
      await signInAs('fay');
      await page.waitForSelector('[name=remember]');
      await page.reload();
      await page.check('[name=remember]');
      await enterCode(key);
      await end(second);
      const kept = ['castellan_trusted', 'castellan_device'];
      const cookies = (await context.cookies()).filter(({ name }) => kept.includes(name));
      await context.clearCookies();
      await context.addCookies(cookies);
      const third = await begin();
      await signInAs('fay');
      expect((await end(third)).claims.amr).to.include('pwd');
    });

    it('P8 the account chooser: whoever takes another account signs in to that one, also by a double click, and comes back as it', async () => {
      await signedIn('gus');
      for (const choose of [(selector: string) => page.click(selector), twice]) {
        const verifier = await begin({ prompt: 'select_account consent' });
        await page.reload();
        await choose('[name=account][value=other]');
        await page.waitForSelector('[name=password]');
        expect(await page.textContent('main')).to.not.contain('confirm that it is you');
        await signInAs('hal');
        const { access } = await end(verifier);
        expect((await flows.userinfo(access)).body.email).to.equal('hal@example.test');
        await context.clearCookies();
        await signedIn('gus');
      }
    });

    it('P1 a device: a wrong code, the right one, yes twice; afterwards pages say that it is over', async () => {
      const fields = new URLSearchParams({ client_id: 'tv', scope: 'openid' });
      const { body } = await ask(`${stand.issuer}/device/code`, { method: 'POST', body: fields });
      await page.goto(`${stand.issuer}/device`);
      await page.fill('[name=user_code]', 'BBBB-BBBB');
      await submit();
      await page.waitForSelector('[name=user_code][aria-invalid=true]');
      await page.fill('[name=user_code]', String(body.user_code).toLowerCase());
      await submit();
      await page.waitForSelector('[name=decision]');
      await page.reload();
      await twice('[name=decision][value=allow]');
      await page.waitForSelector('[name=password]');
      await signInAs('gus');
      await page.waitForSelector('[name=decision]');
      await twice('[name=decision][value=allow]');
      await page.waitForSelector('text=Your device is connected');
      for (const leave of [() => page.reload(), () => page.goBack()]) {
        await leave();
        expect(await heading()).to.equal('This page is no longer valid');
      }
    });

    it('P1 an approval and a sign-out: answered in one tab, over in the other', async () => {
      await signedIn('gus');
      const other = await context.newPage();
      const authorization = `Basic ${Buffer.from(`till:${web.secret}`).toString('base64')}`;
      const asked = new URLSearchParams({ scope: 'openid', login_hint: 'gus@example.test', binding_message: '4-RED' });
      const { status } = await ask(`${stand.issuer}/backchannel`, { method: 'POST', headers: { authorization }, body: asked });
      expect(status).to.equal(200);
      for (const tab of [page, other]) await tab.goto(`${stand.issuer}/approvals`);
      await page.click('[name=decision][value=allow]');
      expect(await heading()).to.equal('Allowed');
      await other.click('[name=decision][value=deny]');
      expect(await other.textContent('h1')).to.equal('This request is over');

      for (const tab of [page, other]) await tab.goto(`${stand.issuer}/logout`);
      await page.click('[name=logout]');
      expect(await heading(), 'the newer page counts').to.equal('Sign out once more');
      await other.click('[name=logout]');
      expect(await other.textContent('h1')).to.equal('You are signed out');
      await page.goBack();
      await page.reload();
      expect(await heading(), 'nobody is signed in').to.equal('You are signed out');
    });
  });
});
