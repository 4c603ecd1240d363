import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { codeAt, stepAt } from '../../src/authn/totp/arithmetic.ts';
import { createAgent } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { withdrawFactorRule } from '../support/factor-policy.ts';
import { type Mailbox, mailsLeft, openMailbox } from '../support/mailbox.ts';
import { writePlaces } from '../support/places.ts';
import { eventually } from '../support/processes.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'correct horse battery';
const admin = { email: 'admin@localhost', password: 'the-passphrase-of-the-administrator' };
const home = {
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'x-forwarded-for': '203.0.113.7',
};
const abroad = {
  'user-agent':
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0',
  'x-forwarded-for': '198.51.100.9',
};

/** The browser of home, somewhere else. */
const travelling = { ...home, 'x-forwarded-for': abroad['x-forwarded-for'] };

describe('S1 A9 sign-in by risk', function risk() {
  this.timeout(60_000);
  const clock = createTestClock();
  let stand: Stand;
  let mailbox: Mailbox;
  let names = 0;
  const api = createApi(() => stand.issuer);
  const signIn = (email: string, headers: Record<string, string>, secret = password) =>
    api('POST', '/auth/login', { email, password: secret }, undefined, headers);
  const newPerson = async (isProven = false): Promise<string> => {
    const email = `person${++names}@example.test`;
    await api('POST', '/auth/register', { email, password });
    if (isProven) await stand.database.knex('identifiers').where({ value: email }).update({ verified_at: new Date() });
    return email;
  };
  const mailedCode = async (email: string): Promise<string> => {
    for (;;) {
      const { subject, text } = await mailbox.next(email);
      if (/sign-in code|code/i.test(subject) && !/confirm/i.test(subject)) return /^ {4}(\d{6})$/m.exec(text)?.[1] ?? '';
    }
  };
  const assessments = async (email: string) => {
    await stand.app.rooms.foundation.audit.flush();
    const id = await stand.app.rooms.accounts.idOf(email);
    const rows = await stand.database.knex('audit_events').where({ type: 'risk.sign_in', subject_id: id }).orderBy('id');
    return rows.map(({ payload }) => payload.details);
  };
  const rule = async (requirement: string, target = 'medium'): Promise<number> => {
    const { json } = await signIn(admin.email, home, admin.password);
    const body = { scope: 'risk', target, requirement };
    return (await api('PUT', '/mfa/policies', body, json.accessToken)).status;
  };
  const withdraw = (target = 'medium') => withdrawFactorRule(stand, 'risk', target);

  before(async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'castellan-places-')), 'places.mmdb');
    writePlaces(file, [
      { network: '203.0.113', city: 'Hanoi', country: 'Vietnam', code: 'VN', latitude: 21, longitude: 105.8 },
      { network: '198.51.100', city: 'Omsk', country: 'Russia', code: 'RU', latitude: 55, longitude: 73.4 },
    ]);
    mailbox = await openMailbox();
    const root = { BOOTSTRAP_ADMIN_PASSWORD: admin.password, SMTP_URL: mailbox.url };
    const env = { TRUST_PROXY: '127.0.0.1,::1', GEOIP_DB: file, ...root };
    stand = await startStand({ clock, env });
  });
  after(async () => {
    await stand?.close();
    await mailbox?.close();
  });

  it('says nothing of a first sign-in, of the same place, and of a new browser version', async () => {
    const email = await newPerson();
    for (const headers of [home, home, { ...home, 'user-agent': home['user-agent'].replaceAll('140', '151') }])
      expect((await signIn(email, headers)).status).to.equal(200);
    expect(await assessments(email)).to.deep.equal([]);
  });

  it('explains each reason and what follows; without a rule, high risk asks whoever has no factor for a code by mail', async () => {
    const email = await newPerson(true);
    await signIn(email, home);
    clock.advance(1800);
    for (let wrong = 0; wrong < 3; wrong += 1) await signIn(email, abroad, 'wrong');
    const asked = await signIn(email, abroad);
    expect([asked.status, asked.json]).to.deep.equal([
      200,
      { mfaRequired: true, mfaToken: asked.json.mfaToken, methods: ['email'] },
    ]);
    const { mfaToken } = asked.json;
    const validate = (code: string) => api('POST', '/mfa/totp/validate', { mfaToken, code }, undefined, abroad);
    expect((await validate('000000')).status, 'nothing was sent yet').to.equal(401);
    const sent = await api('POST', '/mfa/code', { mfaToken, method: 'email' }, undefined, abroad);
    expect([sent.status, sent.json.to]).to.deep.equal([200, email.replace(/^p[^@]*/, 'p•••')]);
    const code = await mailedCode(email);
    expect((await validate(code === '123456' ? '123457' : '123456')).status).to.equal(401);
    const done = await validate(code);
    expect(done.status).to.equal(200);
    const claims = JSON.parse(Buffer.from(done.json.accessToken.split('.')[1], 'base64url').toString());
    expect(claims, 'a code by mail is no second factor').to.deep.include({
      acr: 'urn:castellan:acr:password',
      amr: ['pwd', 'otp'],
    });
    expect((await validate(code)).status, 'once').to.equal(401);
    const [found] = await assessments(email);
    expect(found).to.include({ score: 100, level: 'high', method: 'password', response: 'mailbox' });
    const reasons = Object.fromEntries(
      found.factors.map(({ name, evidence }: { name: string; evidence: string }) => [name, evidence]),
    );
    expect(reasons).to.have.all.keys('new_device', 'new_network', 'new_country', 'impossible_travel', 'recent_failures');
    expect(reasons.new_country).to.equal('RU, before: VN');
    expect(reasons.impossible_travel).to.match(/^4\d{3} km in 0\.5 h$/);
    expect(reasons.recent_failures).to.equal('3');
    expect(JSON.stringify(found)).to.not.contain(password);
  });

  it('without a rule, high risk asks on the page for the code, sets up nothing, and leads on', async () => {
    const email = await newPerson(true);
    await signIn(email, home);
    clock.advance(60);
    const agent = createAgent(stand.issuer, abroad);
    const page = await agent.submit(await agent.open(`${stand.issuer}/account/security`), { login: email, password });
    expect(page.body).to.contain('name="send"').and.contain('does not look like your others').and.not.contain('/enrol');
    expect((await agent.open(`${stand.issuer}/account/security`)).body, 'MF-04 nobody is signed in yet').to.contain(
      'name="password"',
    );
    const base = /^.*\/interaction\/[\w-]+/.exec(page.url)?.[0];
    expect((await agent.open(`${base}/enrol`)).body, 'no way around').to.contain('name="send"');
    const entered = await agent.submit(await agent.submit(page, { send: 'yes' }), { code: await mailedCode(email) });
    expect([entered.status, entered.url]).to.deep.equal([200, `${stand.issuer}/account/security`]);
    expect(entered.body).to.contain('You have none yet');
    clock.advance(60);
    expect((await signIn(email, abroad)).json, 'it is a known place now').to.have.property('accessToken');
  });

  it('without a rule, high risk has an unconfirmed address confirmed first, and refuses whoever has none', async () => {
    const email = await newPerson();
    await mailbox.next(email);
    await signIn(email, home);
    clock.advance(60);
    const refused = await signIn(email, abroad);
    expect([refused.status, refused.json.type.split(':').at(-1)]).to.deep.equal([403, 'email_unverified']);
    const { flow } = refused.json.verification;
    const code = /^ {4}(\d{6})$/m.exec((await mailbox.next(email)).text)?.[1];
    expect((await api('POST', '/auth/verify-email', { flow, code })).status).to.equal(204);
    expect((await signIn(email, abroad)).json.methods).to.deep.equal(['email']);
    const agent = createAgent(stand.issuer, abroad);
    const other = await newPerson();
    await signIn(other, home);
    const page = await agent.submit(await agent.open(`${stand.issuer}/account/security`), { login: other, password });
    expect([page.status, page.body.includes('Check your e-mail')]).to.deep.equal([403, true]);

    const id = await stand.app.rooms.accounts.idOf(other);
    await stand.database.knex('identifiers').where({ user_id: id }).update({ type: 'username' });
    const wrong = await signIn(other, home, 'wrong');
    const none = await signIn(other, abroad);
    expect([none.status, none.json.type]).to.deep.equal([401, wrong.json.type]);
    expect((await assessments(other)).map(({ response }) => response)).to.deep.equal(['address', 'refused']);
    expect((await signIn(other, home)).json, 'a known place').to.have.property('accessToken');
  });

  it('a journey that takes its time is no impossible one', async () => {
    const email = await newPerson();
    await signIn(email, home);
    clock.advance(86_400);
    await signIn(email, travelling);
    const [found] = await assessments(email);
    expect(found.factors.map(({ name }: { name: string }) => name)).to.deep.equal(['new_network', 'new_country']);
    expect(found.level).to.equal('medium');
  });

  it('nor is one that the session of before was used after', async () => {
    const email = await newPerson();
    const { json } = await signIn(email, home);
    clock.advance(86_400);
    expect((await api('POST', '/auth/refresh', { refreshToken: json.refreshToken }, undefined, travelling)).status).to.equal(200);
    clock.advance(60);
    await signIn(email, travelling);
    const [found] = await assessments(email);
    expect(found.factors.map(({ name }: { name: string }) => name)).to.deep.equal(['new_network', 'new_country']);
  });

  it('a rule asks for a factor at that risk only, and leads who has none to one', async () => {
    const email = await newPerson();
    const { json: tokens } = await signIn(email, home);
    expect(await rule('required')).to.equal(200);
    expect((await signIn(email, home)).json).to.have.property('accessToken');
    clock.advance(86_400);
    const led = await signIn(email, travelling);
    expect([led.status, led.json.enrolAt]).to.deep.equal([403, '/account/security']);
    expect(led.json.type).to.match(/factor_enrolment_required$/);

    const agent = createAgent(stand.issuer, travelling);
    const enrol = await agent.submit(await agent.open(`${stand.issuer}/account/security`), { login: email, password });
    const key = /<code[^>]*>([A-Z2-7 ]+)<\/code>/.exec(enrol.body)?.[1]?.replaceAll(' ', '') ?? '';
    const code = (): string => {
      clock.advance(60);
      return codeAt(key, stepAt(clock.now()));
    };
    const codes = await agent.submit(enrol, { code: code() });
    expect((await agent.submit(codes, {})).url).to.equal(`${stand.issuer}/account/security`);
    const asked = await signIn(email, abroad);
    expect(asked.json).to.include({ mfaRequired: true });
    const done = await api('POST', '/mfa/totp/validate', { mfaToken: asked.json.mfaToken, code: code() }, undefined, abroad);
    expect(done.status).to.equal(200);
    expect((await api('GET', '/mfa/devices', undefined, tokens.accessToken)).status, 'its session of before').to.be.oneOf([
      200, 401,
    ]);
    await withdraw();
  });

  it('at high risk a password alone sets up no factor: the mailbox is shown first', async () => {
    const email = await newPerson(true);
    await signIn(email, home);
    expect(await rule('required')).to.equal(200);
    const first = await signIn(email, abroad);
    expect(first.json).to.deep.include({ mfaRequired: true, methods: ['email'] });
    const { mfaToken } = first.json;
    const send = await api('POST', '/mfa/code', { mfaToken, method: 'email' }, undefined, abroad);
    expect(send.status).to.equal(200);
    const validate = (code: string) => api('POST', '/mfa/totp/validate', { mfaToken, code }, undefined, abroad);
    expect((await validate('000000')).status).to.equal(401);
    const led = await validate(await mailedCode(email));
    expect(led.json.type, 'never tokens, and no factor made for it').to.match(/factor_enrolment_required$/);

    const agent = createAgent(stand.issuer, abroad);
    const open = async () => agent.submit(await agent.open(`${stand.issuer}/account/security`), { login: email, password });
    const page = await open();
    expect(page.body).to.contain('name="send"').and.not.contain('/enrol');
    const enrolPath = `${/^.*\/interaction\/[\w-]+/.exec(page.url)?.[0]}/enrol`;
    expect((await agent.open(enrolPath)).body, 'no way around').to.contain('name="send"');
    clock.advance(31);
    const sent = await agent.submit(page, { send: 'yes' });
    const enrol = await agent.submit(sent, { code: await mailedCode(email) });
    expect(enrol.body, 'now a factor').to.match(/action="[^"]*\/enrol"/);
    expect((await agent.open(`${stand.issuer}/account/security`)).body, 'and nothing before it').to.not.contain('recovery');
    await withdraw();
  });

  it('a rule may refuse from a level on; nonsense is no rule', async () => {
    const email = await newPerson();
    await signIn(email, home);
    expect(await rule('denied', 'high')).to.equal(200);
    clock.advance(86_400);
    expect((await signIn(email, travelling)).status).to.equal(200);
    const other = await newPerson();
    await signIn(other, home);
    const wrong = await signIn(email, home, 'wrong');
    for (let once = 0; once < 2; once += 1) {
      const refused = await signIn(other, abroad);
      expect([refused.status, refused.json.type]).to.deep.equal([401, wrong.json.type]);
    }
    await mailsLeft(stand.database);
    const told = mailbox.mails.filter(
      ({ to, text }) => to.includes(other) && text.includes('with the right password was refused'),
    );
    expect(told, 'the person is told, once an hour').to.have.lengthOf(1);
    await withdraw('high');
    expect((await signIn(other, abroad)).status, 'never confirmed').to.equal(403);
    expect([await rule('off'), await rule('required', 'low'), await rule('denied', '')]).to.deep.equal([400, 400, 400]);
    // What changes nothing is written within a second.
    const refusals = () => stand.database.knex('audit_events').where({ type: 'authn.login.failed', reason: 'risk' });
    expect(await eventually(refusals, ({ length }) => length > 0)).to.not.have.length(0);
  });
});
