import { expect } from 'chai';
import { createAgent, passPages } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { createFlows, webClient } from '../support/flows.ts';
import { type Stand, startStand } from '../support/stand.ts';

const client = { id: 'app', secret: 'a-secret-of-at-least-thirty-two-characters' };
const password = 'correct horse battery';
const admin = { email: 'admin@localhost', password: 'the-passphrase-of-the-administrator' };
const texts = [
  { locale: 'en', title: 'Terms of use', url: 'https://app.example.test/terms' },
  { locale: 'vi', title: 'Điều khoản sử dụng', url: 'https://app.example.test/vi/terms' },
];

describe('A3 terms of use', function terms() {
  this.timeout(60_000);
  let stand: Stand;
  let token: string;
  const api = createApi(() => stand.issuer);
  const accepting = (version: string) => ({ 'x-accept-terms': version });
  const publish = (version: string) => api('POST', '/identity/terms', { version, texts }, token);
  const login = (headers = {}) => {
    const { login: email, password: secret } = stand.person;
    return api('POST', '/auth/login', { email, password: secret }, undefined, headers);
  };

  before(async () => {
    stand = await startStand({ env: { BOOTSTRAP_ADMIN_PASSWORD: admin.password }, bootstrap: { clients: [webClient(client)] } });
    token = (await api('POST', '/auth/login', admin)).json.accessToken;
  });
  after(() => stand.close());

  it('asks for nothing while there are none', async () => {
    expect((await api('GET', '/auth/terms')).json).to.deep.equal({ terms: null });
    expect((await login()).status).to.equal(200);
    expect(await (await fetch(`${stand.issuer}/signup`)).text()).to.not.contain('name="terms"');
  });

  it('are published once a version, by whoever may, with web addresses only', async () => {
    const { json: own } = await login();
    expect((await api('POST', '/identity/terms', { version: '1', texts }, own.accessToken)).status).to.equal(403);
    const script = [{ ...texts[0], url: 'javascript:alert(1)' }];
    expect((await api('POST', '/identity/terms', { version: '1', texts: script }, token)).status).to.equal(400);
    expect((await publish('1')).status).to.equal(201);
    expect((await publish('1')).json.type).to.equal('urn:castellan:error:terms_exist');
    expect((await api('GET', '/auth/terms')).json.terms).to.include({ version: '1' });
  });

  it('sign-up wants them, in JSON and on the page, and records them', async () => {
    const email = 'ann@example.test';
    const refused = await api('POST', '/auth/register', { email, password });
    expect([refused.status, refused.json.errors[0].path]).to.deep.equal([400, 'headers/x-accept-terms']);
    expect((await api('POST', '/auth/register', { email, password }, undefined, accepting('0'))).status).to.equal(400);
    expect((await api('POST', '/auth/register', { email, password }, undefined, accepting('1'))).status).to.equal(201);
    const id = await stand.app.rooms.accounts.idOf(email);
    expect(await stand.database.knex('terms_acceptances').where({ user_id: id }).pluck('version')).to.deep.equal(['1']);
    expect((await api('POST', '/auth/login', { email, password })).status).to.equal(200);
    const agent = createAgent(stand.issuer);
    const page = await agent.open(`${stand.issuer}/signup`);
    expect(page.body).to.contain('https://app.example.test/terms');
    const without = await agent.submit(page, { login: 'bob@example.test', password });
    expect([without.status, without.body.includes('Accept the terms to sign up')]).to.deep.equal([400, true]);
    const done = await agent.submit(without, { login: 'bob@example.test', password, terms: '1' });
    expect(new URL(done.url).pathname).to.equal('/verify');
  });

  it('a new version is asked for at the next sign-in, once; nothing is given out before', async () => {
    const refused = await login();
    expect([refused.status, refused.json.type]).to.deep.equal([403, 'urn:castellan:error:terms_required']);
    expect(refused.json.terms).to.deep.equal({ version: '1', texts });
    expect(refused.json).to.not.have.property('accessToken');
    expect((await login(accepting('nonsense'))).status).to.equal(403);
    expect((await login(accepting('1'))).status).to.equal(200);
    expect((await login()).status).to.equal(200);
  });

  it('also with a session that is there, between the sign-in and the application; declining gives nothing', async () => {
    const flows = createFlows(stand.issuer, client, stand.person);
    const agent = createAgent(stand.issuer);
    await flows.code({ scope: 'openid' }, agent);
    expect((await publish('2')).status).to.equal(201);
    const silent = await flows.authorize(flows.request({ scope: 'openid', prompt: 'none' }).url, agent);
    expect(silent.get('error')).to.equal('interaction_required');
    const request = flows.request({ scope: 'openid', prompt: 'consent' });
    const page = await agent.open(request.url);
    expect(page.body).to.contain('New terms of use').and.contain('Version 2');
    expect((await agent.submit(page, { decision: 'allow', version: '1' })).status).to.equal(400);
    const declined = await agent.submit(page, { decision: 'deny' });
    expect(new URL(declined.headers.get('location') ?? '').searchParams.get('error')).to.equal('access_denied');
    const again = await agent.open(request.url);
    const accepted = await passPages(agent, await agent.submit(again, { decision: 'allow' }), stand.person);
    expect(new URL(accepted).searchParams.has('code')).to.equal(true);
    expect((await flows.code({ scope: 'openid', prompt: 'none' }, agent)).code).to.be.a('string');
    const events = await stand.database.knex('audit_events').where({ type: 'identity.terms_accepted' });
    expect(events.map(({ payload }) => payload.details.version)).to.include.members(['1', '2']);
  });
});
