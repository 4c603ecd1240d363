import { createHash } from 'node:crypto';
import { expect } from 'chai';
import * as oidc from 'openid-client';
import { createAgent, type Page, readForm } from '../support/agent.ts';
import { type Api, createApi } from '../support/api.ts';
import { deviceClient } from '../support/flows.ts';
import { type Mailbox, mailsLeft, openMailbox } from '../support/mailbox.ts';
import { type Stand, startStand } from '../support/stand.ts';

const client = {
  client_id: 'web',
  client_secret: 'web-secret-web-secret-web-secret-1234',
  redirect_uris: ['https://web.example/cb'],
};

describe('A11 brute force, from outside', () => {
  let stand: Stand;
  let mailbox: Mailbox;
  let call: Api;
  const start = async (browser = createAgent(stand.issuer)): Promise<Page> => {
    const verifier = oidc.randomPKCECodeVerifier();
    const query = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: client.redirect_uris[0] ?? '',
      response_type: 'code',
      scope: 'openid',
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: 'x',
    });
    return browser.open(`${stand.issuer}/authorize?${query}`);
  };
  /** As after that many failures from elsewhere: the rows of a day are the accounts' own. */
  const failedElsewhere = async (count: number): Promise<void> => {
    const soon = new Date(Date.now() + 3_600_000);
    await stand.database.knex('failure_counters').whereNotNull('subject').andWhere('window_ends_at', '>', soon).update({ count });
  };
  const solve = (challenge: string, bits: number): string => {
    for (let counter = 0; ; counter += 1) {
      const digest = createHash('sha256').update(`${challenge}:${counter}`).digest();
      if (digest.readUInt32BE(0) >>> (32 - bits) === 0) return `${challenge}:${counter}`;
    }
  };
  const isDone = (page: Page): boolean => page.status === 303 || readForm(page).buttons.some(({ name }) => name === 'decision');

  before(async () => {
    mailbox = await openMailbox();
    stand = await startStand({ env: { SMTP_URL: mailbox.url }, bootstrap: { clients: [client, deviceClient({ id: 'tv' })] } });
    call = createApi(() => stand.issuer);
  });
  after(async () => {
    await stand.close();
    await mailbox.close();
  });
  beforeEach(() => stand.database.knex('failure_counters').del());

  it('PW-02 nothing a client sends changes the address it is counted by', async () => {
    const statuses: number[] = [];
    for (const [n, name] of [
      'X-Forwarded-For',
      'X-Real-IP',
      'Forwarded',
      'True-Client-IP',
      'Client-IP',
      'X-Client-IP',
    ].entries()) {
      const body = { email: 'victim@example.test', password: 'wrong wrong wrong' };
      statuses.push((await call('POST', '/auth/login', body, undefined, { [name]: `198.51.${n}.1` })).status);
    }
    expect(statuses).to.deep.equal([401, 401, 401, 401, 401, 429]);
  });

  it('PW-01 JSON sign-in asks for proof of work and takes it once', async () => {
    const { login: email, password } = stand.person;
    expect((await call('POST', '/auth/login', { email, password: 'wrong wrong wrong' })).status).to.equal(401);
    await failedElsewhere(11);
    const asked = await call('POST', '/auth/login', { email, password });
    expect(asked.status).to.equal(429);
    expect(asked.headers.get('retry-after')).to.match(/^\d+$/);
    expect(asked.json.type).to.equal('urn:castellan:error:proof_of_work_required');
    const { challenge, bits } = asked.json.proofOfWork;
    const headers = { 'X-Proof-Of-Work': solve(challenge, bits) };
    expect((await call('POST', '/auth/login', { email, password: 'wrong wrong wrong' }, undefined, headers)).status).to.equal(
      401,
    );
    expect((await call('POST', '/auth/login', { email, password }, undefined, headers)).status).to.equal(429);
  });

  it('PW-01 the page asks for it too; without script a mailed code stands in', async () => {
    const { login, password } = stand.person;
    const browser = createAgent(stand.issuer);
    await browser.submit(await start(browser), { login, password: 'wrong wrong wrong' });
    await failedElsewhere(11);
    const page = await start(browser);
    const asked = await browser.submit(page, { login, password });
    expect(asked.status).to.equal(429);
    expect(asked.body).to.contain('data-work="').and.to.contain('name="mail"');
    const sent = await browser.submit(asked, { login, password: '', mail: 'yes' });
    expect(sent.body).to.contain('a code is on its way');
    const code = /^ {4}(\d{6})$/m.exec((await mailbox.next(login)).text)?.[1] ?? '';
    expect((await browser.submit(sent, { login, password, code: '000000' })).status).to.equal(429);
    expect(isDone(await browser.submit(sent, { login, password, code }))).to.equal(true);
  });

  it('PW-04 every path to a password counts the same guesses, and none takes it once they are spent', async () => {
    const { login, password } = stand.person;
    const { json: tokens } = await call('POST', '/auth/login', { email: login, password });
    const wrong = 'wrong wrong wrong';
    const device = async (value: string): Promise<number> => {
      const form = new URLSearchParams({ client_id: 'tv', scope: 'openid' });
      const asked = (await (await fetch(`${stand.issuer}/device/code`, { method: 'POST', body: form })).json()) as {
        user_code: string;
      };
      const agent = createAgent(stand.issuer);
      const confirm = await agent.submit(await agent.open(`${stand.issuer}/device`), { user_code: asked.user_code });
      const signIn = readForm(confirm).buttons.some(({ name }) => name === 'decision')
        ? await agent.submit(confirm, { decision: 'allow' })
        : confirm;
      return (await agent.submit(signIn, { login, password: value })).status;
    };
    const page = async (value: string): Promise<number> => {
      const agent = createAgent(stand.issuer);
      return (await agent.submit(await start(agent), { login, password: value })).status;
    };
    const paths: [string, (value: string) => Promise<number>][] = [
      ['JSON', async (value) => (await call('POST', '/auth/login', { email: login, password: value })).status],
      ['page', page],
      ['device', device],
      [
        'account page',
        async (value) => {
          const agent = createAgent(stand.issuer);
          return (await agent.submit(await agent.open(`${stand.issuer}/account/security`), { login, password: value })).status;
        },
      ],
      [
        'change of password',
        async (value) => {
          const body = { currentPassword: value, newPassword: 'another long passphrase' };
          return (await call('POST', '/auth/change-password', body, tokens.accessToken)).status;
        },
      ],
      [
        'removal of a factor',
        async (value) => (await call('POST', '/mfa/totp/disable', { password: value }, tokens.accessToken)).status,
      ],
      [
        'CIBA approval',
        async (value) => {
          const agent = createAgent(stand.issuer);
          return (await agent.submit(await agent.open(`${stand.issuer}/approvals`), { login, password: value })).status;
        },
      ],
    ];
    for (const [name, attempt] of paths.slice(0, 5)) expect(await attempt(wrong), name).to.equal(401);
    for (const [name, attempt] of paths) expect(await attempt(password), `${name}, the right one`).to.equal(429);

    // The account's own stop reaches whoever is signed in as well.
    await stand.database.knex('failure_counters').del();
    expect((await call('POST', '/auth/login', { email: login, password: wrong })).status).to.equal(401);
    await failedElsewhere(101);
    for (const [name, attempt] of paths) expect(await attempt(password), `${name}, stopped everywhere`).to.equal(429);
    while (!(await mailbox.next(login)).subject.includes('stopped'));
  });

  it('PW-11 the browser that signed in before is not stopped by strangers; a new one is told by mail', async () => {
    const { login, password } = stand.person;
    const [browser, stranger] = [createAgent(stand.issuer), createAgent(stand.issuer)];
    expect(isDone(await browser.submit(await start(browser), { login, password }))).to.equal(true);
    expect(browser.cookies.has('castellan_device;/')).to.equal(true);
    await mailsLeft(stand.database);
    for (let n = 0; n < 6; n += 1) await call('POST', '/auth/login', { email: login, password: 'wrong wrong wrong' });
    await failedElsewhere(101);
    expect((await stranger.submit(await start(stranger), { login, password })).status).to.equal(429);
    for (const name of [...browser.cookies.keys()]) if (name !== 'castellan_device;/') browser.cookies.delete(name);
    expect(isDone(await browser.submit(await start(browser), { login, password }))).to.equal(true);
    await stand.database.knex('failure_counters').del();
    const before = mailbox.mails.length;
    expect(isDone(await stranger.submit(await start(stranger), { login, password }))).to.equal(true);
    await mailsLeft(stand.database);
    expect(mailbox.mails.slice(before).map(({ subject }) => subject)).to.deep.equal(['New sign-in to your account']);
  });

  it('A11 a stopped account is unlocked by the mailed link, from any browser, by its post', async () => {
    const { login: email, password } = stand.person;
    await call('POST', '/auth/login', { email, password: 'wrong wrong wrong' });
    await failedElsewhere(101);
    const stopped = await call('POST', '/auth/login', { email, password });
    expect(stopped.status).to.equal(429);
    expect(stopped.json.type).to.equal('urn:castellan:error:too_many_requests');
    let mail = await mailbox.next(email);
    while (!mail.subject.includes('stopped')) mail = await mailbox.next(email);
    const link = /https?:\/\/\S+for=unlock\S+/.exec(mail.text)?.[0] ?? '';
    const browser = createAgent(stand.issuer);
    const page = await browser.open(link);
    expect((await call('POST', '/auth/login', { email, password })).status, 'opening changes nothing').to.equal(429);
    expect((await browser.submit(page, {})).body).to.contain('unlocked');
    expect((await call('POST', '/auth/login', { email, password })).status).to.equal(200);
    expect((await browser.open(link)).status).to.equal(400);
  });
});
