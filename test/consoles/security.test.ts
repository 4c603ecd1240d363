import { expect } from 'chai';
import { codeAt, stepAt } from '../../src/authn/totp/arithmetic.ts';
import { type Agent, type Page, readForm } from '../support/agent.ts';
import { createAuthenticator } from '../support/authenticator.ts';
import { createTestClock } from '../support/clock.ts';
import { sayFactorRule, withdrawFactorRule } from '../support/factor-policy.ts';
import { browserOf } from '../support/relying-party.ts';
import { type Stand, startStand } from '../support/stand.ts';

const credentials = { login: 'ann@example.test', password: 'the-passphrase-of-ann' };

describe('A13 A6 sign-in security in the account', function security() {
  this.timeout(60_000);
  const clock = createTestClock();
  let stand: Stand;
  let agent: Agent;
  let key = '';
  const at = (path = ''): Promise<Page> => agent.open(`${stand.issuer}/account/security${path}`);
  const freshCode = (): string => {
    clock.advance(60);
    return codeAt(key, stepAt(clock.now()));
  };

  before(async () => {
    stand = await startStand({ clock, bootstrap: { users: [{ email: credentials.login, password: credentials.password }] } });
    agent = browserOf(stand);
  });
  after(() => stand.close());

  it('leads through the sign-in and back', async () => {
    const login = await at();
    expect(login.body).to.match(/name="password"/);
    const page = await agent.submit(login, credentials);
    expect(new URL(page.url).pathname).to.equal('/account/security');
    expect(page.body).to.contain('Sign-in security').and.contain('You have none yet');
  });

  it('adds an app, with its recovery codes, and shows it', async () => {
    const page = await at('/app');
    key = (/id="key">([A-Z2-7 ]+)</.exec(page.body)?.[1] ?? '').replaceAll(' ', '');
    expect((await agent.submit(page, { code: '000000' })).status).to.equal(401);
    const codes = await agent.submit(page, { code: freshCode() });
    expect(codes.body.match(/<li><code>/g)).to.have.lengthOf(10);
    const list = await agent.submit(codes, { saved: 'yes' });
    // MF-05: from now on changes need the factor there is.
    expect(list.body).to.match(/name="code"/);
    expect((await agent.submit(list, { code: freshCode() })).body).to.contain('Authenticator app');
  });

  it('names it', async () => {
    const list = await at();
    const path = /\/account\/security(\/devices\/[\w-]+)/.exec(list.body)?.[1] ?? '';
    const renamed = await agent.submit(await at(path), { name: ' Phone ' });
    expect(renamed.body).to.contain('<strong>Phone</strong>');
    expect((await at('/devices/01900000-0000-7000-8000-000000000000')).status).to.equal(404);
  });

  it('MF-05 asks for everything again after ten minutes, and for nothing to look', async () => {
    clock.advance(601);
    expect((await at()).body).to.contain('Phone');
    const asked = await at('/recovery-codes');
    expect(asked.body).to.match(/name="password"/);
    const factor = await agent.submit(asked, credentials);
    const page = await agent.submit(factor, { code: freshCode() });
    expect(new URL(page.url).pathname).to.equal('/account/security/recovery-codes');
    expect((await agent.submit(page, {})).body.match(/<li><code>/g)).to.have.lengthOf(10);
  });

  it('SE-08 changes nothing without the sign of our own page', async () => {
    const list = await at();
    const path = /\/account\/security(\/devices\/[\w-]+)/.exec(list.body)?.[1] ?? '';
    const init = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'remove=yes' };
    expect((await agent.request(`${stand.issuer}/account/security${path}`, init)).status).to.equal(403);
    expect((await at()).body).to.contain('Phone');
  });

  it('MF-05 another site adds no passkey, although the browser sends its cookies', async () => {
    const ask = { 'sec-fetch-site': 'same-origin' };
    const options = async (headers: Record<string, string>) =>
      agent.request(`${stand.issuer}/account/security/passkey/options`, { headers });
    expect((await options({ 'sec-fetch-site': 'cross-site' })).status, 'a challenge').to.equal(403);
    const page = await at('/passkey');
    const { _csrf: token = '' } = readForm(page).fields;
    const post = async (headers: Record<string, string>, csrf = token) => {
      const challenge = JSON.parse((await options(ask)).body);
      const registration = JSON.stringify(createAuthenticator(stand.issuer).register(challenge));
      const body = new URLSearchParams({ _csrf: csrf, registration, name: 'Theirs' }).toString();
      const form = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
      return agent.request(`${stand.issuer}/account/security/passkey`, { method: 'POST', headers: form, body });
    };
    expect((await post({ origin: stand.issuer }, '')).status, 'without the form’s token').to.equal(403);
    const attempts = [{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }];
    for (const headers of attempts) expect((await post(headers)).status, JSON.stringify(headers)).to.equal(403);
    expect(await stand.database.knex('mfa_devices').where({ kind: 'webauthn' })).to.have.lengthOf(0);
    expect((await post({ origin: stand.issuer, ...ask })).status, 'our own page').to.equal(303);
    const { id } = await stand.database.knex('mfa_devices').where({ kind: 'webauthn' }).first('id');
    await agent.submit(await at(`/devices/${id}`), { remove: 'yes' });
    expect(await stand.database.knex('mfa_devices').where({ kind: 'webauthn', state: 'active' })).to.have.lengthOf(0);
  });

  it('TN-01 knows no device by what is no id', async () => {
    const list = await at();
    const id = /\/account\/security\/devices\/([\w-]+)/.exec(list.body)?.[1] ?? '';
    const page = await at(`/devices/${id}`);
    const wrong = { ...page, body: page.body.replaceAll(id, 'nonsense') };
    expect((await agent.submit(wrong, { name: 'Mine' })).status).to.equal(404);
    expect((await at('/devices/nonsense')).status).to.equal(404);
  });

  it('RU-05 comes back to pages of the account only', async () => {
    for (const state of [
      '//evil.example',
      'https://evil.example',
      '/interaction/x',
      '/account/callback?state=/account/callback',
    ]) {
      const page = await agent.request(`${stand.issuer}/account/callback?state=${encodeURIComponent(state)}`);
      expect(page.headers.get('location'), state).to.equal('/account');
    }
  });

  it('MF-09 keeps the last one where a policy asks for it, and removes it where none does', async () => {
    await sayFactorRule(stand, { scope: 'site', target: '', requirement: 'required' });
    const path = /\/account\/security(\/devices\/[\w-]+)/.exec((await at()).body)?.[1] ?? '';
    const kept = await agent.submit(await at(path), { remove: 'yes', name: 'Phone' });
    await withdrawFactorRule(stand, 'site');
    expect(kept.status).to.equal(409);
    const gone = await agent.submit(await at(path), { remove: 'yes', name: 'Phone' });
    expect(gone.body).to.contain('You have none yet');
  });
});
