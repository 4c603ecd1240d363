import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../support/chromium.ts';
import { embeddedCopy, type TestLocation } from '../support/database.ts';
import { freePort, type RunningServer, startServer } from '../support/process.ts';

const password = 'plum-orbit-cabin-41';
const submit = 'form[method=post] button[type=submit]:not([name])';

describe('O12 npm run demo', function demo() {
  this.timeout(180_000);
  let place: TestLocation;
  let server: RunningServer;
  let browser: Browser;
  let application: string;

  before(async () => {
    place = await embeddedCopy();
    const port = await freePort();
    application = `http://localhost:${port}`;
    server = await startServer({ DATA_DIR: place.dataDir, DEMO_PORT: String(port) }, 'docs/examples/demo/main.ts');
    browser = await launchChromium();
  });
  after(async () => {
    await browser.close();
    await server.stop();
    await place.remove();
  });

  it('a stranger signs up, signs in, sees the claims, refreshes, asks, and signs out, all without script', async () => {
    expect(server.stderr()).to.include(application);
    const context = await browser.newContext({ javaScriptEnabled: false });
    const tab = await context.newPage();
    const text = (): Promise<string | null> => tab.locator('main').textContent();
    await tab.goto(application);
    await tab.click('text=Sign in');
    await tab.click('a[href*="/signup"]');
    await tab.fill('input[name=name]', 'Ann Stranger');
    await tab.fill('input[name=login]', 'ann@example.com');
    await tab.fill('input[name=password]', password);
    await tab.click(submit);
    await tab.fill('input[name=login]', 'ann@example.com');
    await tab.fill('input[name=password]', password);
    await tab.click(submit);
    expect(await text())
      .to.include('Orders (demo)')
      .and.to.include('ann@example.com');
    await tab.click('button[name=decision][value=allow]');
    await tab.waitForURL(`${application}/**`);
    expect(await text())
      .to.include('Hello, Ann Stranger')
      .and.to.include(server.issuer);
    await tab.click('button:has-text("Refresh")');
    expect(await text()).to.include('Refreshed once');
    await tab.click('button:has-text("Refresh")');
    expect(await text()).to.include('Refreshed 2 times');
    await tab.click('button:has-text("Introspect")');
    expect(await text()).to.include('"active": true');
    await tab.click('button:has-text("Ask userinfo")');
    expect(await text()).to.include('"email": "ann@example.com"');
    await tab.click('button:has-text("Sign out")');
    await tab.click('button[name=logout][value=yes]');
    await tab.waitForURL(`${application}/**`);
    expect(await text()).to.include('You are signed out here.');
    await tab.click('button:has-text("Sign in")');
    expect(await tab.locator('input[name=password]').count(), 'asked again').to.equal(1);
    await context.close();
  });

  it('comes back kindly when the person says no, and refuses forms of other sites', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const tab = await context.newPage();
    await tab.goto(application);
    await tab.click('text=Sign in');
    await tab.fill('input[name=login]', 'ann@example.com');
    await tab.fill('input[name=password]', password);
    await tab.click(submit);
    await tab.click('button[name=decision][value=deny]');
    await tab.waitForURL(`${application}/**`);
    expect(await tab.locator('main').textContent()).to.include('You did not allow it');
    await context.close();
    const foreign = await fetch(`${application}/sign-out`, { method: 'POST', headers: { origin: 'https://evil.example' } });
    expect(foreign.status).to.equal(403);
  });

  it('is for loopback only', async () => {
    const env = { ISSUER: 'https://id.example.com', DATA_DIR: ':memory:', DEMO_PORT: '0' };
    const error = await startServer(env, 'docs/examples/demo/main.ts').catch((problem: Error) => problem.message);
    expect(error).to.include('ended with 2').and.to.include('loopback');
  });
});
