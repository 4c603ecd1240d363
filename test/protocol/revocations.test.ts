import { expect } from 'chai';
import { setTenants } from '../../src/platform/db/index.ts';
import { createAgent } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { send } from '../support/client.ts';
import { createTestClock } from '../support/clock.ts';
import { everyTenant } from '../support/database.ts';
import { createFlows, type Flows, webClient } from '../support/flows.ts';
import { type Stand, startStand } from '../support/stand.ts';

const app = { id: 'app', secret: 'a-secret-of-at-least-thirty-two-characters' };
const administrator = { email: 'root@example.test', password: 'a-password-for-the-administrator' };
const plain = { email: 'plain@example.test', password: 'a-password-for-somebody-else' };
const organization = '01890000-0000-7000-8000-0000000000aa';
const path = '/revocations';

describe('TK-10 everything issued before now ends, of everybody or of an organization', () => {
  const clock = createTestClock();
  let stand: Stand;
  let flows: Flows;
  const api = createApi(() => stand.issuer);

  before(async () => {
    const users = [
      { ...administrator, email_verified: true, roles: ['SUPER_ADMIN'] },
      { ...plain, email_verified: true },
    ];
    stand = await startStand({ clock, env: { REGISTRATION: 'closed' }, bootstrap: { clients: [webClient(app)], users } });
    flows = createFlows(stand.issuer, app, stand.person);
    const at = clock.now();
    const { json } = await api('GET', '/auth/me', undefined, await login(stand.person));
    await stand.database.transaction(async (trx) => {
      await setTenants(trx, 'all');
      await trx('organizations').insert({ id: organization, name: 'Acme', slug: 'acme', created_at: at, updated_at: at });
      await trx('organization_members').insert({ organization_id: organization, user_id: json.user.id, created_at: at });
    });
  });
  after(() => stand.close());

  const login = async (who: { login: string; password: string } | typeof plain): Promise<string> => {
    const email = 'login' in who ? who.login : who.email;
    const { status, json } = await api('POST', '/auth/login', { email, password: who.password });
    expect(status).to.equal(200);
    return json.accessToken;
  };
  const me = async (token: string): Promise<number> => (await api('GET', '/auth/me', undefined, token)).status;
  const revoke = async (body: object = {}) => api('POST', path, body, await login(administrator));
  const machineToken = async (): Promise<string> =>
    String((await flows.post('/token', { grant_type: 'client_credentials' })).body.access_token);

  it('of everybody: sessions, codes, tokens of people and machines, the caller’s own; what comes after lives', async () => {
    const agent = createAgent(stand.issuer);
    const [tokens, own, machine] = [await flows.tokens({}, agent), await login(plain), await machineToken()];
    const grant = await flows.code();
    const caller = await login(administrator);
    const { status, json } = await api('POST', path, { reason: 'keys were seen elsewhere' }, caller);
    expect(status).to.equal(201);
    expect(json).to.deep.include({ scope: 'everything', organizationId: null });
    expect(clock.now().getTime() - Date.parse(json.revokedBefore)).to.be.within(0, 1000);
    for (const token of [tokens.access, machine]) expect((await flows.introspect(token)).body).to.deep.equal({ active: false });
    expect((await flows.userinfo(tokens.access)).status).to.equal(401);
    expect((await flows.refresh(tokens.refresh)).body.error).to.equal('invalid_grant');
    expect((await flows.redeem(grant)).body.error).to.equal('invalid_grant');
    for (const token of [own, caller]) expect(await me(token)).to.equal(401);
    const silent = new URL((await agent.open(flows.request({ prompt: 'none' }).url)).headers.get('location') ?? '');
    expect(silent.searchParams.get('error')).to.equal('login_required');
    clock.advance(2);
    const later = await flows.tokens();
    expect((await flows.introspect(later.access)).body.active).to.equal(true);
    expect((await flows.introspect(await machineToken())).body.active).to.equal(true);
    expect(await me(await login(plain))).to.equal(200);
  });

  it('leaves no session that only looks alive: they are ended, one by one, in the lists as well', async () => {
    clock.advance(2);
    await login(plain);
    expect((await revoke()).status).to.equal(201);
    const alive = await stand.database.knex('sessions').whereNull('ended_at').where('created_at', '<=', clock.now());
    expect(alive).to.deep.equal([]);
    expect(await stand.database.knex('revocations').whereNull('finished_at')).to.deep.equal([]);
  });

  it('of an organization: its people and nobody else', async () => {
    clock.advance(2);
    const [member, stranger, machine] = [await flows.tokens(), await login(plain), await machineToken()];
    const own = await login(stand.person);
    const { status, json } = await revoke({ organizationId: organization });
    expect([status, json.scope, json.organizationId]).to.deep.equal([201, 'organization', organization]);
    expect((await flows.introspect(member.access)).body.active).to.equal(false);
    expect((await flows.refresh(member.refresh)).body.error).to.equal('invalid_grant');
    expect([await me(own), await me(stranger)]).to.deep.equal([401, 200]);
    expect((await flows.introspect(machine)).body.active).to.equal(true);
    expect(await me(await login(stand.person)), 'signs in again').to.equal(200);
  });

  it('of an organization: its clients, which do nothing while it is suspended (TK-05)', async () => {
    clock.advance(2);
    const belong = async (id: string | null) => {
      await everyTenant(stand.database, (trx) => trx('clients').where({ client_id: app.id }).update({ organization_id: id }));
      for (const step of ['disable', 'enable'])
        await api('POST', `/clients/${app.id}/${step}`, undefined, await login(administrator));
    };
    await belong(organization);
    const place = (status: string) =>
      everyTenant(stand.database, (trx) => trx('organizations').where({ id: organization }).update({ status }));
    clock.advance(2);
    const machine = await machineToken();
    await revoke({ organizationId: organization });
    expect((await flows.introspect(machine)).body.active).to.equal(false);
    clock.advance(2);
    expect((await flows.introspect(await machineToken())).body.active).to.equal(true);
    await place('suspended');
    await revoke({ organizationId: organization });
    expect((await flows.post('/token', { grant_type: 'client_credentials' })).body.error).to.equal('invalid_client');
    await place('active');
    await belong(null);
  });

  it('Initiating User Registration 1.0 where nobody may sign up, prompt=create is not offered and leads to the sign-in', async () => {
    const { json } = await send(`${stand.issuer}/.well-known/openid-configuration`);
    expect(json.prompt_values_supported).to.include('login').and.not.include('create');
    const agent = createAgent(stand.issuer);
    const page = await agent.open(flows.request({ prompt: 'create' }).url);
    expect(page.body)
      .to.match(/<h1>Sign in<\/h1>/)
      .and.not.match(/signup/);
  });

  it('takes a right that reaches everybody, a known organization and a fresh sign-in', async () => {
    clock.advance(2);
    expect((await api('POST', path, {})).status).to.equal(401);
    const refused = await api('POST', path, {}, await login(plain));
    expect([refused.status, refused.json.permission]).to.deep.equal([403, 'token:revoke']);
    expect((await revoke({ organizationId: '01890000-0000-7000-8000-0000000000ab' })).status).to.equal(404);
    expect((await revoke({ organizationId: 'acme' })).status).to.equal(400);
    expect((await revoke({ everything: true })).status).to.equal(400);
    const caller = await login(administrator);
    clock.advance(700);
    const late = await api('POST', path, {}, caller);
    expect([late.status, late.json.type]).to.deep.equal([401, 'urn:castellan:error:insufficient_user_authentication']);
  });

  it('AU-05 is told with who and why', async () => {
    const told = await everyTenant(stand.database, (trx) =>
      trx('audit_events').where({ type: 'oidc.tokens_revoked' }).orderBy('id'),
    );
    const { json } = await api('GET', '/auth/me', undefined, await login(administrator));
    for (const event of told) expect([event.actor_type, event.actor_id]).to.deep.equal(['user', json.user.id]);
    expect(told.map(({ reason }) => reason)).to.include('keys were seen elsewhere');
    expect(told.map(({ organization_id: id }) => id)).to.include(organization);
  });
});
