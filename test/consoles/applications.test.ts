import { expect } from 'chai';
import type { Agent, Page } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { createFlows, type Flows, webClient } from '../support/flows.ts';
import { browserOf } from '../support/relying-party.ts';
import { type Stand, startStand } from '../support/stand.ts';

const client = { id: 'reports', secret: 'a-secret-of-at-least-thirty-two-characters' };
const other = { email: 'ann@example.test', password: 'the-passphrase-of-ann' };
const orders = 'https://orders.example.test';

describe('A13 CO-08 connected applications', function applications() {
  this.timeout(60_000);
  let stand: Stand;
  let flows: Flows;
  let agent: Agent;
  const api = createApi(() => stand.issuer);
  const at = (path = ''): Promise<Page> => agent.open(`${stand.issuer}/account/applications${path}`);
  const apiToken = async (email: string, password: string): Promise<string> =>
    (await api('POST', '/auth/login', { email, password })).json.accessToken;

  before(async () => {
    stand = await startStand({
      bootstrap: {
        clients: [webClient(client)],
        users: [{ ...other }],
        resources: [
          {
            identifier: orders,
            name: 'Orders',
            scopes: [{ name: 'orders:read', description: 'Read your orders' }],
            accessTokenFormat: 'jwt',
          },
        ],
      },
    });
    flows = createFlows(stand.issuer, client, stand.person);
    agent = browserOf(stand);
  });
  after(() => stand.close());

  it('A13 says so while there is none', async () => {
    const page = await agent.submit(await at(), stand.person);
    expect(page.url).to.equal(`${stand.issuer}/account/applications`);
    expect(page.body).to.contain('No application yet');
    const token = await apiToken(stand.person.login, stand.person.password);
    expect((await api('GET', '/grants', undefined, token)).json).to.deep.equal({ items: [], nextCursor: null });
  });

  it('A13 lists what each may do, in plain words and by API, to nobody but the person', async () => {
    await flows.tokens({ scope: 'openid email offline_access orders:read', resource: orders }, agent);
    const list = await at();
    expect(list.body).to.contain('Acme Reports').and.not.contain('No application yet');
    const page = await at('/one?client=reports');
    expect(page.body).to.contain('Read your orders').and.contain('At Orders').and.contain(stand.person.login);
    const token = await apiToken(stand.person.login, stand.person.password);
    const { json } = await api('GET', '/grants', undefined, token);
    expect(json.items).to.have.lengthOf(1);
    expect(json.items[0]).to.deep.include({
      clientId: 'reports',
      clientName: 'Acme Reports',
      resources: [{ identifier: orders, scopes: ['orders:read'] }],
    });
    expect(json.items[0].scopes).to.include.members(['openid', 'email', 'offline_access']);
    const stranger = await apiToken(other.email, other.password);
    expect((await api('GET', '/grants', undefined, stranger)).json.items).to.deep.equal([]);
    expect((await api('DELETE', '/grants/reports', undefined, stranger)).status).to.equal(404);
  });

  it('CO-08 ends tokens of both formats, refresh and consent at once when it is taken back', async () => {
    const jwt = await flows.tokens({ scope: 'openid offline_access orders:read', resource: orders }, agent);
    const opaque = await flows.tokens({ scope: 'openid email' }, agent);
    expect((await flows.userinfo(opaque.access)).status).to.equal(200);
    const page = await at('/one?client=reports');
    expect((await agent.submit(page, {})).body).to.contain('Take back access');
    const list = await agent.submit(page, { revoke: 'yes' });
    expect(list.body).to.contain('no longer has access').and.contain('No application yet');
    expect((await flows.introspect(jwt.access)).body).to.deep.equal({ active: false });
    expect((await flows.userinfo(opaque.access)).status).to.equal(401);
    expect((await flows.refresh(jwt.refresh)).body.error).to.equal('invalid_grant');
    const asked = await agent.open(flows.request({ prompt: 'login' }).url.replace('prompt=login', ''));
    expect(asked.body).to.contain('name="decision"');
    expect((await at('/one?client=reports')).status).to.equal(404);
    const events = await stand.database.knex('audit_events').where({ client_id: 'reports' }).pluck('type');
    expect(events).to.include('oidc.consent.withdrawn');
  });

  it('A13 takes it back by API as well, once; and leaves other people theirs', async () => {
    const theirs = createFlows(stand.issuer, client, { login: other.email, password: other.password });
    const kept = await theirs.tokens({}, browserOf(stand));
    await flows.tokens({}, agent);
    const token = await apiToken(stand.person.login, stand.person.password);
    expect((await api('DELETE', '/grants/reports', undefined, token)).status).to.equal(204);
    const again = await api('DELETE', '/grants/reports', undefined, token);
    expect(again.json.type).to.equal('urn:castellan:error:grant_not_found');
    expect((await flows.userinfo(kept.access)).status).to.equal(200);
  });

  it('SE-08 changes nothing without the sign of our own page', async () => {
    await flows.tokens({}, agent);
    const init = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'revoke=yes' };
    expect((await agent.request(`${stand.issuer}/account/applications/one?client=reports`, init)).status).to.equal(403);
    expect((await at()).body).to.contain('Acme Reports');
  });
});
