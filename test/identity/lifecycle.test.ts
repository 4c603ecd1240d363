import { expect } from 'chai';
import { createAgent } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { createFlows, webClient } from '../support/flows.ts';
import { type Stand, startStand } from '../support/stand.ts';

const client = { id: 'app', secret: 'a-secret-of-at-least-thirty-two-characters' };
const admin = { email: 'admin@localhost', password: 'the-passphrase-of-the-administrator' };

describe('I7 TK-05 the end of an account', function lifecycle() {
  this.timeout(60_000);
  let stand: Stand;
  let token: string;
  const api = createApi(() => stand.issuer);
  const login = async () => {
    const { login: email, password } = stand.person;
    return api('POST', '/auth/login', { email, password });
  };
  // Refusals in a race count as guesses, of which others here would feel the limit.
  const racer = { email: 'racer@example.test', password: 'a-passphrase-of-somebody-else' };
  const race = () => api('POST', '/auth/login', racer);
  const status = (id: string, to: string, bearer = token, body: unknown = {}) =>
    api('POST', `/identity/users/${id}/${to}`, body, bearer);

  before(async () => {
    stand = await startStand({
      env: { BOOTSTRAP_ADMIN_PASSWORD: admin.password },
      bootstrap: { clients: [webClient(client)], users: [{ ...racer, email_verified: true }] },
    });
    token = (await api('POST', '/auth/login', admin)).json.accessToken;
  });
  after(() => stand.close());

  it('RC-11 a sign-in under way while the person is deactivated leaves nothing alive', async () => {
    const { id } = (await race()).json.user;
    for (let round = 0; round < 4; round += 1) {
      const under = Array.from({ length: 3 }, race);
      const ended = status(id, 'deactivate');
      const late = race();
      expect((await ended).status).to.equal(200);
      for (const { status: answer, json } of await Promise.all([...under, late])) {
        if (answer !== 200) continue;
        expect((await api('GET', '/auth/me', undefined, json.accessToken)).status).to.equal(401);
        expect((await api('POST', '/auth/refresh', { refreshToken: json.refreshToken })).status).to.equal(401);
      }
      expect((await status(id, 'reactivate')).status).to.equal(200);
    }
  });

  it('ends every session, token, cookie and code at once; its return revives none', async () => {
    const flows = createFlows(stand.issuer, client, stand.person);
    const agent = createAgent(stand.issuer);
    const relying = await flows.tokens({}, agent);
    const pending = await flows.code({ scope: 'openid' }, agent);
    const { json: own } = await login();
    const { id } = own.user;
    const { status: answer, json: user } = await status(id, 'deactivate', token, { reason: 'left the company' });
    expect([answer, user.status, user.email]).to.deep.equal([200, 'deactivated', stand.person.login]);
    const refused = async () => ({
      me: (await api('GET', '/auth/me', undefined, own.accessToken)).status,
      refresh: (await api('POST', '/auth/refresh', { refreshToken: own.refreshToken })).status,
      introspection: (await flows.introspect(relying.access)).body.active,
      grant: (await flows.refresh(relying.refresh)).body.error,
      code: (await flows.redeem(pending)).body.error,
      cookie: (await flows.authorize(flows.request({ scope: 'openid', prompt: 'none' }).url, agent)).get('error'),
    });
    const dead = {
      me: 401,
      refresh: 401,
      introspection: false,
      grant: 'invalid_grant',
      code: 'invalid_grant',
      cookie: 'login_required',
    };
    expect(await refused()).to.deep.equal(dead);
    expect((await login()).status).to.equal(401);
    expect((await status(id, 'deactivate')).status).to.equal(409);
    expect((await status(id, 'reactivate')).json.status).to.equal('active');
    expect(await refused()).to.deep.equal(dead);
    expect((await login()).status).to.equal(200);
    const events = await stand.database.knex('audit_events').where({ subject_id: id, reason: 'left the company' }).pluck('type');
    expect(events).to.deep.equal(['identity.user_deactivated']);
  });

  it('A3 lets nobody in who waits for approval by a detour', async () => {
    const { json } = await api('POST', '/auth/register', { email: 'new@example.test', password: 'correct horse battery' });
    await stand.database.knex('users').where({ id: json.user.id }).update({ status: 'pending' });
    for (const to of ['deactivate', 'reactivate']) {
      const answer = await status(json.user.id, to);
      expect([answer.status, answer.json.type], to).to.deep.equal([409, 'urn:castellan:error:account_status']);
    }
  });

  it('is for administrators, for somebody who is there, and never for the last SUPER_ADMIN', async () => {
    const { json: own } = await login();
    const { json: boss } = await api('GET', '/auth/me', undefined, token);
    const denied = await status(boss.user.id, 'deactivate', own.accessToken);
    expect([denied.status, denied.json.permission]).to.deep.equal([403, 'user:deactivate:any']);
    expect((await status('01900000-0000-7000-8000-000000000000', 'deactivate')).status).to.equal(404);
    const last = await status(boss.user.id, 'deactivate');
    expect([last.status, last.json.type]).to.deep.equal([409, 'urn:castellan:error:last_super_admin']);
    expect((await api('GET', '/auth/me', undefined, token)).status).to.equal(200);
  });
});
