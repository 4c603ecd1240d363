import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launchChromium } from '../support/chromium.ts';
import { createFlows, type Flows, webClient } from '../support/flows.ts';
import { type Stand, startStand } from '../support/stand.ts';

const web = { id: 'web', secret: 'a-secret-of-at-least-thirty-two-characters' };

/** How people really use a browser: without script, back and forth, twice, in several tabs. */
describe('A12 sign-in in Chromium, as people do it', function journeys() {
  this.timeout(120_000);
  let stand: Stand;
  let flows: Flows;
  let browser: Browser;
  let application: Server;
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
    stand = await startStand({ bootstrap: { clients: [{ ...webClient(web), redirect_uris: [callback] }] } });
    flows = createFlows(stand.issuer, web, stand.person);
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    application.closeAllConnections();
    application.close();
    await stand?.close();
  });

  const open = async (options: { javaScriptEnabled?: boolean } = {}) => {
    arrivals = [];
    const context = await browser.newContext(options);
    return { context, page: await context.newPage() };
  };
  const begin = (state = 'state') => flows.request({ redirect_uri: callback, state });
  const signIn = async (page: Page): Promise<void> => {
    await page.fill('input[name=login]', stand.person.login);
    await page.fill('input[name=password]', stand.person.password);
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
});
