import { expect } from 'chai';
import { type Agent, createAgent } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { launchChromium } from '../support/chromium.ts';
import { createTestClock } from '../support/clock.ts';
import { createFlows, webClient } from '../support/flows.ts';
import { browserOf } from '../support/relying-party.ts';
import { type Stand, startStand } from '../support/stand.ts';

const credentials = { login: 'ann@example.test', password: 'the-passphrase-of-ann' };
const client = { id: 'app', secret: 'a-secret-of-at-least-thirty-two-characters' };
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';

describe('A10 A13 the account and its sessions', function sessions() {
  this.timeout(90_000);
  const clock = createTestClock();
  let stand: Stand;
  let agent: Agent;
  const api = createApi(() => stand.issuer);
  const signInElsewhere = async () =>
    (
      await api('POST', '/auth/login', { email: credentials.login, password: credentials.password }, undefined, {
        'user-agent': firefox,
      })
    ).json;
  const isIn = async (token: string) => (await api('GET', '/auth/me', undefined, token)).status === 200;
  const ids = (body: string) => [...body.matchAll(/name="end" value="([\w-]+)"/g)].map(([, id]) => id ?? '');
  const page = () => agent.open(`${stand.issuer}/account/sessions`);

  before(async () => {
    stand = await startStand({
      clock,
      bootstrap: {
        clients: [webClient(client)],
        users: [{ email: credentials.login, password: credentials.password, name: 'Ann' }],
      },
    });
    agent = browserOf(stand);
  });
  after(() => stand.close());

  it('the front door leads to an account that shows what there is', async () => {
    expect((await agent.open(`${stand.issuer}/`)).body).to.contain('href="/account"');
    const home = await agent.submit(await agent.open(`${stand.issuer}/account`), credentials);
    expect(new URL(home.url).pathname).to.equal('/account');
    expect(home.body).to.contain('Ann').and.contain('href="/account/sessions"').and.contain('href="/account/security"');
    for (const [, href] of home.body.matchAll(/<a href="(\/(?:account|approvals)[^"]*)"><span>/g))
      expect((await agent.open(`${stand.issuer}${href}`)).status, href).to.equal(200);
  });

  it('lists them, this one first, and signs one out with its applications', async () => {
    const there = await signInElsewhere();
    const list = await page();
    expect(list.body).to.contain('This one').and.contain('Firefox 128 on Linux');
    const [, second = ''] = ids(list.body);
    // SE-04
    expect((await agent.submit(list, { end: second, _csrf: 'x' })).status).to.equal(403);
    expect((await agent.submit(list, { end: second })).body).to.contain('It is signed out');
    expect(await isIn(there.accessToken)).to.equal(false);
    for (const end of [second, 'nonsense']) expect((await agent.submit(list, { end })).status).to.equal(200);
  });

  it('SE-06 another person’s session is as if it were not there', async () => {
    const { json: theirs } = await api('POST', '/auth/login', { email: stand.person.login, password: stand.person.password });
    const { json } = await api('GET', '/sessions', undefined, theirs.accessToken);
    await agent.submit(await page(), { end: json.items[0].id });
    expect(await isIn(theirs.accessToken)).to.equal(true);
  });

  it('SE-06 asks who it is before it ends anything after ten minutes', async () => {
    clock.advance(601);
    const there = await signInElsewhere();
    const list = await page();
    const login = await agent.submit(list, { end: ids(list.body)[1] ?? '' });
    expect(login.body).to.match(/name="password"/);
    expect(await isIn(there.accessToken)).to.equal(true);
    const back = await agent.submit(login, credentials);
    expect(new URL(back.url).pathname).to.equal('/account/sessions');
  });

  it('A13 PW-08 changes the password for the present one, which signs everybody else out', async () => {
    const there = await signInElsewhere();
    const form = await agent.open(`${stand.issuer}/account/password`);
    expect(form.body, 'for password managers').to.match(
      /name="username" value="[^"]+@[^"]+" autocomplete="username"[^>]* hidden/,
    );
    expect((await agent.submit(form, { current: '', password: '' })).status).to.equal(400);
    const next = 'another-passphrase-of-ann';
    expect((await agent.submit(form, { current: 'not it', password: next })).status).to.equal(401);
    expect((await agent.submit(form, { current: credentials.password, password: 'short' })).status).to.equal(400);
    expect(await isIn(there.accessToken)).to.equal(true);
    const done = await agent.submit(form, { current: credentials.password, password: next });
    expect([done.status, done.body.includes('The password is changed')]).to.deep.equal([200, true]);
    expect(await isIn(there.accessToken)).to.equal(false);
    credentials.password = next;
    expect((await agent.open(`${stand.issuer}/account/sessions`)).body).to.contain('This one');
    expect((await signInElsewhere()).accessToken).to.be.a('string');
  });

  it('in a real browser: signs out everywhere else by one button, in Vietnamese, on a phone', async () => {
    const there = await signInElsewhere();
    const relying = createFlows(stand.issuer, client, credentials);
    const other = createAgent(stand.issuer);
    const tokens = await relying.tokens({}, other);
    const browser = await launchChromium();
    try {
      const context = await browser.newContext({ locale: 'vi-VN', viewport: { width: 390, height: 800 }, hasTouch: true });
      const tab = await context.newPage();
      await tab.goto(`${stand.issuer}/account/sessions`);
      await tab.fill('input[name=login]', credentials.login);
      await tab.fill('input[name=password]', credentials.password);
      await tab.click('button[type=submit]');
      await tab.waitForURL(`${stand.issuer}/account/sessions`);
      expect(await tab.textContent('h1')).to.equal('Nơi bạn đang đăng nhập');
      await tab.click('button.danger');
      await tab.waitForSelector('.alert.success');
      expect(await tab.locator('ul.sessions > li').count()).to.equal(1);
    } finally {
      await browser.close();
    }
    expect(await isIn(there.accessToken)).to.equal(false);
    expect((await relying.introspect(tokens.access)).body).to.deep.equal({ active: false });
  });
});
