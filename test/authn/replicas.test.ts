import { expect } from 'chai';
import { codeAt, stepAt } from '../../src/authn/totp/arithmetic.ts';
import { type ApiAnswer, createApi } from '../support/api.ts';
import { createAuthenticator } from '../support/authenticator.ts';
import { type Mailbox, openMailbox, type ReceivedMail } from '../support/mailbox.ts';
import { eventually, type Fleet, startFleet } from '../support/processes.ts';
import { describeWith } from '../support/services.ts';

const names = ['ann', 'bob', 'cleo', 'dan', 'eve', 'fay'] as const;
type Name = (typeof names)[number];
const emailOf = (name: Name): string => `${name}@example.test`;
const passwordOf = (name: Name): string => `the-passphrase-of-${name}`;
const statuses = (answers: readonly ApiAnswer[]): number[] => answers.map(({ status }) => status);
const codeIn = ({ text }: ReceivedMail): string => /^ {4}(\d{6})$/m.exec(text)?.[1] ?? '';

describeWith(['postgres'], 'MF-01 RC-06 RC-08 authentication on two processes', function fleetOfTwo() {
  this.timeout(120_000);
  let fleet: Fleet;
  let mailbox: Mailbox;
  const api = createApi(() => fleet.issuer);
  const call = (replica: number, method: string, path: string, body?: unknown, token?: string) =>
    api(method, path, body, token, { 'x-replica': String(replica) });
  const login = (replica: number, name: Name, password = passwordOf(name)) =>
    call(replica, 'POST', '/auth/login', { email: emailOf(name), password });
  /** The same at the same moment, on both processes in turn. */
  const atOnce = (times: number, work: (replica: number, index: number) => Promise<ApiAnswer>): Promise<ApiAnswer[]> =>
    Promise.all(Array.from({ length: times }, (_, index) => work(index % 2, index)));
  const validate = (replica: number, mfaToken: string, code: string) =>
    call(replica, 'POST', '/mfa/totp/validate', { mfaToken, code });
  const mailTo = async (name: Name, subject: RegExp): Promise<ReceivedMail> => {
    for (;;) {
      const mail = await mailbox.next(emailOf(name));
      if (subject.test(mail.subject)) return mail;
    }
  };
  /** @returns a key whose code of the step before this one is spent */
  const enrol = async (name: Name) => {
    const { accessToken } = (await login(0, name)).json;
    const { deviceId, secret } = (await call(0, 'POST', '/mfa/totp/enable', {}, accessToken)).json;
    const start = stepAt(new Date());
    const done = await call(1, 'POST', '/mfa/totp/verify', { deviceId, code: codeAt(secret, start - 1) }, accessToken);
    expect(done.status).to.equal(200);
    return { code: (steps: number): string => codeAt(secret, start + steps), recoveryCodes: done.json.recoveryCodes as string[] };
  };
  const waiting = async (replica: number, name: Name): Promise<string> => (await login(replica, name)).json.mfaToken;

  before(async () => {
    mailbox = await openMailbox();
    const users = names.map((name) => ({ email: emailOf(name), password: passwordOf(name), email_verified: true }));
    fleet = await startFleet({ bootstrap: { users }, env: { SMTP_URL: mailbox.url, SESSION_LIMIT: '3' } });
  });
  after(async () => {
    await fleet?.close();
    await mailbox?.close();
  });

  it('MF-01 a time step that one process took is spent on the other: replayed, older, at disable', async () => {
    const { code } = await enrol('ann');
    const first = await validate(0, await waiting(0, 'ann'), code(0));
    expect(first.status).to.equal(200);
    const mfaToken = await waiting(1, 'ann');
    expect((await validate(1, mfaToken, code(0))).status, 'the same step').to.equal(401);
    expect((await validate(1, mfaToken, code(-1))).status, 'the step before').to.equal(401);
    const disable = await call(1, 'POST', '/mfa/totp/disable', { code: code(0) }, first.json.accessToken);
    expect(disable.status, 'the same step, to take the factor away').to.equal(401);
    // Two steps further than any clock drift allows; a boundary may pass meanwhile.
    expect((await validate(0, mfaToken, code(4))).status).to.equal(401);
    expect((await validate(1, mfaToken, code(1))).status, 'the next').to.equal(200);
    expect((await validate(0, await waiting(0, 'ann'), code(1))).status).to.equal(401);
  });

  it('MF-01 RC-06 of tries at the same moment on both, one step and one recovery code let one in', async () => {
    const { code, recoveryCodes } = await enrol('bob');
    const [recovery = ''] = recoveryCodes;
    const tokens = await Promise.all([0, 1, 0, 1].map((replica) => waiting(replica, 'bob')));
    const both = (typed: string) => atOnce(4, (replica, index) => validate(replica, tokens[index] ?? '', typed));
    const byStep = await both(code(0));
    expect(statuses(byStep).filter((status) => status === 200)).to.have.lengthOf(1);
    const byRecovery = await both(recovery);
    expect(statuses(byRecovery).filter((status) => status === 200)).to.have.lengthOf(1);
    for (const status of [...statuses(byStep), ...statuses(byRecovery)]) expect(status).to.be.oneOf([200, 401, 429]);
  });

  it('RC-06 a reset link, a mailed sign-in and a passkey’s answer are spent once', async () => {
    const { json: held } = await call(0, 'POST', '/auth/forgot-password', { email: emailOf('cleo') });
    const token = /ticket=([\w-]+)/.exec((await mailTo('cleo', /password/i)).text)?.[1];
    const chosen = (index: number): string => `an umbrella of colour ${index} at noon`;
    const resets = await atOnce(4, (replica, index) =>
      call(replica, 'POST', '/auth/reset-password', { token, flow: held.flow, newPassword: chosen(index) }),
    );
    expect(statuses(resets).filter((status) => status === 204)).to.have.lengthOf(1);
    const winner = statuses(resets).indexOf(204);
    expect((await login(1, 'cleo', chosen(winner))).status, 'the password of the one that won').to.equal(200);

    const { json: asked } = await call(1, 'POST', '/auth/link', { email: emailOf('dan') });
    const code = codeIn(await mailTo('dan', /sign/i));
    const links = await atOnce(6, (replica) => call(replica, 'POST', '/auth/link/sign-in', { flow: asked.flow, code }));
    expect(statuses(links).filter((status) => status === 200)).to.have.lengthOf(1);

    const { accessToken } = (await login(0, 'eve')).json;
    const device = createAuthenticator(fleet.issuer);
    const { json: options } = await call(1, 'POST', '/mfa/webauthn/options', undefined, accessToken);
    const registered = { name: 'Key', response: device.register(options) };
    const kept = await atOnce(4, (replica) => call(replica, 'POST', '/mfa/webauthn', registered, accessToken));
    expect(
      statuses(kept).filter((status) => status === 201),
      'a challenge of a registration',
    ).to.have.lengthOf(1);
    const { json: question } = await call(0, 'POST', '/auth/passkey/options');
    const answer = { flow: question.flow, response: device.sign(question.options) };
    const signedIn = await atOnce(6, (replica) => call(replica, 'POST', '/auth/passkey', answer));
    expect(
      statuses(signedIn).filter((status) => status === 200),
      'a challenge of a sign-in',
    ).to.have.lengthOf(1);
  });

  it('RC-06 RS-12 a factor code by mail passes once, on whichever process', async () => {
    const { accessToken } = (await login(0, 'fay')).json;
    const { json: enabled } = await call(0, 'POST', '/mfa/email/enable', {}, accessToken);
    const verified = { deviceId: enabled.deviceId, code: codeIn(await mailTo('fay', /code/i)) };
    const kept = await atOnce(4, (replica) => call(replica, 'POST', '/mfa/email/verify', verified, accessToken));
    expect(statuses(kept).filter((status) => status === 200)).to.have.lengthOf(1);
  });

  it('RC-08 the limit of sessions holds for twelve sign-ins at the same moment', async () => {
    const answers = await atOnce(12, (replica) => login(replica, 'dan'));
    const tokens = answers.filter(({ status }) => status === 200).map(({ json }) => json.accessToken as string);
    expect(tokens.length, 'signed in').to.be.greaterThan(3);
    const seen = await Promise.all(tokens.map((token, index) => call(index % 2, 'GET', '/auth/me', undefined, token)));
    expect(statuses(seen).filter((status) => status === 200)).to.have.lengthOf(3);
  });

  it('A9 a rule that one process is told holds at the other within a second', async () => {
    const { login: email, password } = fleet.administrator;
    const { accessToken } = (await call(0, 'POST', '/auth/login', { email, password })).json;
    expect((await login(1, 'dan')).status, 'the rules are kept there now').to.equal(200);
    const rule = { scope: 'site', target: '', requirement: 'required' };
    expect((await call(0, 'PUT', '/mfa/policies', rule, accessToken)).status).to.equal(200);
    const stopped = await eventually(
      () => login(1, 'dan'),
      ({ status }) => status === 403,
      3000,
    );
    expect(stopped.json.type).to.match(/factor_enrolment_required$/);
    expect((await call(0, 'DELETE', '/mfa/policies?scope=site', undefined, accessToken)).status).to.equal(204);
    expect(
      (
        await eventually(
          () => login(1, 'dan'),
          ({ status }) => status === 200,
          3000,
        )
      ).status,
    ).to.equal(200);
  });

  it('PW-03 RC-10 the limit of failed sign-ins is exact over both', async () => {
    const answers = await atOnce(30, (replica) => login(replica, 'cleo', 'not the right one'));
    expect(statuses(answers).filter((status) => status === 401).length).to.equal(5);
    expect(statuses(answers).filter((status) => status === 429).length).to.equal(25);
  });
});
