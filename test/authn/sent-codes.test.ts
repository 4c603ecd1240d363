import { expect } from 'chai';
import { type Api, createApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';
import { browserOf, relyingClient, relyingParty } from '../support/relying-party.ts';
import { openSmsWebhook, type SmsWebhook } from '../support/sms-webhook.ts';
import { type Stand, startStand } from '../support/stand.ts';

const mfa = 'urn:castellan:acr:mfa';
const names = ['ann', 'bob', 'cleo', 'dan'];
const passwordOf = (name: string): string => `the-passphrase-of-${name}`;
const digits = (text: string): string => /\b(\d{3}) ?(\d{3})\b/.exec(text)?.slice(1).join('') ?? '';

describe('A8 codes by mail and text message', function sentCodes() {
  this.timeout(240_000);
  const clock = createTestClock();
  let stand: Stand;
  let call: Api;
  let mailbox: Mailbox;
  let sms: SmsWebhook;

  before(async () => {
    const users = names.map((name) => ({
      email: `${name}@example.test`,
      password: passwordOf(name),
      email_verified: name !== 'dan',
    }));
    [mailbox, sms] = await Promise.all([openMailbox(), openSmsWebhook()]);
    stand = await startStand({
      clock,
      env: { SMTP_URL: mailbox.url, ...sms.env },
      bootstrap: { users, clients: [relyingClient('app')] },
    });
    call = createApi(() => stand.issuer);
  });
  after(async () => {
    await stand?.close();
    await mailbox?.close();
    await sms?.close();
  });
  beforeEach(async () => {
    await stand.database.knex('failure_counters').del();
  });

  const login = (name: string) => call('POST', '/auth/login', { email: `${name}@example.test`, password: passwordOf(name) });
  const tokenOf = async (name: string): Promise<string> => (await login(name)).json.accessToken;
  const mailedTo = async (name: string): Promise<string> => {
    for (;;) {
      const mail = await mailbox.next(`${name}@example.test`);
      if (mail.subject.includes('code')) return digits(mail.text);
    }
  };
  const send = (mfaToken: string, method: string) => call('POST', '/mfa/code', { mfaToken, method });
  const validate = (mfaToken: string, code: string) => call('POST', '/mfa/totp/validate', { mfaToken, code });
  /** An open sign-in of somebody whose code is on its way. */
  const waiting = async (name: string): Promise<{ mfaToken: string; code: string }> => {
    const { mfaToken } = (await login(name)).json;
    expect((await send(mfaToken, 'email')).status).to.equal(200);
    return { mfaToken, code: await mailedTo(name) };
  };

  describe('by mail', () => {
    it('confirms the address by a first code, and asks for one from then on', async () => {
      const token = await tokenOf('ann');
      const { status, json } = await call('POST', '/mfa/email/enable', {}, token);
      expect(status).to.equal(200);
      expect(json).to.have.all.keys('deviceId', 'to', 'expiresAt');
      expect(json.to).to.equal('a•••@example.test');
      expect((await login('ann')).json, 'nothing is asked for before it is confirmed').to.have.property('accessToken');
      const { deviceId } = json;
      expect((await call('POST', '/mfa/email/verify', { deviceId, code: '000000' }, token)).status).to.equal(401);
      const code = await mailedTo('ann');
      const verified = await call('POST', '/mfa/email/verify', { deviceId, code }, token);
      expect(verified.json.recoveryCodes).to.have.lengthOf(10);
      expect((await call('POST', '/mfa/email/verify', { deviceId, code }, token)).status, 'once').to.equal(409);
      const again = await call('POST', '/mfa/email/enable', {}, token);
      expect([again.status, again.json.type]).to.match(/409.*factor_limit_reached$/);

      const { mfaToken, methods } = (await login('ann')).json;
      expect(methods).to.deep.equal(['email', 'recovery']);
      clock.advance(31);
      const sent = await send(mfaToken, 'email');
      expect(sent.json).to.deep.include({ method: 'email', to: 'a•••@example.test' });
      const done = await validate(mfaToken, await mailedTo('ann'));
      expect(done.status).to.equal(200);
      const claims = JSON.parse(Buffer.from(done.json.accessToken.split('.')[1], 'base64url').toString());
      expect(claims.acr, 'a mailed code does not make it a strong sign-in').to.equal('urn:castellan:acr:password');
      expect(claims.amr).to.deep.equal(['pwd', 'otp']);
      const events = await stand.database.knex('audit_events').where({ type: 'mfa.code_sent' });
      expect(events.length).to.be.at.least(2);
    });

    it('RS-12 takes a code once, in its own sign-in, within ten minutes, and not after five tries', async () => {
      const first = await waiting('ann');
      clock.advance(31);
      const second = await waiting('ann');
      expect((await validate(second.mfaToken, first.code)).status, 'of another sign-in').to.equal(401);
      expect((await validate(second.mfaToken, second.code)).status).to.equal(200);
      expect((await validate(second.mfaToken, second.code)).status, 'twice').to.equal(401);
      clock.advance(31);
      const third = await waiting('ann');
      clock.advance(601);
      expect((await validate(third.mfaToken, third.code)).status, 'late').to.equal(401);

      await stand.database.knex('failure_counters').del();
      const fourth = await waiting('ann');
      for (let attempt = 0; attempt < 5; attempt += 1) {
        expect((await validate(fourth.mfaToken, '000000')).status).to.equal(401);
        // What counts here is the code's own count, not that of the account.
        await stand.database.knex('failure_counters').del();
      }
      expect((await validate(fourth.mfaToken, fourth.code)).status, 'after five tries').to.equal(401);
    });

    it('RS-12 counts ten tries an hour, whatever new codes there are', async () => {
      const { mfaToken, code } = await waiting('ann');
      const isSpent = async () => (await validate(mfaToken, code)).status;
      const counter = stand.database.knex('failure_counters').whereNull('subject').andWhere('count', '>', 0);
      await validate(mfaToken, '000000');
      await counter.update({ count: 11 });
      expect(await isSpent()).to.be.oneOf([401, 429]);
    });

    it('MF-02 failures count with those of every other factor; the person is told', async () => {
      const { mfaToken, code } = await waiting('ann');
      for (const wrong of ['000000', 'aaaa-aaaa-aaaa-aaaa', '111111', '222222', '333333'])
        expect((await validate(mfaToken, wrong)).status).to.equal(401);
      const stopped = await validate(mfaToken, code);
      expect(stopped.status).to.equal(429);
      expect(Number(stopped.headers.get('retry-after'))).to.be.within(1, 900);
      let { text } = await mailbox.next('ann@example.test');
      while (!text.includes('several wrong codes')) ({ text } = await mailbox.next('ann@example.test'));
    });

    it('RS-04 sends again after half a minute, and not without end', async () => {
      const { mfaToken } = (await login('ann')).json;
      expect((await send(mfaToken, 'email')).status).to.equal(200);
      await mailedTo('ann');
      const soon = await send(mfaToken, 'email');
      expect(soon.status).to.equal(429);
      expect(Number(soon.headers.get('retry-after'))).to.be.within(1, 30);
      let sent = 1;
      for (let attempt = 0; attempt < 12; attempt += 1) {
        clock.advance(31);
        const { mfaToken: fresh } = (await login('ann')).json;
        const { status, headers } = await send(fresh, 'email');
        if (status === 200) {
          sent += 1;
          await mailedTo('ann');
        } else expect(Number(headers.get('retry-after'))).to.be.greaterThan(60);
      }
      expect(sent).to.equal(10);
    });

    it('refuses what is not one of the sign-in’s methods, and a sign-in that is over', async () => {
      const { mfaToken } = (await login('ann')).json;
      const foreign = await send(mfaToken, 'sms');
      expect([foreign.status, foreign.json.errors[0].path]).to.deep.equal([400, '/method']);
      expect((await send(mfaToken, 'totp')).status).to.equal(400);
      expect((await send('nonsense', 'email')).status).to.equal(401);
      clock.advance(301);
      expect((await send(mfaToken, 'email')).status).to.equal(401);
    });

    it('wants a confirmed address', async () => {
      const { status, json } = await call('POST', '/mfa/email/enable', {}, await tokenOf('dan'));
      expect([status, json.type]).to.match(/409.*factor_address_unverified$/);
    });

    it('is not enough where an application asks for a strong sign-in', async () => {
      const party = relyingParty(stand);
      const agent = browserOf(stand);
      const page = await agent.submit(await party.begin(agent, { acr_values: mfa }), {
        login: 'ann@example.test',
        password: passwordOf('ann'),
      });
      // MF-05: the factor there is comes first, then a strong one is made.
      const entry = await agent.submit(page, { send: 'yes' });
      const next = await agent.submit(entry, { code: await mailedTo('ann') });
      expect(next.body).to.contain('Set up an authenticator app').and.not.contain('name="send"');
    });
  });

  describe('by text message', () => {
    const number = '+44 20 7946-0958';

    it('refuses what is no phone number with its country code', async () => {
      const token = await tokenOf('bob');
      for (const phoneNumber of [
        '02079460958',
        '+44',
        'phone',
        '+0123456789',
        '+44207946095800000',
        '+44 20 7946 0958; +1 900',
      ]) {
        const { status, json } = await call('POST', '/mfa/sms/enable', { phoneNumber }, token);
        expect([status, json.type], phoneNumber).to.match(/400.*factor_phone_invalid$/);
      }
      expect((await call('POST', '/mfa/sms/enable', {}, token)).json.errors[0].path).to.equal('/phoneNumber');
      expect(sms.texts).to.have.lengthOf(0);
    });

    it('confirms a number and signs in by it; the number shows to nobody in full', async () => {
      const token = await tokenOf('bob');
      const { json } = await call('POST', '/mfa/sms/enable', { phoneNumber: number, name: 'Phone' }, token);
      expect(json.to).to.equal('••• 958');
      const first = await sms.next();
      expect(first.to).to.equal('+442079460958');
      expect(first.text)
        .to.match(/^\d{6} is your code for localhost:\d+\./)
        .and.match(/\n\n@localhost:\d+ #\d{6}$/);
      const code = digits(first.text);
      const verified = await call('POST', '/mfa/sms/verify', { deviceId: json.deviceId, code }, token);
      expect(verified.status).to.equal(200);
      const list = await call('GET', '/mfa/devices', undefined, token);
      expect(list.json.items[0]).to.deep.include({ kind: 'sms', name: 'Phone', hint: '••• 958' });
      const stored = JSON.stringify(await stand.database.knex('mfa_devices'));
      expect(stored).to.not.contain('2079460958');

      clock.advance(31);
      const { mfaToken, methods } = (await login('bob')).json;
      expect(methods).to.deep.equal(['sms', 'recovery']);
      expect((await send(mfaToken, 'sms')).json.to).to.equal('••• 958');
      const done = await validate(mfaToken, digits((await sms.next()).text));
      const claims = JSON.parse(Buffer.from(done.json.accessToken.split('.')[1], 'base64url').toString());
      expect(claims).to.deep.include({ acr: 'urn:castellan:acr:password', amr: ['pwd', 'sms'] });
      expect(sms.areSigned).to.equal(true);
    });

    it('gives up where the provider says so for good', async () => {
      sms.answer(422);
      const { mfaToken } = (await login('bob')).json;
      expect((await send(mfaToken, 'sms')).status).to.equal(200);
      const giveUp = Date.now() + 10_000;
      const left = async () => stand.database.knex('outbox').where({ topic: 'sms' }).whereNull('delivered_at');
      while ((await left()).length > 0 && Date.now() < giveUp) await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await left()).to.have.lengthOf(0);
      sms.answer(202);
      const metrics = await (await fetch(`${stand.issuer}/metrics`)).text();
      expect(metrics)
        .to.match(/text_messages_total\{outcome="refused"\} 1/)
        .and.match(/text_messages_total\{outcome="sent"\} 2/);
    });
  });

  describe('on the pages', () => {
    it('sets it up in the account, then signs in with it', async () => {
      const agent = browserOf(stand);
      const credentials = { login: 'cleo@example.test', password: passwordOf('cleo') };
      const start = await agent.open(`${stand.issuer}/account/security`);
      const list = await agent.submit(start, credentials);
      expect(list.body).to.contain('/account/security/email').and.contain('/account/security/sms');
      const page = await agent.open(`${stand.issuer}/account/security/email`);
      expect(page.body).to.contain('c•••@example.test');
      const sent = await agent.submit(page, { send: 'yes' });
      expect(sent.body).to.match(/name="code"/);
      expect((await agent.submit(sent, { send: 'again' })).status).to.equal(429);
      expect((await agent.submit(sent, { code: '000000' })).status).to.equal(401);
      const codes = await agent.submit(sent, { code: await mailedTo('cleo') });
      expect(codes.body.match(/<li><code>/g)).to.have.lengthOf(10);
      expect((await agent.submit(codes, { saved: 'yes' })).body).to.contain('Codes by e-mail');

      const wrong = await agent.submit(await agent.open(`${stand.issuer}/account/security/sms`), { send: 'yes', phone: '123' });
      expect([wrong.status, wrong.body]).to.match(/400.*Enter a phone number/s);

      clock.advance(31);
      const party = relyingParty(stand);
      const other = browserOf(stand);
      const asked = await other.submit(await party.begin(other), credentials);
      expect(asked.body)
        .to.contain('c•••@example.test')
        .and.not.match(/name="code"/);
      const mails = mailbox.waiting('cleo@example.test');
      await other.open(asked.url);
      expect(mailbox.waiting('cleo@example.test'), 'opening a page sends nothing').to.equal(mails);
      const entry = await other.submit(asked, { send: 'yes' });
      expect(entry.body).to.match(/name="code"/);
      const reloaded = await other.open(asked.url);
      expect(reloaded.body, 'a page that is loaded again still takes the code').to.match(/name="code"/);
      const claims = await party.end(other, await other.submit(entry, { code: await mailedTo('cleo') }));
      expect(claims.amr).to.deep.equal(['pwd', 'otp']);
    });
  });
});
