import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { codeAt, stepAt } from '../../src/authn/totp/arithmetic.ts';
import { createApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
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

describe('S1 A9 sign-in by risk', function risk() {
  this.timeout(60_000);
  const clock = createTestClock();
  let stand: Stand;
  let names = 0;
  const api = createApi(() => stand.issuer);
  const signIn = (email: string, headers: Record<string, string>, secret = password) =>
    api('POST', '/auth/login', { email, password: secret }, undefined, headers);
  const newPerson = async (): Promise<string> => {
    const email = `person${++names}@example.test`;
    await api('POST', '/auth/register', { email, password });
    return email;
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
  const withdraw = () => stand.database.knex('mfa_policies').where({ scope: 'risk' }).delete();

  before(async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'castellan-places-')), 'places.mmdb');
    writePlaces(file, [
      { network: '203.0.113', city: 'Hanoi', country: 'Vietnam', code: 'VN', latitude: 21, longitude: 105.8 },
      { network: '198.51.100', city: 'Omsk', country: 'Russia', code: 'RU', latitude: 55, longitude: 73.4 },
    ]);
    const env = { TRUST_PROXY: '127.0.0.1,::1', GEOIP_DB: file, BOOTSTRAP_ADMIN_PASSWORD: admin.password };
    stand = await startStand({ clock, env });
  });
  after(() => stand.close());

  it('says nothing of a first sign-in, of the same place, and of a new browser version', async () => {
    const email = await newPerson();
    for (const headers of [home, home, { ...home, 'user-agent': home['user-agent'].replaceAll('140', '151') }])
      expect((await signIn(email, headers)).status).to.equal(200);
    expect(await assessments(email)).to.deep.equal([]);
  });

  it('explains each reason, and lets in where no rule says otherwise', async () => {
    const email = await newPerson();
    await signIn(email, home);
    clock.advance(1800);
    for (let wrong = 0; wrong < 3; wrong += 1) await signIn(email, abroad, 'wrong');
    expect((await signIn(email, abroad)).status).to.equal(200);
    const [found] = await assessments(email);
    expect(found).to.include({ score: 100, level: 'high', method: 'password' });
    const reasons = Object.fromEntries(
      found.factors.map(({ name, evidence }: { name: string; evidence: string }) => [name, evidence]),
    );
    expect(reasons).to.have.all.keys('new_device', 'new_network', 'new_country', 'impossible_travel', 'recent_failures');
    expect(reasons.new_country).to.equal('RU, before: VN');
    expect(reasons.impossible_travel).to.match(/^4\d{3} km in 0\.5 h$/);
    expect(reasons.recent_failures).to.equal('3');
    expect(JSON.stringify(found)).to.not.contain(password);
  });

  it('a journey that takes its time is no impossible one', async () => {
    const email = await newPerson();
    await signIn(email, home);
    clock.advance(86_400);
    await signIn(email, { ...home, 'x-forwarded-for': abroad['x-forwarded-for'] });
    const [found] = await assessments(email);
    expect(found.factors.map(({ name }: { name: string }) => name)).to.deep.equal(['new_network', 'new_country']);
    expect(found.level).to.equal('medium');
  });

  it('nor is one that the session of before was used after', async () => {
    const email = await newPerson();
    const { json } = await signIn(email, home);
    clock.advance(86_400);
    const there = { ...home, 'x-forwarded-for': abroad['x-forwarded-for'] };
    expect((await api('POST', '/auth/refresh', { refreshToken: json.refreshToken }, undefined, there)).status).to.equal(200);
    clock.advance(60);
    await signIn(email, there);
    const [found] = await assessments(email);
    expect(found.factors.map(({ name }: { name: string }) => name)).to.deep.equal(['new_network', 'new_country']);
  });

  it('a rule asks for a factor at that risk only; who has none is refused like a wrong password', async () => {
    const email = await newPerson();
    const { json: tokens } = await signIn(email, home);
    expect(await rule('required')).to.equal(200);
    const plain = await signIn(email, home);
    expect(plain.json).to.have.property('accessToken');
    const refused = await signIn(email, abroad);
    const wrong = await signIn(email, home, 'wrong');
    expect([refused.status, refused.json.type]).to.deep.equal([401, wrong.json.type]);
    const { json: enabled } = await api('POST', '/mfa/totp/enable', {}, tokens.accessToken);
    const code = () => {
      clock.advance(60);
      return codeAt(enabled.secret, stepAt(clock.now()));
    };
    await api('POST', '/mfa/totp/verify', { deviceId: enabled.deviceId, code: code() }, tokens.accessToken);
    const asked = await signIn(email, abroad);
    expect(asked.json).to.include({ mfaRequired: true });
    const done = await api('POST', '/mfa/totp/validate', { mfaToken: asked.json.mfaToken, code: code() }, undefined, abroad);
    expect(done.status).to.equal(200);
    await withdraw();
  });

  it('a rule may refuse from a level on; nonsense is no rule', async () => {
    const email = await newPerson();
    await signIn(email, home);
    expect(await rule('denied', 'high')).to.equal(200);
    clock.advance(86_400);
    expect((await signIn(email, { ...home, 'x-forwarded-for': abroad['x-forwarded-for'] })).status).to.equal(200);
    const other = await newPerson();
    await signIn(other, home);
    expect((await signIn(other, abroad)).status).to.equal(401);
    await withdraw();
    expect((await signIn(other, abroad)).status).to.equal(200);
    expect([await rule('off'), await rule('required', 'low'), await rule('denied', '')]).to.deep.equal([400, 400, 400]);
    // What changes nothing is written within a second.
    const refusals = () => stand.database.knex('audit_events').where({ type: 'authn.login.failed', reason: 'risk' });
    expect(await eventually(refusals, ({ length }) => length > 0)).to.not.have.length(0);
  });
});
