import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../support/chromium.ts';
import { openCallbackServer } from '../support/passkeys.ts';
import { authorizationUrl, claimsFor, relyingClient } from '../support/relying-party.ts';
import { type Stand, startStand } from '../support/stand.ts';
import { upstreamClient } from '../support/upstreams.ts';

const password = 'a-long-enough-passphrase';
const secret = 'a-secret-of-at-least-thirty-two-characters';

describe('A5 a second Castellan as upstream, in Chromium', function castellan() {
  this.timeout(240_000);
  let upstream: Stand;
  let stand: Stand;
  let browser: Browser;
  let callback: Awaited<ReturnType<typeof openCallbackServer>>;

  before(async () => {
    [browser, callback] = await Promise.all([launchChromium(), openCallbackServer()]);
    stand = await startStand({
      env: { OUTBOUND_ALLOW: 'localhost,127.0.0.1,::1' },
      bootstrap: {
        clients: [relyingClient('app', callback.url)],
        users: [
          { email: 'ann@example.test', password, email_verified: true, name: 'Ann Here' },
          { email: 'bob@example.test', password, email_verified: true },
          { email: 'boss@example.test', password, email_verified: true, roles: ['SUPER_ADMIN'] },
        ],
      },
    });
    upstream = await startStand({
      host: '127.0.0.1',
      bootstrap: {
        clients: [
          {
            ...relyingClient(upstreamClient.id, `${stand.issuer}/api/v1/auth/social/works/callback`),
            client_name: 'Castellan of Acme',
          },
        ],
        users: [
          { email: 'ann@works.example', password, email_verified: true, name: 'Ann at Works' },
          { email: 'bob@example.test', password, email_verified: false, name: 'Not Bob' },
        ],
      },
    });
    const api = `${stand.issuer}/api/v1`;
    const post = async (path: string, body: unknown, token?: string) => {
      const headers = {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      };
      const response = await fetch(`${api}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      if (!response.ok) throw new Error(await response.text());
      return (await response.json()) as Record<string, string>;
    };
    const { accessToken } = await post('/auth/login', { email: 'boss@example.test', password });
    await post(
      '/identity-providers',
      {
        kind: 'oidc',
        name: 'works',
        displayName: 'Works',
        issuer: upstream.issuer,
        clientId: upstreamClient.id,
        clientSecret: secret,
        trustedDomains: ['works.example'],
      },
      accessToken,
    );
  });
  after(async () => {
    await browser?.close();
    callback?.close();
    await stand?.close();
    await upstream?.close();
  });

  /** Signs in at whichever of the two the page belongs to, and agrees where it asks. */
  const signIn = async (page: Page, email: string): Promise<void> => {
    await page.fill('input[name=login]', email);
    await page.fill('input[name=password]', password);
    await page.click('button.primary[type=submit]');
  };
  /** Says yes where a page asks; consent is asked for once. */
  const agree = async (page: Page, isThere: (url: URL) => boolean): Promise<void> => {
    const allow = page.locator('button[name=decision][value=allow]');
    const asked = allow.waitFor().then(() => true);
    const there = page.waitForURL(isThere, { waitUntil: 'commit' }).then(() => false);
    for (const one of [asked, there]) one.catch(() => undefined);
    if (await Promise.race([asked, there])) await allow.click();
  };
  const signInAtWorks = async (page: Page, email: string): Promise<void> => {
    await page.waitForURL(`${upstream.issuer}/**`);
    await signIn(page, email);
    await agree(page, (url) => url.href.startsWith(stand.issuer));
  };

  it('A5 SO-08 connects on the account’s own page, which names the account there first; then lets in', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${stand.issuer}/account/security`);
    await signIn(page, 'ann@example.test');
    await page.click('text=Connect Works');
    await signInAtWorks(page, 'ann@works.example');
    await page.waitForURL('**/account/security/connect');
    expect(await page.textContent('main'))
      .to.contain('Ann at Works')
      .and.contain('ann@works.example');
    await page.click('button[value=allow]');
    await page.waitForURL('**/account/security');
    expect(await page.textContent('main')).to.contain('ann@works.example');
    await context.close();

    const fresh = await browser.newContext();
    const again = await fresh.newPage();
    const redirect = { redirect_uri: callback.url, scope: 'openid email' };
    await again.goto(authorizationUrl(stand, 'app', redirect));
    await again.click('text=Continue with Works');
    await signInAtWorks(again, 'ann@works.example');
    await agree(again, (url) => url.href.startsWith(callback.url));
    await again.waitForURL(`${callback.url}**`);
    const code = new URL(again.url()).searchParams.get('code') ?? '';
    const claims = await claimsFor(stand, 'app', code, callback.url);
    const owner = await stand.database.knex('identifiers').where({ value: 'ann@example.test' }).first('user_id');
    expect(claims.sub).to.equal(owner.user_id);
    await fresh.close();
  });

  it('A5 makes an account for somebody new whose address the provider answers for', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await upstream.database
      .knex('identifiers')
      .where({ value: 'conformance@example.test' })
      .update({ value: 'cora@works.example', canonical: 'cora@works.example' });
    await page.goto(authorizationUrl(stand, 'app', { redirect_uri: callback.url }));
    await page.click('text=Continue with Works');
    await page.waitForURL(`${upstream.issuer}/**`);
    await page.fill('input[name=login]', 'cora@works.example');
    await page.fill('input[name=password]', upstream.person.password);
    await page.click('button.primary[type=submit]');
    await agree(page, (url) => url.href.startsWith(stand.issuer));
    await agree(page, (url) => url.href.startsWith(callback.url));
    await page.waitForURL(`${callback.url}**`);
    const made = await stand.database.knex('identifiers').where({ canonical: 'cora@works.example' }).first('verified_at');
    expect(made.verified_at).to.be.an.instanceOf(Date);
    await context.close();
  });

  it('SO-01 does not connect by an address that nobody proved, and says what to do', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${stand.issuer}/account/security`);
    await page.click('text=Continue with Works');
    await signInAtWorks(page, 'bob@example.test');
    await page.waitForURL('**/connect');
    expect(await page.textContent('main')).to.contain('did not confirm that bob@example.test is your address');
    const owner = await stand.database.knex('identifiers').where({ value: 'bob@example.test' }).first('user_id');
    expect(await stand.database.knex('social_accounts').where(owner)).to.have.lengthOf(0);
    await page.click('button[value=drop]');
    expect(await page.textContent('h1')).to.equal('Sign in');
    expect(await page.locator('input[name=password]').count()).to.equal(1);
    await context.close();
  });
});
