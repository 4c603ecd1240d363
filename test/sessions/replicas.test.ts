import { expect } from 'chai';
import pg from 'pg';
import { createApi, type Tokens } from '../support/api.ts';
import { dpopProof, makeKey } from '../support/client.ts';
import { ask, createFlows, type Flows, webClient } from '../support/flows.ts';
import { type Fleet, startFleet } from '../support/processes.ts';
import { describeWith } from '../support/services.ts';

const client = { id: 'app', secret: 'a-secret-of-at-least-thirty-two-characters' };
const on = (replica: number) => ({ 'x-replica': String(replica) });

describeWith(['postgres'], 'P3 RC-04 endings on two replicas', () => {
  let fleet: Fleet;
  let flows: Flows;
  const api = createApi(() => fleet.issuer);
  const login = async (replica = 0, who = fleet.person): Promise<Tokens> => {
    const { status, json } = await api(
      'POST',
      '/auth/login',
      { email: who.login, password: who.password },
      undefined,
      on(replica),
    );
    expect(status).to.equal(200);
    return json;
  };
  const me = async (token: string, replica: number) => (await api('GET', '/auth/me', undefined, token, on(replica))).status;
  const refresh = (refreshToken: string, replica: number) =>
    api('POST', '/auth/refresh', { refreshToken }, undefined, on(replica));
  const isActive = async (token: string, replica: number) => (await flows.introspect(token, on(replica))).body.active;
  const sql = async (text: string, values: unknown[] = []): Promise<void> => {
    const connection = new pg.Client({ connectionString: fleet.databaseUrl });
    await connection.connect();
    await connection.query(text, values);
    await connection.end();
  };

  before(async function start() {
    this.timeout(120_000);
    fleet = await startFleet({ bootstrap: { clients: [{ ...webClient(client), scope: 'openid email offline_access authz' }] } });
    flows = createFlows(fleet.issuer, client, fleet.person);
  });
  after(() => fleet.close());

  it('TK-06 what one replica ends, the other refuses on the next request', async () => {
    const tokens = await login(0);
    expect(await me(tokens.accessToken, 1)).to.equal(200);
    expect((await api('POST', '/auth/logout', {}, tokens.accessToken, on(1))).status).to.equal(204);
    expect(await me(tokens.accessToken, 0)).to.equal(401);
    expect((await refresh(tokens.refreshToken, 0)).status).to.equal(401);
  });

  it('TK-06 an administrator ends a person’s sessions: cookies, opaque tokens and JWTs alike', async () => {
    const relying = await flows.tokens();
    const own = await login(0);
    const { json } = await api('GET', '/auth/me', undefined, own.accessToken, on(0));
    const admin = await login(0, fleet.administrator);
    const listed = await api('GET', `/sessions?userId=${json.user.id}`, undefined, admin.accessToken, on(1));
    expect(listed.json.items.length).to.be.at.least(2);
    expect(await isActive(relying.access, 1)).to.equal(true);
    const ended = await api('DELETE', `/sessions?userId=${json.user.id}`, undefined, admin.accessToken, on(0));
    expect(ended.status).to.equal(204);
    expect(await isActive(relying.access, 1)).to.equal(false);
    expect((await flows.refresh(relying.refresh, on(1))).body.error).to.equal('invalid_grant');
    expect((await flows.userinfo(relying.access, on(1))).status).to.equal(401);
    expect(await me(own.accessToken, 1)).to.equal(401);
    expect(await me(admin.accessToken, 1)).to.equal(200);
  });

  it('TK-05 an account that is not active has no living token, on either replica', async () => {
    const relying = await flows.tokens();
    const own = await login(1);
    const { json } = await api('GET', '/auth/me', undefined, own.accessToken, on(0));
    await sql('update users set status = $1 where id = $2', ['deactivated', json.user.id]);
    try {
      for (const replica of [0, 1]) {
        expect(await isActive(relying.access, replica)).to.equal(false);
        expect((await flows.userinfo(relying.access, on(replica))).status).to.equal(401);
        expect((await flows.refresh(relying.refresh, on(replica))).body.error).to.equal('invalid_grant');
        expect(await me(own.accessToken, replica)).to.equal(401);
        expect((await refresh(own.refreshToken, replica)).status).to.equal(401);
        const { login: email, password } = fleet.person;
        expect((await api('POST', '/auth/login', { email, password }, undefined, on(replica))).status).to.equal(401);
      }
    } finally {
      await sql('update users set status = $1 where id = $2', ['active', json.user.id]);
    }
  });

  it('TK-10 moments of client, account, organization and everything combine, in any order', async function combine() {
    this.timeout(180_000);
    const organization = '01890000-0000-7000-8000-0000000000aa';
    const { json } = await api('GET', '/auth/me', undefined, (await login(0)).accessToken, on(0));
    const named = [organization, 'Acme'];
    await sql(`insert into organizations (id, name, slug, created_at, updated_at) values ($1, $2, 'acme', now(), now())`, named);
    const member = [organization, json.user.id];
    await sql('insert into organization_members (organization_id, user_id, created_at) values ($1, $2, now())', member);
    const admin = async (path: string, body?: object): Promise<void> => {
      const { accessToken } = await login(0, fleet.administrator);
      expect((await api('POST', path, body, accessToken, on(0))).status).to.be.below(300);
    };
    const ofClient = async (): Promise<void> => {
      for (const step of ['disable', 'enable']) await admin(`/clients/${client.id}/${step}`);
    };
    const ofPerson = async (): Promise<void> => {
      const { accessToken } = await login(1);
      expect((await api('POST', '/auth/logout', { everywhere: true }, accessToken, on(1))).status).to.equal(204);
    };
    const ofOrganization = () => admin('/revocations', { organizationId: organization });
    const ofEverything = () => admin('/revocations', { reason: 'a drill' });
    for (const steps of [
      [ofClient, ofPerson],
      [ofPerson, ofClient],
      [ofEverything, ofOrganization, ofPerson],
      [ofOrganization, ofClient, ofEverything],
    ]) {
      const issued = [];
      for (const step of steps) {
        const [relying, own] = [await flows.tokens(), await login(1)];
        issued.push({ ...relying, own: step === ofClient ? undefined : own });
        await step();
      }
      for (const { access, refresh: token, own } of issued) {
        for (const replica of [0, 1]) expect(await isActive(access, replica)).to.equal(false);
        expect((await flows.userinfo(access, on(1))).status).to.equal(401);
        expect((await flows.refresh(token, on(1))).body.error).to.equal('invalid_grant');
        if (own) expect([await me(own.accessToken, 0), (await refresh(own.refreshToken, 1)).status]).to.deep.equal([401, 401]);
      }
    }
    const after = await flows.tokens();
    for (const replica of [0, 1]) expect(await isActive(after.access, replica)).to.equal(true);
  });

  it('RC-11 a log-out everywhere during refreshes leaves nothing alive', async () => {
    const tokens = await login(0);
    const refreshing = [refresh(tokens.refreshToken, 0), refresh(tokens.refreshToken, 1)];
    const ending = api('POST', '/auth/logout', { everywhere: true }, tokens.accessToken, on(1));
    const answers = await Promise.all(refreshing);
    expect((await ending).status).to.be.oneOf([204, 401]);
    if ((await ending).status === 401) return;
    for (const { status, json } of answers) {
      if (status !== 200) continue;
      expect(await me(json.accessToken, 0)).to.equal(401);
      expect((await refresh(json.refreshToken, 1)).status).to.equal(401);
    }
  });

  it('TK-08 TK-11 a proof is spent on every replica and after kill -9, at the provider and at our API', async function restart() {
    this.timeout(120_000);
    const key = await makeKey('ES256');
    const to = { token: `${fleet.issuer}/token`, api: `${fleet.issuer}/access/v1/evaluation` };
    const form = { grant_type: 'client_credentials', scope: 'authz', resource: fleet.issuer };
    const issue = (proof: string, replica: number) => flows.post('/token', form, { ...on(replica), DPoP: proof });
    const first = await dpopProof(key, 'POST', to.token);
    const { body } = await issue(first, 0);
    expect(body.token_type).to.equal('DPoP');
    const accessToken = String(body.access_token);
    const decide = async (proof: string, replica: number): Promise<number> => {
      const headers = { authorization: `DPoP ${accessToken}`, DPoP: proof, 'content-type': 'application/json', ...on(replica) };
      const question = { subject: { type: 'user', id: 'x' }, action: { name: 'read' }, resource: { type: 'order', id: '1' } };
      return (await ask(to.api, { method: 'POST', headers, body: JSON.stringify(question) })).status;
    };
    const proof = await dpopProof(key, 'POST', to.api, { accessToken });
    expect([await decide(proof, 0), await decide(proof, 1), (await issue(first, 1)).body.error]).to.deep.equal([
      200,
      401,
      'invalid_grant',
    ]);
    await Promise.all(fleet.replicas.map((replica) => replica.kill()));
    await Promise.all(fleet.replicas.map((replica) => replica.start()));
    for (const replica of [0, 1]) {
      expect(await decide(proof, replica)).to.equal(401);
      expect((await issue(first, replica)).body.error).to.equal('invalid_grant');
    }
    expect(await decide(await dpopProof(key, 'POST', to.api, { accessToken }), 1), 'a new one').to.equal(200);
  });

  it('TK-11 a spent refresh token stays spent after kill -9, and its reuse still ends the family', async function restart() {
    this.timeout(120_000);
    const first = await login(0);
    const { json: second } = await refresh(first.refreshToken, 1);
    await Promise.all(fleet.replicas.map((replica) => replica.kill()));
    await Promise.all(fleet.replicas.map((replica) => replica.start()));
    expect(await me(second.accessToken, 0)).to.equal(200);
    expect((await refresh(first.refreshToken, 0)).status).to.equal(401);
    expect(await me(second.accessToken, 1)).to.equal(401);
    expect((await refresh(second.refreshToken, 1)).status).to.equal(401);
  });
});
