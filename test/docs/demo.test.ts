import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../support/chromium.ts';
import { embeddedCopy, type TestLocation } from '../support/database.ts';
import { freePort, type RunningServer, startServer } from '../support/process.ts';

const password = 'plum-orbit-cabin-41';
const submit = 'form[method=post] button[type=submit]:not([name])';

/** What somebody gets who presses the button before the banner is there; a refused connection is tried again. */
const firstAnswer = async (application: string): Promise<{ status: number; location: string | null }> => {
  for (;;) {
    try {
      const form = { method: 'POST', redirect: 'manual', headers: { origin: application } } as const;
      const { status, headers } = await fetch(`${application}/sign-in`, form);
      return { status, location: headers.get('location') };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
};

describe('O12 npm run demo', function demo() {
  this.timeout(180_000);
  let place: TestLocation;
  let server: RunningServer;
  let browser: Browser;
  let application: string;
  let early: Awaited<ReturnType<typeof firstAnswer>>;

  before(async () => {
    place = await embeddedCopy();
    const port = await freePort();
    application = `http://localhost:${port}`;
    const starting = startServer({ DATA_DIR: place.dataDir, DEMO_PORT: String(port) }, 'docs/examples/demo/main.ts');
    [server, early] = await Promise.all([starting, firstAnswer(application)]);
    browser = await launchChromium();
  });
  after(async () => {
    await browser.close();
    await server.stop();
    await place.remove();
  });

  it('answers nobody before Castellan can: who was too early waits a moment and is led to it', () => {
    expect(early.status).to.equal(303);
    expect(early.location).to.include(`${server.issuer}/authorize?`);
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

  it('says what is wrong before it opens anything: an issuer not on loopback, no port, a port that is taken', async () => {
    const taken = new URL(application).port;
    const ends = [
      [{ ISSUER: 'https://id.example.com' }, 'ended with 2', 'loopback'],
      [{ DEMO_PORT: 'many' }, 'ended with 2', 'DEMO_PORT'],
      [{ DEMO_PORT: taken }, 'ended with 1', `DEMO_PORT: ${taken} is taken`],
    ] as const;
    const begun = ends.map(([env]) => startServer({ DATA_DIR: ':memory:', ...env }, 'docs/examples/demo/main.ts'));
    for (const [index, one] of (await Promise.allSettled(begun)).entries()) {
      expect(one.status === 'rejected' && one.reason.message)
        .to.include(ends[index]?.[1])
        .and.to.include(ends[index]?.[2]);
    }
  });
});
