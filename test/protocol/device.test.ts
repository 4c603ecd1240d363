import { expect } from 'chai';
import { type Agent, createAgent, type Page, readForm } from '../support/agent.ts';
import { createRelyingParty, send } from '../support/client.ts';
import { type Stand, startStand } from '../support/stand.ts';

const grant = 'urn:ietf:params:oauth:grant-type:device_code';

describe('P1 RFC 8628 device flow', () => {
  let stand: Stand;
  const moved = { seconds: 0 };

  before(async () => {
    const device = { redirect_uris: [], response_types: [], token_endpoint_auth_method: 'none' };
    stand = await startStand({
      clock: { now: () => new Date(Date.now() + moved.seconds * 1000) },
      bootstrap: {
        clients: [
          { ...device, client_id: 'television', grant_types: [grant, 'refresh_token'] },
          { ...device, client_id: 'radio', grant_types: [grant] },
          { ...device, client_id: 'plain', grant_types: ['authorization_code'], redirect_uris: ['https://app.example.test/cb'] },
        ],
      },
    });
  });
  beforeEach(() => stand.database.knex('failure_counters').delete());
  after(() => stand.close());

  const start = (clientId = 'television', fields: Record<string, string> = {}) =>
    createRelyingParty(stand, clientId).post('/device/code', { client_id: clientId, scope: 'openid', ...fields }, {});
  const poll = (code: string, clientId = 'television') =>
    createRelyingParty(stand, clientId).post('/token', { client_id: clientId, grant_type: grant, device_code: code }, {});
  /** Enters the code and signs in, up to the question whether to allow it. */
  const question = async (agent: Agent, userCode: string): Promise<Page> => {
    let page = await agent.submit(await agent.open(`${stand.issuer}/device`), { user_code: userCode });
    for (let step = 0; step < 4; step += 1) {
      const form = readForm(page);
      if (!('login' in form.fields || 'password' in form.fields)) break;
      page = await agent.submit(page, { ...stand.person });
    }
    return page;
  };
  const allow = async (agent: Agent, page: Page): Promise<Page> => {
    let last = page;
    for (let step = 0; step < 4 && /name="decision"|name="password"/.test(last.body); step += 1) {
      last = await agent.submit(last, /name="decision"/.test(last.body) ? { decision: 'allow' } : { ...stand.person });
    }
    return last;
  };

  it('RFC 8628 §3.2, §3.5 hands tokens out once, to the device that asked', async () => {
    const { json: started } = await start();
    expect(started).to.include({ verification_uri: `${stand.issuer}/device`, expires_in: 600 });
    expect((await poll(started.device_code)).json.error).to.equal('authorization_pending');
    expect((await poll(started.device_code, 'radio')).json.error).to.equal('invalid_grant');
    const agent = createAgent(stand.issuer);
    await allow(agent, await question(agent, started.user_code));
    const { status, json } = await poll(started.device_code);
    expect([status, typeof json.access_token]).to.deep.equal([200, 'string']);
    expect((await poll(started.device_code)).json.error, 'CO-07 after success').to.equal('invalid_grant');
  });

  it('CO-07 RFC 8628 §5.4 a code belongs to the session that opened it first', async () => {
    const { json: started } = await start();
    const first = createAgent(stand.issuer);
    const page = await question(first, started.user_code);
    expect(page.body).to.match(/name="decision"/);
    const second = createAgent(stand.issuer);
    const other = await second.submit(await second.open(`${stand.issuer}/device`), { user_code: started.user_code });
    expect(other.status).to.equal(400);
    expect(other.body).to.not.match(/name="decision"/);
    expect((await poll(started.device_code)).json.error).to.match(/authorization_pending|slow_down/);
    await allow(first, page);
    expect((await poll(started.device_code)).status).to.equal(200);
  });

  it('RFC 8628 §3.3 a code that was mistyped can be mended where it stands, and a form of no session says what to do', async () => {
    const { json: started } = await start();
    const agent = createAgent(stand.issuer);
    const wrong = await agent.submit(await agent.open(`${stand.issuer}/device`), { user_code: 'BBBB-BBBB' });
    expect([wrong.status, readForm(wrong).fields.user_code]).to.deep.equal([400, 'BBBB-BBBB']);
    const empty = await agent.submit(wrong, { user_code: '' });
    const right = await agent.submit(empty, { user_code: started.user_code.toLowerCase() });
    expect(right.body)
      .to.contain(started.user_code)
      .and.match(/name="decision"/);
    const forged = await agent.submit(right, { xsrf: 'forged', decision: 'allow' });
    expect(forged.status).to.equal(400);
    expect(forged.body).to.contain('This page is no longer valid').and.contain('href="/device"');
    expect((await poll(started.device_code)).json.error).to.match(/authorization_pending|slow_down/);
  });

  it('CO-07 RFC 8628 §3.5 a refusal is told to the device, and ends the code', async () => {
    const { json: started } = await start();
    const agent = createAgent(stand.issuer);
    const page = await agent.submit(await agent.open(`${stand.issuer}/device`), { user_code: started.user_code });
    await agent.submit(page, { decision: 'deny' });
    expect((await poll(started.device_code)).json.error).to.equal('access_denied');
    const again = createAgent(stand.issuer);
    const late = await again.submit(await again.open(`${stand.issuer}/device`), { user_code: started.user_code });
    expect(late.body).to.not.match(/name="decision"/);
  });

  it('RFC 8628 §3.5 a code ends after ten minutes', async () => {
    const { json: started } = await start();
    moved.seconds += 601;
    expect((await poll(started.device_code)).json.error).to.equal('expired_token');
    const agent = createAgent(stand.issuer);
    const page = await agent.submit(await agent.open(`${stand.issuer}/device`), { user_code: started.user_code });
    expect(page.body).to.not.match(/name="decision"/);
    moved.seconds = 0;
  });

  for (const [what, ask] of Object.entries<() => ReturnType<typeof start>>({
    'a client without the grant': () => start('plain'),
    'an unknown client': () => start('nobody'),
    'an unknown code': () => poll('nobody-knows-this-code'),
    'a poll without a code': () =>
      createRelyingParty(stand, 'television').post('/token', { client_id: 'television', grant_type: grant }, {}),
  })) {
    it(`RFC 8628 §3.1 refuses ${what}`, async () => {
      const { status, json } = await ask();
      expect(status).to.be.oneOf([400, 401]);
      expect(json.error).to.match(/^(invalid_request|invalid_client|unauthorized_client|invalid_grant)$/);
    });
  }

  it('RFC 8628 §3.3 takes no answer by GET', async () => {
    const { json: started } = await start();
    const url = `${stand.issuer}/device?user_code=${started.user_code}&decision=allow&confirm=yes`;
    await send(url, { headers: { accept: 'text/html' } });
    expect((await poll(started.device_code)).json.error).to.match(/authorization_pending|slow_down/);
  });
});
