import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import pg from 'pg';
import { createAgent, type Page, readForm } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { type Cable, layCable } from '../support/cable.ts';
import { ask, callback, createFlows, type Flows, webClient } from '../support/flows.ts';
import { brokenInvariants, eventually, type Fleet, startFleet } from '../support/processes.ts';
import { type OwnRedis, startRedis } from '../support/redis.ts';
import { describeWith } from '../support/services.ts';

const web = { id: 'web', secret: 'a-secret-of-at-least-thirty-two-characters' };
const on = (replica: number) => ({ 'x-replica': String(replica) });
const resource = 'https://orders.example.test';

/** What two processes share, whatever carries the news between them. */
const shared = (fleet: () => Fleet, flows: () => Flows): void => {
  const api = createApi(() => fleet().issuer);
  const administrate = async (): Promise<string> => {
    const { login: email, password } = fleet().administrator;
    return (await api('POST', '/auth/login', { email, password }, undefined, on(0))).json.accessToken;
  };
  const clientToken = (replica: number, form: Record<string, string> = {}) =>
    flows().post('/token', { grant_type: 'client_credentials', ...form }, on(replica));

  it('F-12 a sign-in begun on one process is finished on the other, step by step', async () => {
    const agent = createAgent(fleet().issuer);
    const { url, verifier } = flows().request();
    const step = async (replica: number, work: () => Promise<Page>): Promise<Page> => {
      fleet().route(replica);
      return await work();
    };
    const signIn = await step(0, () => agent.open(url));
    const consent = await step(1, () => agent.submit(signIn, { ...fleet().person }));
    expect(readForm(consent).buttons.map(({ name }) => name)).to.include('decision');
    const back = await step(0, () => agent.submit(consent, { decision: 'allow' }));
    fleet().route('robin');
    const code = new URL(back.headers.get('location') ?? '', callback).searchParams.get('code') ?? '';
    const { status, body } = await flows().redeem({ code, verifier }, on(1));
    expect(status).to.equal(200);
    const refreshed = await flows().refresh(String(body.refresh_token), on(0));
    expect(refreshed.status).to.equal(200);
    expect((await flows().introspect(String(refreshed.body.access_token), on(1))).body.active).to.equal(true);
  });

  it('F-12 Z8 what an administrator changes on one process soon holds on the other', async function changes() {
    this.timeout(120_000);
    const admin = await administrate();
    const soon = <Value>(read: () => Promise<Value>, isGood: (value: Value) => boolean) => eventually(read, isGood, 5000);

    expect((await clientToken(1)).status, 'warm').to.equal(200);
    await api('POST', `/clients/${web.id}/disable`, undefined, admin, on(0));
    expect(
      (
        await soon(
          () => clientToken(1),
          ({ status }) => status === 401,
        )
      ).status,
      'a disabled client',
    ).to.equal(401);
    await api('POST', `/clients/${web.id}/enable`, undefined, admin, on(0));
    expect(
      (
        await soon(
          () => clientToken(1),
          ({ status }) => status === 200,
        )
      ).status,
      'enabled again',
    ).to.equal(200);

    expect((await clientToken(1, { resource })).body.error, 'an unknown resource').to.equal('invalid_target');
    const made = await api(
      'POST',
      '/resources',
      { identifier: resource, name: 'Orders', scopes: ['orders'], accessTokenFormat: 'jwt' },
      admin,
      on(0),
    );
    expect(made.status).to.equal(201);
    const known = await soon(
      () => clientToken(1, { resource }),
      ({ status }) => status === 200,
    );
    expect(known.status, 'a resource that was made').to.equal(200);

    const kids = async () => {
      const { body } = await ask(`${fleet().issuer}/jwks`, { headers: on(1) });
      return (body.keys as { kid: string }[]).map(({ kid }) => kid).sort();
    };
    const before = await kids();
    expect((await api('POST', '/keys/rotate', { alg: 'ES256' }, admin, on(0))).status).to.be.below(300);
    const after = await soon(kids, (now) => now.join() !== before.join());
    expect(after, 'a rotation').to.not.deep.equal(before);
    expect((await clientToken(1, { resource })).status).to.equal(200);
  });
};

const noSurprise = async (fleet: Fleet): Promise<void> => {
  expect(await brokenInvariants(fleet)).to.deep.equal([]);
  for (const replica of fleet.replicas) expect(replica.errors()).to.not.match(/unhandled|uncaught/i);
};

describeWith(['postgres', 'redis'], 'F-07 F-08 F-12 two processes, PostgreSQL and Redis', () => {
  let redis: OwnRedis;
  let fleet: Fleet;
  let flows: Flows;
  const health = async () => (await ask(`${fleet.issuer}/health/ready`, { headers: on(0) })) as { status: number; body: object };

  before(async function start() {
    this.timeout(120_000);
    redis = await startRedis();
    fleet = await startFleet({ bootstrap: { clients: [webClient(web)] }, env: { REDIS_URL: redis.url } });
    flows = createFlows(fleet.issuer, web, fleet.person);
  });
  after(async () => {
    await fleet?.close();
    await redis?.stop();
    redis?.remove();
  });

  shared(
    () => fleet,
    () => flows,
  );

  it('F-08 an emptied Redis ends no session, revives no spent token and loosens no limit', async () => {
    const agent = createAgent(fleet.issuer);
    const api = createApi(() => fleet.issuer);
    const { refresh, access } = await flows.tokens({}, agent);
    const next = await flows.refresh(refresh, on(0));
    const email = 'victim@example.test';
    await api('POST', '/auth/register', { email, password: 'a long and quiet river 7' });
    const guess = async (replica: number) =>
      (await api('POST', '/auth/login', { email, password: 'not that one 123' }, undefined, on(replica))).status;
    for (let failure = 0; failure < 5; failure += 1) expect(await guess(failure % 2)).to.equal(401);

    await redis.flush();

    expect(await guess(1), 'the sixth try').to.equal(429);
    const again = await agent.open(flows.request({ prompt: 'none' }).url);
    expect(new URL(again.headers.get('location') ?? '', callback).searchParams.has('code'), 'the session').to.equal(true);
    expect((await flows.introspect(String(next.body.access_token), on(1))).body.active).to.equal(true);
    expect((await flows.refresh(refresh, on(1))).body.error, 'a spent token').to.equal('invalid_grant');
    expect((await flows.introspect(access, on(0))).body.active, 'its family').to.equal(false);
  });

  it('F-07 Redis dies amid a flow: every flow goes on, ready says degraded, and it is found again', async function away() {
    this.timeout(120_000);
    const agent = createAgent(fleet.issuer);
    const { url, verifier } = flows.request();
    const signIn = await agent.open(url);

    await redis.stop();

    const consent = await agent.submit(signIn, { ...fleet.person });
    const back = await agent.submit(consent, { decision: 'allow' });
    const code = new URL(back.headers.get('location') ?? '', callback).searchParams.get('code') ?? '';
    const { status, body } = await flows.redeem({ code, verifier });
    expect(status).to.equal(200);
    await flows.post('/revoke', { token: String(body.refresh_token) }, on(0));
    for (const replica of [0, 1]) {
      expect((await flows.introspect(String(body.access_token), on(replica))).body.active, 'revoked').to.equal(false);
    }
    const degraded = await eventually(health, ({ body: state }) => JSON.stringify(state).includes('bus'));
    expect(degraded.status).to.equal(200);
    expect(JSON.stringify(degraded.body)).to.include('bus');
    expect((await flows.tokens()).access).to.not.equal('');

    await redis.start();
    const well = await eventually(health, ({ body: state }) => !JSON.stringify(state).includes('bus'), 30_000);
    expect(JSON.stringify(well.body)).to.not.include('bus');
    expect((await flows.tokens()).access).to.not.equal('');
    await noSurprise(fleet);
  });
});

describeWith(['postgres'], 'F-02 F-12 two processes, PostgreSQL alone', () => {
  let cable: Cable;
  let fleet: Fleet;
  let flows: Flows;
  const ready = (replica: number) => ask(`${fleet.issuer}/health/ready`, { headers: on(replica) });
  const bothReady = () =>
    eventually(
      async () => [await ready(0), await ready(1)],
      (answers) => answers.every(({ status }) => status === 200),
      30_000,
    );

  /** The cable is out for one try, which must be answered 503; back in, the same step must succeed. */
  const cutDuring = async <Value extends { status: number }>(what: string, work: () => Promise<Value>): Promise<Value> => {
    cable.pull();
    const refused = await work();
    expect(refused.status, `${what} without a database`).to.equal(503);
    cable.plug();
    return await eventually(work, ({ status }) => status < 500, 30_000);
  };

  before(async function start() {
    this.timeout(120_000);
    fleet = await startFleet({
      bootstrap: { clients: [webClient(web)] },
      env: { DRAIN_DELAY_SECONDS: '1' },
      databaseUrl: async (real) => {
        const url = new URL(real);
        cable = await layCable(url.hostname, Number(url.port || 5432));
        url.hostname = '127.0.0.1';
        url.port = String(cable.port);
        return url.href;
      },
    });
    flows = createFlows(fleet.issuer, web, fleet.person);
  });
  after(async () => {
    await fleet?.close();
    await cable?.close();
  });

  shared(
    () => fleet,
    () => flows,
  );

  it('F-02 the database goes at each step of a sign-in: 503, and the same page, code or token finishes it', async function cut() {
    this.timeout(180_000);
    const agent = createAgent(fleet.issuer);
    const { url, verifier } = flows.request();
    const signIn = await cutDuring('authorize', () => agent.open(url));
    expect(signIn.status).to.equal(200);
    const consent = await cutDuring('sign-in', () => agent.submit(signIn, { ...fleet.person }));
    expect(readForm(consent).buttons.map(({ name }) => name)).to.include('decision');
    const back = await cutDuring('consent', () => agent.submit(consent, { decision: 'allow' }));
    const code = new URL(back.headers.get('location') ?? '', callback).searchParams.get('code') ?? '';
    const { status, body } = await cutDuring('token', () => flows.redeem({ code, verifier }));
    expect(status).to.equal(200);
    const access = String(body.access_token);
    expect((await cutDuring('introspection', () => flows.introspect(access))).body.active).to.equal(true);
    expect((await cutDuring('userinfo', () => flows.userinfo(access))).status).to.equal(200);
    expect((await cutDuring('refresh', () => flows.refresh(String(body.refresh_token)))).status).to.equal(200);
    await noSurprise(fleet);
  });

  it('F-02 ready says so while the database is away, live stays, and both processes come back by themselves', async function away() {
    this.timeout(120_000);
    await bothReady();
    cable.pull();
    const gone = await eventually(
      () => ready(0),
      ({ status }) => status === 503,
      20_000,
    );
    expect(gone.status).to.equal(503);
    expect(JSON.stringify(gone.body)).to.include('database');
    expect((await ask(`${fleet.issuer}/health/live`, { headers: on(0) })).status).to.equal(200);
    cable.plug();
    for (const { status } of await bothReady()) expect(status).to.equal(200);
    // The news travels again: the connection that listens was cut as well.
    const well = await eventually(
      async () => JSON.stringify((await ready(1)).body),
      (body) => !body.includes('bus'),
      30_000,
    );
    expect(well).to.not.include('bus');
    expect((await flows.tokens()).access).to.not.equal('');
    await noSurprise(fleet);
  });

  it('F-06 a stuck holder of a row: who needs it is told 503 while it is held, others pass, and afterwards all do', async function stuck() {
    this.timeout(120_000);
    await bothReady();
    const api = createApi(() => fleet.issuer);
    const login = ({ login: email, password }: Fleet['person']) =>
      api('POST', '/auth/login', { email, password }, undefined, on(0));
    const { id } = (await login(fleet.person)).json.user;
    const holder = new pg.Client({ connectionString: fleet.databaseUrl });
    // Should the test fail, its database goes under this connection.
    holder.on('error', () => undefined);
    await holder.connect();
    await holder.query('begin');
    await holder.query('select 1 from users where id = $1 for update', [id]);
    const waiting = login(fleet.person);
    expect((await login(fleet.administrator)).status, 'another person').to.equal(200);
    expect((await waiting).status).to.equal(503);
    await holder.query('rollback');
    await holder.end();
    expect((await login(fleet.person)).status).to.equal(200);
  });

  it('F-13 a rolling restart: ready says so at once, answers end their connections, and nobody who signs in, refreshes or introspects notices', async function rolling() {
    this.timeout(120_000);
    await bothReady();
    const done = { signIns: 0, refreshes: 0, introspections: 0 };
    const failed: string[] = [];
    let isOver = false;
    const drive = async (what: keyof typeof done, work: () => Promise<void>): Promise<void> => {
      while (!isOver) {
        await work().catch((error: unknown) => failed.push(`${what}: ${error}`));
        done[what] += 1;
        // Room for the processes that start.
        await sleep(25);
      }
    };
    let { access, refresh } = await flows.tokens();
    const good = (answer: { status: number; body: Record<string, unknown> }) => {
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      return answer.body;
    };
    const drivers = [
      drive('signIns', async () => void (await flows.tokens())),
      drive('refreshes', async () => {
        const body = good(await flows.refresh(refresh));
        [access, refresh] = [String(body.access_token), String(body.refresh_token)];
      }),
      drive('introspections', async () => void expect(good(await flows.introspect(access)).active).to.equal(true)),
    ];
    for (const [index, replica] of fleet.replicas.entries()) {
      const ended = replica.stop();
      const draining = await eventually(
        () => ready(index),
        ({ status }) => status === 503,
        900,
      );
      expect(draining.body).to.deep.equal({ status: 'unavailable', reasons: ['draining'] });
      expect(draining.headers.get('connection')).to.equal('close');
      expect(await ended, replica.errors().slice(-2000)).to.equal(0);
      await replica.start();
      const before = { ...done };
      await eventually(
        async () => done,
        (now) => Object.keys(now).every((key) => now[key as keyof typeof done] > before[key as keyof typeof done]),
      );
    }
    isOver = true;
    await Promise.all(drivers);
    expect(failed).to.deep.equal([]);
    for (const [what, count] of Object.entries(done)) expect(count, what).to.be.greaterThan(1);
    await noSurprise(fleet);
  });
});
