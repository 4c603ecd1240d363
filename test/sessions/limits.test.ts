import { expect } from 'chai';
import { createAgent } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { createFlows, webClient } from '../support/flows.ts';
import { type Stand, startStand } from '../support/stand.ts';

const client = { id: 'app', secret: 'a-secret-of-at-least-thirty-two-characters' };
const admin = { email: 'admin@localhost', password: 'the-passphrase-of-the-administrator' };

describe('A10 SE-06 limits of sessions', function limits() {
  this.timeout(60_000);
  const clock = createTestClock();
  const stands: Stand[] = [];
  const start = async (env: Record<string, string>): Promise<Stand> => {
    const more = { BOOTSTRAP_ADMIN_PASSWORD: admin.password, ...env };
    const stand = await startStand({ clock, env: more, bootstrap: { clients: [webClient(client)] } });
    stands.push(stand);
    return stand;
  };
  const eventsOf = (stand: Stand, type: string) => stand.database.knex('audit_events').where({ type });
  let oldest: Stand;
  before(async () => {
    oldest = await start({ SESSION_LIMIT: '2', SESSION_IDLE_MINUTES: '60', SESSION_MAX_MINUTES: '180' });
  });
  after(() => Promise.all(stands.map((stand) => stand.close())));

  it('ends the session that was not used for longest when one more begins', async () => {
    const api = createApi(() => oldest.issuer);
    const signIn = async () => {
      clock.advance(90);
      const { login: email, password } = oldest.person;
      return (await api('POST', '/auth/login', { email, password })).json;
    };
    const [first, second] = [await signIn(), await signIn()];
    clock.advance(90);
    const { json: used } = await api('POST', '/auth/refresh', { refreshToken: first.refreshToken });
    const third = await signIn();
    const isIn = async (token: string) => (await api('GET', '/auth/me', undefined, token)).status === 200;
    expect([await isIn(used.accessToken), await isIn(second.accessToken), await isIn(third.accessToken)]).to.deep.equal([
      true,
      false,
      true,
    ]);
    const [event] = await eventsOf(oldest, 'session.ended');
    expect(event.payload.details).to.deep.equal({ cause: 'session_limit' });
    // An administrator sees and ends anybody's.
    const { json: boss } = await api('POST', '/auth/login', admin);
    const { json: me } = await api('GET', '/auth/me', undefined, third.accessToken);
    const { json: list } = await api('GET', `/sessions?userId=${me.user.id}`, undefined, boss.accessToken);
    expect(list.items).to.have.lengthOf(2);
    const [one] = list.items;
    expect((await api('DELETE', `/sessions/${one.id}`, undefined, boss.accessToken)).status).to.equal(204);
    expect([await isIn(used.accessToken), await isIn(third.accessToken)].filter(Boolean)).to.have.lengthOf(1);
  });

  it('a browser session ends when it is not used, and at its absolute limit however much it is used', async () => {
    const flows = createFlows(oldest.issuer, client, oldest.person);
    const agent = createAgent(oldest.issuer);
    await flows.code({ scope: 'openid' }, agent);
    const isIn = async (): Promise<boolean> =>
      (await flows.authorize(flows.request({ scope: 'openid', prompt: 'none' }).url, agent)).has('code');
    for (const minutes of [50, 50, 50]) {
      clock.advance(minutes * 60);
      expect(await isIn()).to.equal(true);
    }
    clock.advance(31 * 60);
    expect(await isIn()).to.equal(false);
    const idle = createAgent(oldest.issuer);
    await flows.code({ scope: 'openid' }, idle);
    clock.advance(61 * 60);
    const answer = await flows.authorize(flows.request({ scope: 'openid', prompt: 'none' }).url, idle);
    expect(answer.get('error')).to.equal('login_required');
  });

  it('refuses the new sign-in where the operator says so, on pages and in the interface, with an event', async () => {
    const stand = await start({ SESSION_LIMIT: '1', SESSION_LIMIT_REACHED: 'refuse' });
    const api = createApi(() => stand.issuer);
    const { login: email, password } = stand.person;
    const { json: first } = await api('POST', '/auth/login', { email, password });
    const refused = await api('POST', '/auth/login', { email, password });
    expect([refused.status, refused.json.type]).to.deep.equal([409, 'urn:castellan:error:session_limit_reached']);
    expect(JSON.stringify(refused.json)).to.not.contain('refreshToken');
    const agent = createAgent(stand.issuer);
    const flows = createFlows(stand.issuer, client, stand.person);
    const page = await agent.submit(await agent.open(flows.request({ scope: 'openid', prompt: 'login' }).url), stand.person);
    expect(page.status).to.equal(409);
    expect(page.body).to.contain('You are signed in at too many places');
    const silent = await flows.authorize(flows.request({ scope: 'openid', prompt: 'none' }).url, agent);
    expect(silent.get('error')).to.equal('login_required');
    expect((await api('GET', '/auth/me', undefined, first.accessToken)).status).to.equal(200);
    await api('POST', '/auth/logout', {}, first.accessToken);
    expect((await api('POST', '/auth/login', { email, password })).status).to.equal(200);
    await stand.app.rooms.foundation.audit.flush();
    const events = await eventsOf(stand, 'session.refused');
    expect(events).to.have.lengthOf(2);
  });
});
