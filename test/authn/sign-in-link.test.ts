import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { codeAt, stepAt } from '../../src/authn/totp/arithmetic.ts';
import type { Agent, Page } from '../support/agent.ts';
import { type Api, createApi } from '../support/api.ts';
import { launchChromium } from '../support/chromium.ts';
import { createTestClock } from '../support/clock.ts';
import { type Mailbox, mailsLeft, openMailbox } from '../support/mailbox.ts';
import { type CallbackServer, openCallbackServer } from '../support/passkeys.ts';
import { authorizationUrl, browserOf, claimsFor, relyingClient, relyingParty } from '../support/relying-party.ts';
import { type Stand, startStand } from '../support/stand.ts';

const passwordOf = (name: string): string => `the-passphrase-of-${name}`;
const addressOf = (name: string): string => `${name}@example.test`;

describe('A8 a mailed link instead of a password', function signInLink() {
  this.timeout(240_000);
  const clock = createTestClock();
  let stand: Stand;
  let call: Api;
  let mailbox: Mailbox;
  let party: CallbackServer;

  before(async () => {
    const users = ['ann', 'bob', 'cleo', 'dan'].map((name) => ({
      email: addressOf(name),
      password: passwordOf(name),
      email_verified: name !== 'dan',
    }));
    [mailbox, party] = await Promise.all([openMailbox(), openCallbackServer()]);
    const clients = [relyingClient('app'), relyingClient('browser', party.url)];
    stand = await startStand({ clock, env: { SMTP_URL: mailbox.url }, bootstrap: { users, clients } });
    call = createApi(() => stand.issuer);
  });
  after(async () => {
    await stand?.close();
    await mailbox?.close();
    party?.close();
  });
  beforeEach(() => stand.database.knex('failure_counters').del());

  const mailed = async (name: string): Promise<{ link: string; code: string }> => {
    const { text, subject } = await mailbox.next(addressOf(name));
    if (!subject.includes('link to sign in')) return mailed(name);
    const link = /https?:\/\/\S+\/link\?ticket=[\w-]+/.exec(text)?.[0] ?? '';
    expect(link.startsWith(stand.issuer), 'RS-01').to.equal(true);
    return { link, code: /\b(\d{3}) ?(\d{3})\b/.exec(text.replace(link, ''))?.slice(1).join('') ?? '' };
  };
  /** Asks at a relying party's sign-in. */
  const ask = async (agent: Agent, name: string): Promise<Page> => {
    const login = await relyingParty(stand).begin(agent);
    return agent.submit(login, { login: addressOf(name), link: 'yes' });
  };

  it('RS-13 opening it signs nobody in; a button in the browser that asked does, and the sign-in goes on', async () => {
    const agent = browserOf(stand);
    const sent = await ask(agent, 'ann');
    expect(sent.body).to.contain('Check your e-mail').and.not.contain(addressOf('ann'));
    const { link } = await mailed('ann');
    for (const method of ['HEAD', 'GET', 'GET']) {
      const scanned = await fetch(link, { method, redirect: 'manual' });
      expect(scanned.headers.get('set-cookie')).to.not.match(/_session|castellan_access/);
    }
    const page = await agent.open(link);
    expect(page.url, 'RS-09: the secret has left the address').to.not.contain('ticket');
    expect(page.body).to.contain('You have opened the link');
    await agent.open(page.url);
    const claims = await relyingParty(stand).end(agent, await agent.submit(page, {}));
    expect(claims).to.include({ acr: 'urn:castellan:acr:password' });
    expect(claims.amr).to.deep.equal(['urn:castellan:amr:mail']);
  });

  it('RS-12 works once, for ten minutes, and a newer one replaces it', async () => {
    const agent = browserOf(stand);
    await ask(agent, 'ann');
    const first = await mailed('ann');
    const sent = await ask(agent, 'ann');
    const second = await mailed('ann');
    const replaced = await agent.open(first.link);
    expect([replaced.status, replaced.body]).to.match(/400.*no longer works/s);
    expect((await agent.submit(sent, { code: first.code })).status).to.equal(400);
    const used = await agent.submit(sent, { code: second.code });
    expect(used.status).to.not.equal(400);
    expect((await agent.open(second.link)).status, 'used').to.equal(400);
    const later = browserOf(stand);
    const waiting = await ask(later, 'ann');
    const third = await mailed('ann');
    clock.advance(601);
    expect((await later.open(third.link)).status).to.equal(400);
    expect((await later.submit(waiting, { code: third.code })).status).to.equal(400);
  });

  it('RS-13 SE-02 another browser is told to go back, and signs nobody in', async () => {
    const victim = browserOf(stand);
    await ask(victim, 'bob');
    const { link, code } = await mailed('bob');
    const other = browserOf(stand);
    const page = await other.open(link);
    expect(page.status).to.equal(200);
    expect(page.body)
      .to.contain('Go back to where you began')
      .and.not.match(/<button[^>]*type="submit"[^>]*class="button primary"/);
    // Nor by an own sign-in of that browser, with the link or with its code.
    const own = await ask(other, 'nobody');
    await other.open(link);
    expect((await other.submit(own, {})).status).to.equal(400);
    expect((await other.submit(own, { code })).status).to.equal(400);
    expect((await victim.open(link)).body).to.contain('You have opened the link');
  });

  it('RS-12 five tries at a code, then none', async () => {
    const agent = browserOf(stand);
    const page = await ask(agent, 'bob');
    const { code } = await mailed('bob');
    for (let attempt = 0; attempt < 5; attempt += 1) expect((await agent.submit(page, { code: '000000' })).status).to.equal(400);
    expect((await agent.submit(page, { code })).status).to.equal(400);
  });

  it('PW-05 answers the same for nobody, and for an address that was never confirmed', async () => {
    const bodies = [];
    for (const name of ['nobody', 'dan', 'ann']) {
      const { status, body } = await ask(browserOf(stand), name);
      bodies.push([
        status,
        body.replace(/value="[\w-]{20,}"|nonce="[^"]*"|(?:\/|%2F)interaction(?:\/|%2F)[\w-]+|[0-9a-f-]{36}/g, ''),
      ]);
    }
    expect(bodies[0]).to.deep.equal(bodies[1]);
    expect(bodies[1]).to.deep.equal(bodies[2]);
    await mailed('ann');
    await mailsLeft(stand.database);
    expect(mailbox.waiting(addressOf('dan'))).to.equal(0);
  });

  it('by the JSON API: a code for whoever asked, in both modes', async () => {
    const { status, json } = await call('POST', '/auth/link', { email: addressOf('ann') });
    expect([status, Object.keys(json)]).to.deep.equal([200, ['flow', 'expiresAt']]);
    const { code } = await mailed('ann');
    const signIn = (body: object, headers = {}) => call('POST', '/auth/link/sign-in', body, undefined, headers);
    const other = (await call('POST', '/auth/link', { email: addressOf('nobody') })).json.flow;
    for (const wrong of [
      { flow: other, code },
      { flow: 'x', code },
      { flow: json.flow, code: '000000' },
    ])
      expect((await signIn(wrong)).status).to.equal(401);
    expect((await signIn({ flow: json.flow, code, mode: 'cookie' }, { origin: 'https://evil.example' })).status).to.equal(403);
    const done = await signIn({ flow: json.flow, code });
    expect(done.json).to.include({ tokenType: 'Bearer' });
    expect((await signIn({ flow: json.flow, code })).status, 'once').to.equal(401);
    expect((await call('POST', '/auth/link', { email: '' })).json.errors[0].path).to.equal('/email');
    expect((await call('POST', '/auth/link', { email: 'x', admin: true })).status).to.equal(400);
  });

  it('MF-04 asks for the second factor; a mailed code is none beside a mailed link', async () => {
    const token = (await call('POST', '/auth/login', { email: addressOf('cleo'), password: passwordOf('cleo') })).json
      .accessToken;
    const { json: mail } = await call('POST', '/mfa/email/enable', {}, token);
    const first = /\b(\d{3}) ?(\d{3})\b/
      .exec((await mailbox.next(addressOf('cleo'))).text)
      ?.slice(1)
      .join('');
    await call('POST', '/mfa/email/verify', { deviceId: mail.deviceId, code: first }, token);
    const byMail = async () => {
      const { flow } = (await call('POST', '/auth/link', { email: addressOf('cleo') })).json;
      return call('POST', '/auth/link/sign-in', { flow, code: (await mailed('cleo')).code });
    };
    expect((await byMail()).json.methods).to.deep.equal(['recovery']);
    const owner = await stand.database.knex('mfa_devices').where({ id: mail.deviceId }).first();
    await stand.database.knex('recovery_codes').where({ user_id: owner.user_id }).del();
    expect((await byMail()).status, 'nothing but the mailbox would be proven').to.equal(401);

    const { json: app } = await call('POST', '/mfa/totp/enable', {}, token);
    const code = (): string => {
      clock.advance(60);
      return codeAt(app.secret, stepAt(clock.now()));
    };
    expect((await call('POST', '/mfa/totp/verify', { deviceId: app.deviceId, code: code() }, token)).status).to.equal(200);
    const agent = browserOf(stand);
    await ask(agent, 'cleo');
    const ready = await agent.open((await mailed('cleo')).link);
    const factor = await agent.submit(ready, {});
    expect(factor.body).to.contain('authenticator app');
    const claims = await relyingParty(stand).end(agent, await agent.submit(factor, { code: code() }));
    expect(claims).to.include({ acr: 'urn:castellan:acr:mfa' });
  });

  it('in Chromium: from the sign-in page by the mail to the application, and not in another browser', async () => {
    const browser: Browser = await launchChromium();
    try {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(authorizationUrl(stand, 'browser', { redirect_uri: party.url }));
      await page.fill('[name=login]', addressOf('ann'));
      await page.click('button[name=link]');
      await page.waitForSelector('[name=code]');
      const { link } = await mailed('ann');

      const elsewhere = await (await browser.newContext()).newPage();
      await elsewhere.goto(link);
      expect(await elsewhere.textContent('h1')).to.equal('Go back to where you began');

      const opened = await context.newPage();
      await opened.goto(link);
      expect(opened.url()).to.not.contain('ticket');
      await opened.click('button[type=submit]');
      const arrived = opened.waitForURL(`${party.url}**`);
      await Promise.race([opened.click('[name=decision][value=allow]').catch(() => undefined), arrived]);
      await arrived;
      const code = party.seen.at(-1)?.searchParams.get('code') ?? '';
      expect(await claimsFor(stand, 'browser', code, party.url)).to.have.property('sub');
    } finally {
      await browser.close();
    }
  });
});
