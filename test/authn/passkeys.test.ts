import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../support/chromium.ts';
import { createTestClock } from '../support/clock.ts';
import { sayFactorRule } from '../support/factor-policy.ts';
import { type CallbackServer, openCallbackServer, openPasskeyBrowser, type PasskeyBrowser } from '../support/passkeys.ts';
import { authorizationUrl, claimsFor, relyingClient } from '../support/relying-party.ts';
import { type Stand, startStand } from '../support/stand.ts';

const mfa = 'urn:castellan:acr:mfa';

describe('A7 passkeys in Chromium', function passkeys() {
  this.timeout(120_000);
  const clock = createTestClock();
  let stand: Stand;
  let browser: Browser;
  let party: CallbackServer;

  before(async () => {
    const users = ['ann', 'bob'].map((name) => ({ email: `${name}@example.test`, password: `the-passphrase-of-${name}` }));
    party = await openCallbackServer();
    const clients = [relyingClient('app', party.url), relyingClient('vault', party.url)];
    stand = await startStand({ clock, bootstrap: { clients, users } });
    await sayFactorRule(stand, { scope: 'client', target: 'vault', requirement: 'required' });
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await stand?.close();
    party?.close();
  });
  const startAt = (clientId: string): string => authorizationUrl(stand, clientId, { redirect_uri: party.url });

  const signIn = async (page: Page, name: string): Promise<void> => {
    await page.fill('[name=login]', `${name}@example.test`);
    await page.fill('[name=password]', `the-passphrase-of-${name}`);
    await page.click('form button[type=submit]');
  };
  /** Passes consent where it is asked; the claims of the sign-in. */
  const claimsOf = async ({ page }: PasskeyBrowser, clientId: string): Promise<Record<string, unknown>> => {
    const arrived = page.waitForURL(`${party.url}**`);
    const allow = page.locator('[name=decision][value=allow]');
    await Promise.race([allow.click().catch(() => undefined), arrived]);
    await arrived;
    return claimsFor(stand, clientId, party.seen.at(-1)?.searchParams.get('code') ?? '', party.url);
  };
  /** Signs in where a factor is required and sets up a passkey on the way. */
  const enrol = async (machine: PasskeyBrowser, name: string): Promise<Record<string, unknown>> => {
    await machine.page.goto(startAt('vault'));
    await signIn(machine.page, name);
    await machine.page.click('[data-passkey-button]');
    await machine.page.waitForSelector('#codes');
    expect(await machine.page.locator('#codes li').count()).to.equal(10);
    await machine.page.check('[name=saved]');
    await machine.page.click('button[type=submit]');
    return claimsOf(machine, 'vault');
  };

  it('MF-07 sets one up within a sign-in, then signs in with nothing else', async () => {
    const machine = await openPasskeyBrowser(browser);
    const first = await enrol(machine, 'ann');
    expect(first).to.include({ acr: mfa });
    const [credential] = await machine.credentials();
    expect(credential).to.include({ isResidentCredential: true });

    await machine.context.clearCookies();
    await machine.press(false);
    await machine.page.goto(startAt('app'));
    await machine.page.waitForSelector('[data-passkey-button]:not([hidden])');
    await machine.press(true);
    await machine.page.click('[data-passkey-button]');
    const claims = await claimsOf(machine, 'app');
    expect(claims).to.include({ acr: mfa, sub: first.sub });
    expect(claims.amr).to.include.members(['user', 'mfa']);
    expect((await machine.credentials())[0]?.signCount).to.be.greaterThan(credential?.signCount ?? 0);

    // Conditional mediation: the browser offers it by itself, and whoever picks it is signed in.
    await machine.context.clearCookies();
    await machine.page.goto(startAt('app'));
    expect(await claimsOf(machine, 'app')).to.include({ acr: mfa, sub: first.sub });
    await machine.close();
  });

  it('MF-08 takes one as second factor after the password, and refuses a counter that went back', async () => {
    const machine = await openPasskeyBrowser(browser, { verifiesUser: false });
    await enrol(machine, 'bob');
    await machine.context.clearCookies();
    await machine.page.goto(startAt('app'));
    await signIn(machine.page, 'bob');
    await machine.page.click('[data-passkey-button]');
    const claims = await claimsOf(machine, 'app');
    expect(claims).to.include({ acr: mfa });
    expect(claims.amr).to.deep.equal(['pwd', 'hwk', 'mfa']);

    const rows = stand.database.knex('mfa_devices').whereNotNull('sign_count').orderBy('id', 'desc');
    const [before] = await rows.clone().select('id', 'last_used_at');
    await rows.clone().where({ id: before.id }).update({ sign_count: 1000 });
    await machine.context.clearCookies();
    await machine.page.goto(startAt('app'));
    await signIn(machine.page, 'bob');
    await machine.page.click('[data-passkey-button]');
    await machine.page.waitForSelector('#errors');
    const [row] = await rows.clone().select('sign_count', 'last_used_at');
    expect(row).to.deep.equal({ sign_count: '1000', last_used_at: before.last_used_at });
    await machine.close();
  });
});
