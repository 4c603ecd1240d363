import { expect } from 'chai';
import { codeAt, stepAt } from '../../src/authn/totp/arithmetic.ts';
import { type Api, createApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';
import { browserOf } from '../support/relying-party.ts';
import { type Stand, startStand } from '../support/stand.ts';

const passwordOf = (name: string): string => `the-passphrase-of-${name}`;

describe('A9 MF-09 factors as administrators see them', function administration() {
  this.timeout(180_000);
  const clock = createTestClock();
  let stand: Stand;
  let call: Api;
  let mailbox: Mailbox;
  let admin = '';
  const keys = new Map<string, string>();

  const login = async (name: string) =>
    call('POST', '/auth/login', { email: `${name}@example.test`, password: passwordOf(name) });
  const code = (name: string): string => {
    clock.advance(60);
    return codeAt(keys.get(name) ?? '', stepAt(clock.now()));
  };
  /** @returns a token from before the factor */
  const enrol = async (name: string): Promise<{ token: string; id: string }> => {
    const { json } = await login(name);
    const { json: app } = await call('POST', '/mfa/totp/enable', {}, json.accessToken);
    keys.set(name, app.secret);
    await call('POST', '/mfa/totp/verify', { deviceId: app.deviceId, code: code(name) }, json.accessToken);
    return { token: json.accessToken, id: json.user.id };
  };

  before(async () => {
    mailbox = await openMailbox();
    const person = (name: string, roles: string[]) => ({ email: `${name}@example.test`, password: passwordOf(name), roles });
    const users = [person('ann', []), person('bob', []), person('desk', ['ADMIN'])];
    const root = { BOOTSTRAP_ADMIN_EMAIL: 'root@example.test', BOOTSTRAP_ADMIN_PASSWORD: passwordOf('root') };
    stand = await startStand({ clock, env: { SMTP_URL: mailbox.url, ...root }, bootstrap: { users } });
    call = createApi(() => stand.issuer);
    admin = (await login('root')).json.accessToken;
  });
  after(async () => {
    await stand?.close();
    await mailbox?.close();
  });

  it('policies: set, listed, audited and withdrawn; wrong input names its field', async () => {
    const put = (body: unknown, token = admin) => call('PUT', '/mfa/policies', body, token);
    for (const [body, path] of [
      [{ scope: 'planet', target: '', requirement: 'required' }, '/scope'],
      [{ scope: 'role', target: 'ADMIN', requirement: 'maybe' }, '/requirement'],
      [{ scope: 'role', requirement: 'required' }, '/target'],
      [{ scope: 'role', target: 'ADMIN', requirement: 'required', always: true }, '/always'],
      [{ scope: 'role', target: 7, requirement: 'required' }, '/target'],
    ] as const) {
      const { status, json } = await put(body);
      expect(status, JSON.stringify(body)).to.equal(400);
      expect(json.errors.map((error: { path: string }) => error.path)).to.include(path);
    }
    for (const body of [
      { scope: 'site', target: 'x', requirement: 'required' },
      { scope: 'client', target: '', requirement: 'required' },
    ])
      expect((await put(body)).json.type).to.match(/factor_policy_target$/);
    const rule = { scope: 'client', target: 'vault', requirement: 'required' };
    expect((await put(rule)).json).to.deep.equal(rule);
    expect((await call('GET', '/mfa/policies', undefined, admin)).json.items).to.deep.include(rule);
    const mine = (await login('ann')).json.accessToken;
    expect((await put(rule, mine)).status).to.equal(403);
    expect((await call('GET', '/mfa/policies', undefined, mine)).status).to.equal(403);
    const withdraw = () => call('DELETE', '/mfa/policies?scope=client&target=vault', undefined, admin);
    expect((await withdraw()).status).to.equal(204);
    expect((await withdraw()).json.type).to.match(/factor_policy_not_found$/);
    const events = await stand.database.knex('audit_events').where({ type: 'mfa.policy_changed' });
    expect(events.length).to.equal(2);
  });

  it('A9 tells a JSON client what is missing where a factor is required and there is none', async () => {
    await call('PUT', '/mfa/policies', { scope: 'role', target: 'USER', requirement: 'required' }, admin);
    await call('PUT', '/mfa/policies', { scope: 'site', target: '', requirement: 'required' }, admin);
    const { status, json } = await login('bob');
    expect([status, json.enrolAt]).to.deep.equal([403, '/account/security']);
    expect(json.type).to.match(/factor_enrolment_required$/);
    for (const query of ['scope=role&target=USER', 'scope=site'])
      await call('DELETE', `/mfa/policies?${query}`, undefined, admin);
    expect((await login('bob')).status).to.equal(200);
  });

  it('A8 remembers a browser for 30 days, shows it, and asks again once it is taken away or a factor changes', async () => {
    const { id } = await enrol('bob');
    const agent = browserOf(stand);
    const credentials = { login: 'bob@example.test', password: passwordOf('bob') };
    const signIn = async () => agent.submit(await agent.open(`${stand.issuer}/account/security`), credentials);
    const forgetSession = () => {
      for (const key of [...agent.cookies.keys()]) if (!key.startsWith('castellan_trusted')) agent.cookies.delete(key);
    };
    const first = await signIn();
    expect(first.body).to.match(/name="code"/);
    await agent.submit(first, { code: code('bob'), remember: 'yes' });
    forgetSession();
    const spared = await signIn();
    expect(new URL(spared.url).pathname).to.equal('/account/security');
    const list = await stand.database.knex('trusted_devices').where({ user_id: id });
    expect(spared.body).to.contain(`value="${list[0].id}"`);
    // Taking it away is a change, so the factor is shown first.
    const proven = await agent.submit(await agent.open(`${stand.issuer}/account/security/recovery-codes`), { code: code('bob') });
    expect(new URL(proven.url).pathname).to.equal('/account/security/recovery-codes');
    const gone = await agent.submit(await agent.open(`${stand.issuer}/account/security`), { device: list[0].id });
    expect(gone.body).to.contain('From now on you are asked on that device');
    forgetSession();
    expect((await signIn()).body).to.match(/name="code"/);
  });

  it('AZ-04 help desk takes no factor of somebody who may do more', async () => {
    const desk = (await login('desk')).json.accessToken;
    const root = (await call('GET', '/auth/me', undefined, admin)).json.user.id;
    const refused = await call('POST', `/mfa/users/${root}/reset`, { reason: 'lost' }, desk);
    expect(refused.status).to.equal(403);
    expect(refused.json.type).to.match(/factor_reset_above$/);
  });

  it('MF-09 help desk takes every factor: audited, announced, sessions ended, and nobody signed in by it', async () => {
    const { token, id } = await enrol('ann');
    const reset = (userId: string, body: unknown, by = admin) => call('POST', `/mfa/users/${userId}/reset`, body, by);
    expect((await reset(id, {})).json.errors[0].path).to.equal('/reason');
    expect((await reset(id, { reason: ' ' })).status).to.equal(400);
    expect((await reset(id, { reason: 'lost' }, token)).status).to.equal(403);
    expect((await reset('01900000-0000-7000-8000-000000000000', { reason: 'lost' })).status).to.equal(404);
    const own = (await call('GET', '/auth/me', undefined, admin)).json.user.id;
    expect((await reset(own, { reason: 'lost' })).json.type).to.match(/factor_reset_own$/);

    const { mfaToken } = (await login('ann')).json;
    const done = await reset(id, { reason: 'Came to the desk with her passport' });
    expect([done.status, done.json]).to.deep.equal([200, { removed: 1 }]);
    expect((await call('GET', '/auth/me', undefined, token)).status, 'sessions ended').to.equal(401);
    const late = await call('POST', '/mfa/totp/validate', { mfaToken, code: code('ann') });
    expect(late.status, 'a sign-in that waited').to.equal(401);
    expect((await reset(id, { reason: 'again' })).json.type).to.match(/no_factor$/);
    const [event] = await stand.database.knex('audit_events').where({ type: 'mfa.reset' });
    expect(event).to.include({ outcome: 'success', subject_id: id });
    let { text } = await mailbox.next('ann@example.test');
    while (!text.includes('An administrator removed')) ({ text } = await mailbox.next('ann@example.test'));
    expect((await login('ann')).json).to.have.property('accessToken');
  });
});
