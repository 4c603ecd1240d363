import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { createApi } from '../support/api.ts';
import { launchChromium } from '../support/chromium.ts';
import { createFlows, type Flows, webClient } from '../support/flows.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';
import { type Stand, startStand } from '../support/stand.ts';

const web = { id: 'web', secret: 'a-secret-of-at-least-thirty-two-characters' };

/** Somebody who is asked for a mailed code. */
const coded = { login: 'cora@example.test', password: 'the-passphrase-of-cora' };

/** How people really use a browser: without script, back and forth, twice, in several tabs. */
describe('A12 sign-in in Chromium, as people do it', function journeys() {
  this.timeout(120_000);
  let stand: Stand;
  let flows: Flows;
  let browser: Browser;
  let application: Server;
  let mailbox: Mailbox;
  let callback: string;
  let arrivals: URL[] = [];

  before(async () => {
    application = createServer((request, response) => {
      const url = new URL(request.url ?? '/', callback);
      if (url.pathname === '/callback') arrivals.push(url);
      response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Acme Reports</title><h1>Welcome</h1>');
    });
    await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
    callback = `http://localhost:${(application.address() as AddressInfo).port}/callback`;
    mailbox = await openMailbox();
    stand = await startStand({
      env: { SMTP_URL: mailbox.url },
      bootstrap: {
        clients: [{ ...webClient(web), redirect_uris: [callback] }],
        users: [{ email: coded.login, password: coded.password, email_verified: true }],
      },
    });
    flows = createFlows(stand.issuer, web, stand.person);
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    application.closeAllConnections();
    application.close();
    await stand?.close();
    await mailbox?.close();
  });

  const open = async (options: { javaScriptEnabled?: boolean } = {}) => {
    arrivals = [];
    const context = await browser.newContext(options);
    return { context, page: await context.newPage() };
  };
  const begin = (state = 'state') => flows.request({ redirect_uri: callback, state });
  const signIn = async (page: Page, { login, password } = stand.person): Promise<void> => {
    await page.fill('input[name=login]', login);
    await page.fill('input[name=password]', password);
    await page.click('button[type=submit]');
  };
  const allow = (page: Page) => page.click('button[name=decision][value=allow]');
  const tokensFor = async (arrival: URL | undefined, verifier: string) => {
    const code = arrival?.searchParams.get('code') ?? '';
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: callback };
    return (await flows.post('/token', form)).status;
  };
  const close = (context: BrowserContext) => context.close();

  it('without script: sign-in, consent, and back at the application', async () => {
    const { context, page } = await open({ javaScriptEnabled: false });
    const { url, verifier } = begin();
    await page.goto(url);
    await signIn(page);
    await allow(page);
    await page.waitForURL(`${callback}*`);
    expect(await tokensFor(arrivals.at(-1), verifier)).to.equal(200);
    await close(context);
  });

  it('back from the consent page: a form of a step that is over says so, and starting again goes straight on', async () => {
    const { context, page } = await open();
    await page.goto(begin().url);
    await signIn(page);
    await page.waitForSelector('button[name=decision]');
    await page.goBack();
    if ((await page.locator('input[name=password]').count()) > 0) await signIn(page);
    await page.waitForSelector('main h1');
    expect(await page.locator('main').textContent()).to.include('no longer valid');
    const { url, verifier } = begin();
    await page.goto(url);
    await allow(page);
    await page.waitForURL(`${callback}*`);
    expect(await tokensFor(arrivals.at(-1), verifier)).to.equal(200);
    await close(context);
  });

  it('back from the application: a page that says what to do, and no second code', async () => {
    const { context, page } = await open();
    await page.goto(begin().url);
    await signIn(page);
    await allow(page);
    await page.waitForURL(`${callback}*`);
    await page.goBack();
    const button = page.locator('button[name=decision][value=allow]');
    if (await button.count()) await button.click();
    await page.waitForLoadState();
    expect(page.url().startsWith(stand.issuer)).to.equal(true);
    expect(await page.locator('h1').count()).to.equal(1);
    expect(await page.locator('main').textContent()).to.not.match(/internal|undefined|\{\{/i);
    expect(arrivals).to.have.length(1);
    await close(context);
  });

  it('a form sent twice in one breath ends at the application all the same', async () => {
    const { context, page } = await open();
    const { url, verifier } = begin();
    await page.goto(url);
    await page.fill('input[name=login]', stand.person.login);
    await page.fill('input[name=password]', stand.person.password);
    // The second submission cancels the first one's answer, not its effect.
    await page.evaluate(`(() => { const form = document.querySelector('form[method=post]'); form.submit(); form.submit(); })()`);
    await page.waitForSelector('button[name=decision]');
    await page.dblclick('button[name=decision][value=allow]', { noWaitAfter: true });
    await page.waitForURL(`${callback}*`);
    expect(await tokensFor(arrivals.at(-1), verifier)).to.equal(200);
    await close(context);
  });

  it('two tabs: each sign-in comes back to its own tab', async () => {
    const { context, page } = await open();
    const [one, two] = [begin('one'), begin('two')];
    const other = await context.newPage();
    await page.goto(one.url);
    await other.goto(two.url);
    await signIn(page);
    await page.waitForSelector('button[name=decision]');
    await signIn(other);
    await allow(other);
    await other.waitForURL(`${callback}*`);
    await allow(page);
    await page.waitForURL(`${callback}*`);
    const states = arrivals.map(({ searchParams }) => searchParams.get('state'));
    expect(states).to.have.members(['one', 'two']);
    const verifiers: Record<string, string> = { one: one.verifier, two: two.verifier };
    for (const arrival of arrivals) {
      const verifier = verifiers[arrival.searchParams.get('state') ?? ''] ?? '';
      expect(await tokensFor(arrival, verifier), arrival.searchParams.get('state') ?? '').to.equal(200);
    }
    await close(context);
  });

  it('a reload of the sign-in and of the consent page changes nothing', async () => {
    const { context, page } = await open();
    const { url, verifier } = begin();
    await page.goto(url);
    await page.reload();
    await signIn(page);
    await page.waitForSelector('button[name=decision]');
    await page.reload();
    await allow(page);
    await page.waitForURL(`${callback}*`);
    expect(await tokensFor(arrivals.at(-1), verifier)).to.equal(200);
    await close(context);
  });

  it('PW-01 after guesses from elsewhere the page works for the person: a wrong password is told, the right one goes on', async () => {
    const { login: email } = stand.person;
    const counters = () => stand.database.knex('failure_counters');
    await createApi(() => stand.issuer)('POST', '/auth/login', { email, password: 'not the right one' });
    await counters()
      .whereNotNull('subject')
      .where('window_ends_at', '>', new Date(Date.now() + 3_600_000))
      .update({ count: 20 });
    const { context, page } = await open();
    const { url, verifier } = begin();
    await page.goto(url);
    await signIn(page);
    await page.waitForSelector('input[data-work]', { state: 'attached' });
    // A quarter of a million digests, on a machine that may be busy.
    page.setDefaultTimeout(90_000);
    expect(await page.locator('main').textContent()).to.not.match(/mailed code|sha/i);
    const refused = page.waitForResponse((response) => response.request().method() === 'POST' && response.status() === 401);
    await signIn(page, { login: email, password: 'not the right one' });
    await refused;
    await page.waitForLoadState();
    expect(await page.locator('input[name=password]').inputValue()).to.equal('');
    expect(await page.locator('input[data-work]').count(), 'work for the next try').to.equal(1);
    // Also for whoever types slowly: the work is done before the form is sent.
    await page.waitForSelector('input[data-work]:not([value=""])', { state: 'attached' });
    await page.fill('input[name=password]', stand.person.password);
    await page.dblclick('button[type=submit]:not([name])', { noWaitAfter: true });
    await allow(page);
    await page.waitForURL(`${callback}*`);
    expect(await tokensFor(arrivals.at(-1), verifier)).to.equal(200);
    await counters().delete();
    await close(context);
  });

  describe('A8 a mailed code as second factor', () => {
    /** Between them there are mails about new browsers. */
    const codeIn = async (): Promise<string> => {
      for (;;) {
        const code = /^ {4}(\d{6})$/m.exec((await mailbox.next(coded.login)).text)?.[1];
        if (code !== undefined) return code;
      }
    };

    before(async () => {
      const api = createApi(() => stand.issuer);
      const { json } = await api('POST', '/auth/login', { email: coded.login, password: coded.password });
      const { deviceId } = (await api('POST', '/mfa/email/enable', {}, json.accessToken)).json;
      const code = await codeIn();
      expect((await api('POST', '/mfa/email/verify', { deviceId, code }, json.accessToken)).status).to.equal(200);
      await mailbox.next(coded.login);
      await stand.database.knex('failure_counters').delete();
    });

    it('is sent when asked for, once; it leads on, and back from there says that the step is over', async () => {
      const { context, page } = await open();
      await page.goto(begin().url);
      await signIn(page, coded);
      await page.waitForSelector('button[name=send]');
      const sent = () => mailbox.mails.filter(({ subject }) => /code/i.test(subject)).length;
      const before = sent();
      await page.click('button[name=send]');
      await page.waitForSelector('input[name=code]');
      const code = await codeIn();
      const submit = () => page.click('form[method=post] button[type=submit]:not([name])');
      await page.reload();
      expect(sent(), 'nothing is sent by opening the page or loading it again').to.equal(before + 1);
      await page.fill('input[name=code]', code);
      await submit();
      await page.waitForSelector('button[name=decision]');
      await page.goBack();
      await page.waitForSelector('main h1');
      expect(await page.locator('main').textContent()).to.include('no longer valid');
      expect(arrivals).to.have.length(0);
      const again = begin();
      await page.goto(again.url);
      await allow(page);
      await page.waitForURL(`${callback}*`);
      expect(await tokensFor(arrivals.at(-1), again.verifier)).to.equal(200);
      await close(context);
    });

    it('a wrong code is told at its field, which has the focus; the right one still leads on', async () => {
      await stand.database.knex('failure_counters').delete();
      const { context, page } = await open();
      await page.goto(begin().url);
      await signIn(page, coded);
      await page.click('button[name=send]');
      await page.waitForSelector('input[name=code]');
      const code = await codeIn();
      const submit = () => page.click('form[method=post] button[type=submit]:not([name])');
      await page.fill('input[name=code]', code === '000000' ? '111111' : '000000');
      await submit();
      await page.waitForSelector('input[name=code][aria-invalid=true]');
      expect(await page.evaluate(`document.querySelector('[role=alert], .summary')?.textContent`)).to.be.a('string');
      await page.fill('input[name=code]', code);
      await submit();
      await page.waitForSelector('button[name=decision]');
      await close(context);
    });

    it('works without script, and another window cannot use it', async () => {
      await stand.database.knex('failure_counters').delete();
      const { context, page } = await open({ javaScriptEnabled: false });
      await page.goto(begin().url);
      await signIn(page, coded);
      await page.click('button[name=send]');
      const code = await codeIn();
      const other = await browser.newContext({ javaScriptEnabled: false });
      const elsewhere = await other.newPage();
      await elsewhere.goto(begin().url);
      await signIn(elsewhere, coded);
      if ((await elsewhere.locator('input[name=code]').count()) > 0) {
        await elsewhere.fill('input[name=code]', code);
        await elsewhere.click('form[method=post] button[type=submit]:not([name])');
        expect(await elsewhere.locator('button[name=decision]').count(), 'in another window').to.equal(0);
      }
      await page.fill('input[name=code]', code);
      await page.click('form[method=post] button[type=submit]:not([name])');
      await page.waitForSelector('button[name=decision]');
      await other.close();
      await close(context);
    });
  });
});
