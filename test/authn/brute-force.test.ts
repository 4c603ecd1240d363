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

const root = { email: 'root@example.test', password: 'the root of all evil trees' };
/** What is counted in the database counts; the budgets do not get in the way. */
const spacious = { anonymous: 1e6, user: 1e6, superAdmin: 1e6, protocol: 1e6, client: 1e6 };

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
    stand = await startStand({
      env: { SMTP_URL: mailbox.url, RATE_LIMITS: JSON.stringify(spacious) },
      bootstrap: {
        clients: [client, deviceClient({ id: 'tv' })],
        users: [{ ...root, email_verified: true, roles: ['SUPER_ADMIN'] }],
      },
    });
    call = createApi(() => stand.issuer);
  });
  after(async () => {
    await stand.close();
    await mailbox.close();
  });
  beforeEach(() => stand.database.knex('failure_counters').del());

  it('RS-04 forty mails an hour may be asked for from one network; after that every way to ask answers 429 alike', async () => {
    const ask = (path: string, email: string) =>
      call('POST', path, { email, ...(path === '/auth/register' ? { password } : {}) });
    const ways = ['/auth/forgot-password', '/auth/verify-email/send', '/auth/link', '/auth/register'];
    const { login: known, password } = stand.person;
    for (let n = 0; n < 40; n += 1) {
      const { status } = await ask(ways[n % 4] ?? '', `person${n}@example.test`);
      expect(status, `${n}`).to.be.oneOf([200, 201, 202]);
    }
    const about = ({ status, json: { correlationId: _, ...rest } }: Awaited<ReturnType<typeof ask>>) => ({ status, ...rest });
    for (const way of ways) {
      const [nobody, somebody] = [await ask(way, 'nobody@example.test'), await ask(way, known)];
      expect(about(nobody), way).to.include({ status: 429, title: 'Too many requests' }).and.to.deep.equal(about(somebody));
      for (const { headers } of [nobody, somebody]) expect(Number(headers.get('retry-after')), way).to.be.within(1, 3600);
    }
    const browser = createAgent(stand.issuer);
    const signIn = await start(browser);
    const pages: [page: Page, fields: Record<string, string>][] = [
      [await browser.open(`${stand.issuer}/forgot`), { login: known }],
      [await browser.open(`${stand.issuer}/verify/again`), { login: known }],
      [await browser.open(`${stand.issuer}/signup`), { login: 'person99@example.test', password }],
      [signIn, { login: known, mail: '1' }],
      [signIn, { login: known, link: '1' }],
    ];
    for (const [page, fields] of pages) {
      const answer = await browser.submit(page, fields);
      expect(answer.status, page.url).to.equal(429);
      expect(Number(answer.headers.get('retry-after')), page.url).to.be.within(1, 3600);
      expect(answer.body, page.url).to.contain('Too many requests from your network. Try again in ');
    }
  });

  it('RS-04 an inviter sends forty invitations an hour, five of them to one address, and is told when more may leave', async () => {
    const { json } = await call('POST', '/auth/login', { email: root.email, password: root.password });
    const invite = (email: string) => call('POST', '/identity/invitations', { email }, json.accessToken);
    const invited = await invite('guest@example.test');
    const again = () => call('POST', `/identity/invitations/${invited.json.id}/resend`, undefined, json.accessToken);
    for (let n = 1; n < 5; n += 1) expect((await again()).status).to.equal(200);
    for (const refused of [await again(), await invite('Guest@example.test')]) {
      expect(refused.status).to.equal(429);
      expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 3600);
    }
    await mailsLeft(stand.database);
    expect(mailbox.mails.filter(({ to }) => to.includes('guest@example.test'))).to.have.length(5);
    for (let n = 7; n < 40; n += 1) expect((await invite(`guest${n}@example.test`)).status).to.equal(201);
    expect((await invite('guest41@example.test')).status).to.equal(429);
  });

  it('A4 TK-04 a refresh token that comes back ends its family; the person is told by mail, administrators find it', async () => {
    const { json: first } = await call('POST', '/auth/login', root);
    const refresh = (refreshToken: string) => call('POST', '/auth/refresh', { refreshToken });
    const { json: second } = await refresh(first.refreshToken);
    await mailsLeft(stand.database);
    const before = mailbox.mails.length;
    expect((await refresh(first.refreshToken)).status).to.equal(401);
    expect((await refresh(second.refreshToken)).status, 'the family').to.equal(401);
    await mailsLeft(stand.database);
    const told = mailbox.mails.slice(before).filter(({ subject }) => subject === 'A sign-in of yours was ended');
    expect(told.map(({ to }) => to)).to.deep.equal([[root.email]]);
    expect(await stand.database.knex('audit_events').where({ type: 'oidc.token.reuse_detected' })).to.have.length(1);
    const browser = createAgent(stand.issuer);
    const overview = await browser.submit(await browser.open(`${stand.issuer}/admin`), {
      login: root.email,
      password: root.password,
    });
    expect(overview.body).to.contain('1 refresh token was used twice');
  });

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
