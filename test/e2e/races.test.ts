import { expect } from 'chai';
import { createAgent } from '../support/agent.ts';
import { dpopProof, makeKey } from '../support/client.ts';
import { type Answer, callback, createFlows, deviceClient, type Flows, webClient } from '../support/flows.ts';
import { brokenInvariants, type Fleet, startFleet } from '../support/processes.ts';
import { describeWith } from '../support/services.ts';

const web = { id: 'web', secret: 'a-secret-of-at-least-thirty-two-characters' };
const television = { id: 'television' };
const replicas = [0, 1].map((number) => ({ 'x-replica': String(number) }));

const count = (answers: Answer[]): Record<string, number> => {
  const found: Record<string, number> = {};
  for (const { status, body } of answers) {
    const key = status === 200 ? '200' : `${status} ${body.error}`;
    found[key] = (found[key] ?? 0) + 1;
  }
  return found;
};

/** All at once, spread over the replicas. */
const parallel = (times: number, work: (headers: Record<string, string>) => Promise<Answer>): Promise<Answer[]> =>
  Promise.all(Array.from({ length: times }, (_, turn) => work({ 'x-replica': String(turn % 2) })));

const suite = (start: () => Promise<Fleet>): void => {
  let fleet: Fleet;
  let flows: Flows;
  let device: Flows;

  before(async function startAll() {
    this.timeout(120_000);
    fleet = await start();
    flows = createFlows(fleet.issuer, web, fleet.person);
    device = createFlows(fleet.issuer, television, fleet.person);
  });
  after('the invariants of security-cases §2.1 hold', async () => {
    await Promise.all(fleet.replicas.map((replica) => replica.stop()));
    expect(await brokenInvariants(fleet)).to.deep.equal([]);
  });
  after(() => fleet?.close());

  const expectDead = async (tokens: { access: unknown; refresh: unknown }): Promise<void> => {
    for (const headers of replicas) {
      const introspection = await flows.introspect(String(tokens.access), headers);
      expect(introspection.body, 'introspection').to.deep.equal({ active: false });
      expect((await flows.userinfo(String(tokens.access), headers)).status, 'userinfo').to.equal(401);
      const refreshed = await flows.refresh(String(tokens.refresh), headers);
      expect([refreshed.status, refreshed.body.error], 'refresh').to.deep.equal([400, 'invalid_grant']);
    }
  };

  it('RC-01 CO-01 of 50 redemptions of one code one succeeds, and what it got is dead', async () => {
    const grant = await flows.code();
    const answers = await parallel(50, (headers) => flows.redeem(grant, headers));
    expect(count(answers)).to.deep.equal({ '200': 1, '400 invalid_grant': 49 });
    // RFC 6749 §4.1.2: a second use ends what the first one got, also where it showed only at the write.
    const { body } = answers.find(({ status }) => status === 200) as Answer;
    await expectDead({ access: body.access_token, refresh: body.refresh_token });
  });

  it('RC-02 TK-04 of 20 refreshes with one token one succeeds, and the family is dead everywhere', async () => {
    const tokens = await flows.tokens();
    const answers = await parallel(20, (headers) => flows.refresh(tokens.refresh, headers));
    expect(count(answers)).to.deep.equal({ '200': 1, '400 invalid_grant': 19 });
    const { body } = answers.find(({ status }) => status === 200) as Answer;
    await expectDead({ access: body.access_token, refresh: body.refresh_token });
    await expectDead({ access: tokens.access, refresh: tokens.refresh });
  });

  it('TK-04 RFC 9700 §4.14 a spent refresh token ends its family everywhere, and no other sign-in', async () => {
    const [family, other] = [await flows.tokens(), await flows.tokens()];
    const next = (await flows.refresh(family.refresh, replicas[0])).body;
    expect((await flows.userinfo(String(next.access_token), replicas[1])).status).to.equal(200);
    expect((await flows.refresh(family.refresh, replicas[1])).body.error).to.equal('invalid_grant');
    await expectDead({ access: next.access_token, refresh: next.refresh_token });
    expect((await flows.introspect(other.access, replicas[0])).body.active).to.equal(true);
    expect((await flows.refresh(other.refresh, replicas[1])).status).to.equal(200);
  });

  it('TK-08 RFC 9449 §11.1 a proof is good once, on whichever replica', async () => {
    const key = await makeKey();
    const proof = await dpopProof(key, 'POST', `${fleet.issuer}/token`);
    const answers = await parallel(6, (headers) =>
      flows.post('/token', { grant_type: 'client_credentials' }, { ...headers, DPoP: proof }),
    );
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    expect(answers.find(({ status }) => status === 200)?.body.token_type).to.equal('DPoP');
    const later = await flows.post('/token', { grant_type: 'client_credentials' }, { ...replicas[1], DPoP: proof });
    expect([later.status, later.body.error]).to.deep.equal([400, 'invalid_grant']);
  });

  it('RC-01 RFC 8628 §3.5 of 20 polls for one approved device code one gets the tokens', async () => {
    const { body } = await device.post('/device/code', { scope: 'openid' });
    const page = await device.approveDevice(String(body.verification_uri_complete), String(body.user_code));
    expect(page.status, page.body).to.equal(200);
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: String(body.device_code) };
    const answers = await parallel(20, (headers) => device.post('/token', form, headers));
    expect(count(answers)).to.deep.equal({ '200': 1, '400 invalid_grant': 19 });
  });

  it('RC-01 CO-04 RFC 9126 §4 a pushed request is answered once, in whichever tab and process', async () => {
    const { url } = flows.request({ prompt: 'login' });
    const pushed = await flows.post('/par', Object.fromEntries(new URL(url).searchParams));
    expect(pushed.status).to.equal(201);
    const opened = `${fleet.issuer}/authorize?${new URLSearchParams({ client_id: web.id, request_uri: String(pushed.body.request_uri) })}`;
    const outcomes = await Promise.all(
      [0, 1, 2, 3].map(async (turn) => {
        const agent = createAgent(fleet.issuer);
        let page = await agent.request(opened, { headers: replicas[turn % 2] ?? {} });
        page = await agent.open(new URL(page.headers.get('location') ?? '/', page.url).href);
        page = await agent.submit(page, fleet.person);
        if (page.status === 200) page = await agent.submit(page, { decision: 'allow' });
        return page.headers.get('location')?.startsWith(`${callback}?code=`) ? 'code' : String(page.status);
      }),
    );
    expect(outcomes.filter((outcome) => outcome === 'code')).to.have.length(1);
  });
};

describeWith(['postgres', 'redis'], 'P10 races, two processes on PostgreSQL', function races() {
  this.timeout(120_000);
  suite(() => startFleet({ bootstrap: { clients: [webClient(web), deviceClient(television)] } }));
});

describe('P10 races, one process on the embedded database', function races() {
  this.timeout(120_000);
  suite(() =>
    startFleet({ engine: 'embedded', replicas: 1, bootstrap: { clients: [webClient(web), deviceClient(television)] } }),
  );
});
