import { expect } from 'chai';
import { createAgent, type Page, readForm } from '../support/agent.ts';
import { type Api, createApi } from '../support/api.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { type Mailbox, mailsLeft, openMailbox, type ReceivedMail } from '../support/mailbox.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'correct horse battery';
const nextPassword = 'a violet umbrella at noon';
const linkIn = ({ text }: ReceivedMail): string => /https?:\/\/\S+\?\S*ticket=\S+/.exec(text)?.[0] ?? '';
const ticketIn = (mail: ReceivedMail): string => new URL(linkIn(mail)).searchParams.get('ticket') ?? '';
const codeIn = ({ text }: ReceivedMail): string => /^ {4}(\d{6})$/m.exec(text)?.[1] ?? '';
const shownOn = ({ body }: Page): string => /class="usercode">(\d{3} \d{3})</.exec(body)?.[1] ?? '';

describe('A2 A3 recovery and verification', () => {
  let stand: Stand;
  let mailbox: Mailbox;
  let clock: TestClock;
  let call: Api;
  let count = 0;
  const newAddress = (): string => `person${++count}@example.test`;
  const register = async (email = newAddress()): Promise<string> => {
    expect((await call('POST', '/auth/register', { email, password })).status).to.equal(201);
    return email;
  };
  const login = (email: string, secret = password) => call('POST', '/auth/login', { email, password: secret });
  const isVerified = async (email: string): Promise<boolean> => (await login(email)).json.user.emailVerified;
  const agent = () => createAgent(stand.issuer);
  const forgot = async (browser: ReturnType<typeof agent>, value: string): Promise<Page> =>
    browser.submit(await browser.open(`${stand.issuer}/forgot`), { login: value });
  const rows = (table: string) => stand.database.knex(table);
  /** Somebody with a confirmed address, no mail left. */
  const person = async (): Promise<string> => {
    const email = await register();
    const mail = await mailbox.next(email);
    await rows('identifiers').where({ value: email }).update({ verified_at: new Date() });
    expect(linkIn(mail)).to.contain('/verify?ticket=');
    return email;
  };

  before(async () => {
    mailbox = await openMailbox();
    clock = createTestClock();
    stand = await startStand({ env: { SMTP_URL: mailbox.url }, clock });
    call = createApi(() => stand.issuer);
  });
  after(async () => {
    await stand.close();
    await mailbox.close();
  });

  describe('forgotten password', () => {
    it('leads from the page by the mailed link to a new password, once', async () => {
      const email = await person();
      const browser = agent();
      const sent = await forgot(browser, email);
      expect(sent.url).to.equal(`${stand.issuer}/forgot/sent`);
      const link = linkIn(await mailbox.next(email));
      const page = await browser.open(link);
      expect(page.status).to.equal(200);
      expect(readForm(page).fields).to.have.property('password').and.not.have.property('code');
      const done = await browser.submit(page, { password: nextPassword });
      expect(done.status).to.equal(200);
      expect(done.body).to.contain('Your password is changed');
      expect((await login(email)).status).to.equal(401);
      expect((await login(email, nextPassword)).status).to.equal(200);
      expect((await mailbox.next(email)).subject).to.equal('Your password was changed');
      const again = await browser.open(link);
      expect(again.status).to.equal(400);
      expect(again.body).to.contain('no longer works');
    });

    it('RS-06 ends sessions and refresh families, signs nobody in, and keeps the factors', async () => {
      const email = await person();
      const { json: tokens } = await login(email);
      const { json: factor } = await call('POST', '/mfa/totp/enable', {}, tokens.accessToken);
      await rows('mfa_devices').where({ id: factor.deviceId }).update({ state: 'active', activated_at: new Date() });
      const browser = agent();
      await forgot(browser, email);
      const done = await browser.submit(await browser.open(linkIn(await mailbox.next(email))), { password: nextPassword });
      expect(done.headers.getSetCookie().join()).not.to.match(/session/i);
      expect((await call('GET', '/auth/me', undefined, tokens.accessToken)).status).to.equal(401);
      expect((await call('POST', '/auth/refresh', { refreshToken: tokens.refreshToken })).status).to.equal(401);
      const { json } = await login(email, nextPassword);
      expect(json.mfaRequired).to.equal(true);
      expect(await rows('mfa_devices').where({ id: factor.deviceId })).to.have.length(1);
    });

    it('SO-02 takes from an account that nobody proved what its maker left to come back by', async () => {
      const email = await person();
      await rows('identifiers').where({ value: email }).update({ verified_at: null });
      const { json: tokens } = await login(email);
      const { json: factor } = await call('POST', '/mfa/totp/enable', {}, tokens.accessToken);
      await rows('mfa_devices').where({ id: factor.deviceId }).update({ state: 'active', activated_at: new Date() });
      const { id } = tokens.user;
      const identity = {
        id: factor.deviceId,
        user_id: id,
        issuer: 'https://evil.example',
        subject: 'attacker',
        provider: 'evil',
      };
      await rows('social_accounts').insert({ ...identity, created_at: new Date() });
      const browser = agent();
      await forgot(browser, email);
      const done = await browser.submit(await browser.open(linkIn(await mailbox.next(email))), { password: nextPassword });
      expect(done.status, done.body).to.equal(200);
      const { status, json: owner } = await login(email, nextPassword);
      expect(status, JSON.stringify(owner)).to.equal(200);
      expect(owner.user).to.deep.include({ id, emailVerified: true });
      expect(await rows('mfa_devices').where({ user_id: id })).to.have.length(0);
      expect(await rows('social_accounts').where({ user_id: id })).to.have.length(0);
      expect((await call('POST', '/auth/refresh', { refreshToken: tokens.refreshToken })).status).to.equal(401);
    });

    it('says what is wrong with the new password and spends nothing by it', async () => {
      const email = await person();
      const browser = agent();
      await forgot(browser, email);
      const page = await browser.open(linkIn(await mailbox.next(email)));
      for (const [bad, words] of [
        ['short', 'at least 8'],
        ['password1', 'stolen'],
        [email, 'your address'],
        [password, 'not used here before'],
      ]) {
        const refused = await browser.submit(page, { password: bad ?? '' });
        expect(refused.status).to.equal(400);
        expect(refused.body).to.contain(words);
      }
      expect((await browser.submit(page, { password: nextPassword })).status).to.equal(200);
    });

    it('RS-03 RC-11 works once, for half an hour, until a newer one, a change of password or of address; the row holds digests', async () => {
      const email = await person();
      const ask = async (): Promise<string> => {
        const { json } = await call('POST', '/auth/forgot-password', { email });
        flows.push(json.flow);
        return ticketIn(await mailbox.next(email));
      };
      const flows: string[] = [];
      const use = (token: string, at = flows.length - 1, newPassword = nextPassword) =>
        call('POST', '/auth/reset-password', { token, newPassword, flow: flows[at] });
      const first = await ask();
      expect(first).to.match(/^[\w-]{43}$/);
      const kept = JSON.stringify(await rows('tickets').select());
      expect(kept).not.to.contain(first);
      expect(kept).not.to.contain(flows[0]);
      const second = await ask();
      expect((await use(first, 0)).json.type, 'replaced').to.contain('ticket_gone');
      clock.advance(31 * 60);
      expect((await use(second)).status, 'too old').to.equal(400);
      const third = await ask();
      const { json: tokens } = await login(email);
      const change = { currentPassword: password, newPassword: 'the bronze kettle sings' };
      expect((await call('POST', '/auth/change-password', change, tokens.accessToken)).status).to.equal(204);
      expect((await mailbox.next(email)).subject).to.equal('Your password was changed');
      expect((await use(third)).status, 'password changed').to.equal(400);
      clock.advance(3600);
      const fourth = await ask();
      const races = await Promise.all(Array.from({ length: 5 }, (_, n) => use(fourth, undefined, `${nextPassword} ${n}`)));
      expect(races.map(({ status }) => status).sort()).to.deep.equal([204, 400, 400, 400, 400]);
      expect((await use(fourth)).status, 'used').to.equal(400);
      await mailbox.next(email);
    });

    it('PW-05 RS-04 asks the same of the database whoever is asked for, by page and JSON', async () => {
      const [known, disabled] = [await person(), await person()];
      const ofDisabled = rows('identifiers').where({ canonical: disabled }).select('user_id');
      await rows('users').whereIn('id', ofDisabled).update({ status: 'deactivated' });
      const browser = agent();
      const form = await browser.open(`${stand.issuer}/forgot`);
      const ways: Record<string, (email: string) => Promise<{ status: number }>> = {
        page: (login) => browser.submit(form, { login }),
        'forgotten password': (email) => call('POST', '/auth/forgot-password', { email }),
        'sign-in link': (email) => call('POST', '/auth/link', { email }),
        'confirmation again': (email) => call('POST', '/auth/verify-email/send', { email }),
      };
      for (const [name, ask] of Object.entries(ways)) {
        const asked: string[][] = [];
        for (const email of [known, disabled, 'nobody@example.test']) {
          const statements: string[] = [];
          // What the outbox does with it comes after the answer.
          const stop = stand.database.onStatement(({ sql }) => {
            if (/failure_counters|from users u left join|"tickets"|^insert into outbox/.test(sql)) statements.push(sql);
          });
          expect((await ask(email)).status).to.be.oneOf([200, 202]);
          stop();
          asked.push(statements);
        }
        expect(asked[0], name).to.have.length(5);
        expect(asked[0], name).to.deep.equal(asked[2]);
        expect(asked[1], name).to.deep.equal(asked[2]);
      }
      await mailbox.next(known);
    });

    it('PW-05 RS-02 answers the same for an unknown address and writes to the stored one only', async () => {
      const email = await person();
      const before = mailbox.mails.length;
      const bare = ({ status, body }: Page) => [status, body.replace(/\d{3} \d{3}|value="[^"]*"|nonce="[^"]*"|v=[\w-]+/g, '')];
      const known = await forgot(agent(), email.toUpperCase());
      const unknown = await forgot(agent(), 'nobody@example.test');
      expect(bare(unknown)).to.deep.equal(bare(known));
      const evil = [
        `${email},mallory@evil.example`,
        `${email}\r\nBcc: mallory@evil.example`,
        `"mallory@evil.example x"@example.test`,
        `${email}(c)evil.example`,
        `friends: ${email};`,
        `<${email}>`,
      ];
      for (const value of evil) expect((await forgot(agent(), value)).status).to.equal(200);
      const twice = new URLSearchParams([
        ['login', email],
        ['login', 'mallory@evil.example'],
      ]);
      const browser = agent();
      const { fields } = readForm(await browser.open(`${stand.issuer}/forgot`));
      twice.set('_csrf', fields._csrf ?? '');
      const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: stand.issuer };
      const doubled = await browser.request(`${stand.issuer}/forgot`, { method: 'POST', headers, body: twice.toString() });
      expect(doubled.status).to.equal(400);
      expect((await call('POST', '/auth/forgot-password', { email: [email, 'mallory@evil.example'] })).status).to.equal(400);
      await mailbox.next(email);
      expect(mailbox.mails.slice(before).map(({ to }) => to)).to.deep.equal([[email]]);
    });

    it('RS-01 builds the link from ISSUER, whatever Host says', async () => {
      const email = await person();
      for (const name of ['X-Forwarded-Host', 'Forwarded', 'X-Host', 'X-Original-Host']) {
        const answer = await call('POST', '/auth/forgot-password', { email }, undefined, { [name]: 'evil.example' });
        expect(answer.status).to.equal(202);
        const mail = await mailbox.next(email);
        expect(linkIn(mail).startsWith(`${stand.issuer}/reset?`)).to.equal(true);
        expect(mail.raw).not.to.contain('evil.example');
      }
    });

    it('RS-13 RS-09 a scanner spends nothing; the secret leaves the address; another browser needs the shown code', async () => {
      const email = await person();
      const asked = agent();
      const shown = shownOn(await forgot(asked, email));
      const link = linkIn(await mailbox.next(email));
      const secret = new URL(link).searchParams.get('ticket') ?? '';
      for (const method of ['GET', 'HEAD', 'GET']) {
        const scanned = await agent().request(link, { method });
        expect(scanned.status).to.equal(303);
        expect(scanned.headers.get('location')).to.equal('/reset');
        expect(scanned.headers.get('referrer-policy')).to.equal('no-referrer');
        expect(scanned.headers.get('cache-control')).to.equal('no-store');
      }
      const other = agent();
      const page = await other.open(link);
      expect(page.url).to.equal(`${stand.issuer}/reset`);
      expect(page.body).not.to.contain(secret);
      expect(readForm(page).fields).to.have.property('code');
      expect([...page.body.matchAll(/(?:src|href|action)="([^"]+)"/g)].map(([, target]) => target)).to.satisfy((all: string[]) =>
        all.every((target) => /^[/#]/.test(target)),
      );
      expect((await other.submit(page, { password: nextPassword })).status).to.equal(400);
      expect((await other.submit(page, { password: nextPassword, code: '000000' })).status).to.equal(400);
      expect((await login(email)).status, 'still the old one').to.equal(200);
      expect((await other.submit(page, { password: nextPassword, code: shown })).status).to.equal(200);
      expect((await asked.submit(await asked.open(`${stand.issuer}/forgot`), { login: email })).status).to.equal(200);
    });

    it('RS-12 five tries at a code, ten an hour whatever is asked for anew', async () => {
      const email = await person();
      const { json } = await call('POST', '/auth/forgot-password', { email });
      const token = ticketIn(await mailbox.next(email));
      const guess = (confirmationCode: string) =>
        call('POST', '/auth/reset-password', { token, newPassword: nextPassword, confirmationCode });
      const wrong = json.confirmationCode === '000000' ? '000001' : '000000';
      const tries = await Promise.all(Array.from({ length: 12 }, () => guess(wrong)));
      expect(tries.filter(({ json: body }) => body.type.includes('confirmation_code_refused'))).to.have.length(5);
      expect((await guess(json.confirmationCode)).status).to.equal(400);
      const { json: anew } = await call('POST', '/auth/forgot-password', { email });
      const next = ticketIn(await mailbox.next(email));
      const body = { token: next, newPassword: nextPassword, confirmationCode: anew.confirmationCode };
      expect((await call('POST', '/auth/reset-password', body)).status, 'eleventh of the hour').to.equal(400);
      expect(
        (await call('POST', '/auth/reset-password', { ...body, confirmationCode: undefined, flow: anew.flow })).status,
      ).to.equal(204);
      await mailbox.next(email);
    });

    it('RS-05 no later step acts without the mail', async () => {
      const email = await person();
      const browser = agent();
      await forgot(browser, email);
      const { json } = await call('POST', '/auth/forgot-password', { email });
      const blind = await browser.open(`${stand.issuer}/reset`);
      expect(blind.status).to.equal(400);
      for (const body of [
        { token: json.flow, newPassword: nextPassword, flow: json.flow },
        { token: 'x'.repeat(43), newPassword: nextPassword, confirmationCode: json.confirmationCode },
      ]) {
        expect((await call('POST', '/auth/reset-password', body)).status).to.equal(400);
      }
      expect((await call('POST', '/auth/reset-password', { newPassword: nextPassword, flow: json.flow })).status).to.equal(400);
      expect((await call('POST', '/auth/verify-email', { flow: json.flow, code: json.confirmationCode })).status).to.equal(400);
      expect((await login(email)).status).to.equal(200);
    });

    it('RS-04 five mails an hour and address, with one answer', async () => {
      const email = await person();
      clock.advance(3601);
      await mailsLeft(stand.database);
      const before = mailbox.mails.length;
      const answers: number[] = [];
      for (let n = 0; n < 8; n += 1) answers.push((await call('POST', '/auth/forgot-password', { email })).status);
      expect(new Set(answers)).to.deep.equal(new Set([202]));
      await mailsLeft(stand.database);
      // Mails are written after the answer: those of the case before may still come.
      expect(mailbox.mails.slice(before).filter(({ to }) => to.includes(email))).to.have.length(5);
      clock.advance(3601);
    });
  });

  describe('address of a new account', () => {
    it('is confirmed by the mailed link in the browser that signed up', async () => {
      const email = newAddress();
      const browser = agent();
      const form = await browser.open(`${stand.issuer}/signup`);
      const next = await browser.submit(form, { login: email, password });
      expect(next.url).to.equal(`${stand.issuer}/verify`);
      const mail = await mailbox.next(email);
      expect(await isVerified(email)).to.equal(false);
      const page = await browser.open(linkIn(mail));
      expect(readForm(page).fields).not.to.have.property('code');
      expect(await isVerified(email), 'opening changes nothing').to.equal(false);
      expect((await browser.submit(page, {})).body).to.contain('Your address is confirmed');
      expect(await isVerified(email)).to.equal(true);
      expect((await browser.open(linkIn(mail))).status).to.equal(400);
    });

    it('is confirmed by the mailed code on the page that waits for it, and by JSON', async () => {
      const email = newAddress();
      const browser = agent();
      const waiting = await browser.submit(await browser.open(`${stand.issuer}/signup`), { login: email, password });
      const code = codeIn(await mailbox.next(email));
      const wrong = code === '123456' ? '123457' : '123456';
      expect((await browser.submit(waiting, { code: wrong })).status).to.equal(400);
      expect((await browser.submit(waiting, { code: '' })).body).to.contain('Enter the code');
      expect((await browser.submit(waiting, { code: ` ${code.slice(0, 3)} ${code.slice(3)}` })).status).to.equal(200);
      expect(await isVerified(email)).to.equal(true);

      const other = newAddress();
      const { json } = await call('POST', '/auth/register', { email: other, password });
      const byMail = codeIn(await mailbox.next(other));
      const { flow } = json.verification;
      expect((await call('POST', '/auth/verify-email', { flow: 'x'.repeat(43), code: byMail })).status, 'another flow').to.equal(
        400,
      );
      expect((await call('POST', '/auth/verify-email', { flow, code: byMail })).status).to.equal(204);
      expect(await isVerified(other)).to.equal(true);
    });

    it('PW-05 a taken address looks the same; its owner is told', async () => {
      const email = await person();
      const fresh = await agent().open(`${stand.issuer}/signup`);
      const bare = ({ url, status, body }: Page) => [url, status, body.replace(/\d{3} \d{3}|value="[^"]*"|nonce="[^"]*"/g, '')];
      const [one, two] = [agent(), agent()];
      const taken = await one.submit(await one.open(fresh.url), { login: email, password: 'another good passphrase' });
      const free = await two.submit(await two.open(fresh.url), { login: newAddress(), password: 'another good passphrase' });
      expect(bare(taken)).to.deep.equal(bare(free));
      expect((await mailbox.next(email)).subject).to.equal('You have an account already');
      expect((await login(email)).status).to.equal(200);
    });

    it('is mailed again on request, never for a confirmed or unknown one', async () => {
      const email = await register();
      const first = await mailbox.next(email);
      const browser = agent();
      const page = await browser.open(`${stand.issuer}/verify/again`);
      const waiting = await browser.submit(page, { login: email });
      expect(waiting.url).to.equal(`${stand.issuer}/verify`);
      const second = await mailbox.next(email);
      expect((await browser.open(linkIn(first))).status, 'the earlier one is worthless').to.equal(400);
      expect((await browser.submit(await browser.open(linkIn(second)), {})).status).to.equal(200);
      const before = mailbox.mails.length;
      for (const address of [email, 'nobody@example.test']) {
        expect((await call('POST', '/auth/verify-email/send', { email: address })).status).to.equal(202);
      }
      await mailsLeft(stand.database);
      expect(mailbox.mails.length).to.equal(before);
    });
  });

  describe('RS-07 change of address', () => {
    const change = async (email: string, newEmail: string) => {
      const { json: tokens } = await login(email);
      return { tokens, answer: await call('POST', '/auth/change-email', { newEmail }, tokens.accessToken) };
    };

    it('needs a recent sign-in', async () => {
      const email = await person();
      const { json: tokens } = await login(email);
      clock.advance(601);
      const { status, json } = await call('POST', '/auth/change-email', { newEmail: newAddress() }, tokens.accessToken);
      expect(status).to.equal(401);
      expect(json).to.include({ type: 'urn:castellan:error:insufficient_user_authentication', max_age: 600 });
    });

    it('RS-03 leaves no mailed sign-in alive at the old address', async () => {
      const email = await person();
      const newEmail = newAddress();
      const { answer } = await change(email, newEmail);
      const { flow } = answer.json;
      const links = [await mailbox.next(newEmail), await mailbox.next(email)].map(ticketIn);
      expect((await call('POST', '/auth/link', { email })).status).to.equal(200);
      const waiting = () => stand.database.knex('tickets').where({ purpose: 'sign-in-link', address: email, ended_at: null });
      expect(await waiting()).to.have.lengthOf(1);
      await call('POST', '/auth/change-email/confirm', { end: 'new', flow, token: links[0] });
      const { json } = await call('POST', '/auth/change-email/confirm', { end: 'old', flow, token: links[1] });
      expect(json).to.deep.equal({ status: 'applied' });
      expect(await waiting()).to.deep.equal([]);
    });

    it('is active once both ends have confirmed, and the old end can undo it for 7 days', async () => {
      const email = await person();
      const newEmail = newAddress();
      const { tokens, answer } = await change(email, newEmail);
      expect(answer.status).to.equal(202);
      const { flow } = answer.json;
      const atNew = await mailbox.next(newEmail);
      const atOld = await mailbox.next(email);
      const first = await call('POST', '/auth/change-email/confirm', { end: 'new', flow, token: ticketIn(atNew) });
      expect(first.json).to.deep.equal({ status: 'waiting', waitingFor: 'old' });
      expect((await login(newEmail)).status).to.equal(401);
      expect((await call('GET', '/auth/me', undefined, tokens.accessToken)).json.user.email).to.equal(email);
      const second = await call('POST', '/auth/change-email/confirm', { end: 'old', flow, token: ticketIn(atOld) });
      expect(second.json).to.deep.equal({ status: 'applied' });
      expect((await login(email)).status).to.equal(401);
      const { json: signedIn } = await login(newEmail);
      expect(signedIn.user).to.include({ email: newEmail, emailVerified: true });
      expect((await call('POST', '/auth/register', { email, password })).status, 'still taken').to.equal(201);
      expect((await login(email)).status).to.equal(401);

      const notice = await mailbox.next(email);
      clock.advance(6 * 86_400);
      const browser = agent();
      const page = await browser.open(linkIn(notice));
      expect((await login(newEmail)).status, 'opening changes nothing').to.equal(200);
      expect((await browser.submit(page, {})).body).to.contain('The old address is back');
      expect((await login(newEmail)).status).to.equal(401);
      expect((await login(email)).json.user).to.include({ email, emailVerified: true });
      expect((await call('POST', '/auth/refresh', { refreshToken: signedIn.refreshToken })).status).to.equal(401);
    });

    it('A5 gives a first address to an account that has none, once its new end has confirmed', async () => {
      const email = await person();
      const { json: tokens } = await login(email);
      await rows('identifiers').where({ value: email }).delete();
      const newEmail = newAddress();
      const answer = await call('POST', '/auth/change-email', { newEmail }, tokens.accessToken);
      expect(answer.status).to.equal(202);
      const token = ticketIn(await mailbox.next(newEmail));
      const done = await call('POST', '/auth/change-email/confirm', { end: 'new', flow: answer.json.flow, token });
      expect(done.json).to.deep.equal({ status: 'applied' });
      const { json: signedIn } = await login(newEmail);
      expect(signedIn.user).to.deep.include({ id: tokens.user.id, email: newEmail, emailVerified: true });
    });

    it('RS-08 a proof confirms the address it was mailed to, in its own change', async () => {
      const email = await person();
      const [attacker, victim] = [newAddress(), newAddress()];
      const { tokens, answer } = await change(email, attacker);
      const proof = ticketIn(await mailbox.next(attacker));
      const later = await call('POST', '/auth/change-email', { newEmail: victim }, tokens.accessToken);
      const atOld = [await mailbox.next(email), await mailbox.next(email)].map(ticketIn);
      const confirm = (end: string, token: string | undefined, flow: string) =>
        call('POST', '/auth/change-email/confirm', { end, flow, token });
      expect((await confirm('new', proof, answer.json.flow)).status, 'of the change before').to.equal(400);
      expect((await confirm('old', proof, answer.json.flow)).status, 'of the other end').to.equal(400);
      const old = await Promise.all(atOld.map((token) => confirm('old', token, later.json.flow)));
      expect(old.map(({ json }) => json.status)).not.to.include('applied');
      expect((await login(victim)).status).to.equal(401);
      expect((await login(email)).json.user.email).to.equal(email);
    });

    it('tells nobody that the new address is taken', async () => {
      const [email, other] = [await person(), await person()];
      const { answer } = await change(email, other);
      expect(answer.status).to.equal(202);
      await mailbox.next(email);
      await mailsLeft(stand.database);
      expect(mailbox.waiting(other)).to.equal(0);
      for (const bad of ['nobody', email, `a@b\r\nBcc: x@evil.example`]) {
        const { answer: refused } = await change(email, bad);
        expect(refused.status, bad).to.equal(400);
      }
    });
  });
});
