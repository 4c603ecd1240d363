import { expect } from 'chai';
import { createAgent } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import type { Engine } from '../support/database.ts';
import { type Answer, createFlows, type Flows, webClient } from '../support/flows.ts';
import { brokenInvariants, type Fleet, startFleet } from '../support/processes.ts';
import { describeWith } from '../support/services.ts';

const web = { id: 'web', secret: 'a-secret-of-at-least-thirty-two-characters' };

/** Runs work after work until the process dies; what was acknowledged is kept. */
const untilKilled = async <Value>(work: () => Promise<Value | undefined>): Promise<Value[]> => {
  const acknowledged: Value[] = [];
  for (;;) {
    try {
      const value = await work();
      if (value !== undefined) acknowledged.push(value);
    } catch {
      return acknowledged;
    }
  }
};

const ended = new Error('the process is gone');
const orEnded = (answer: Answer): Answer => {
  if (answer.status >= 500) throw ended;
  return answer;
};

const suite = (engine: Engine): void => {
  let fleet: Fleet;
  let flows: Flows;
  const api = createApi(() => fleet.issuer);

  before(async () => {
    fleet = await startFleet({ engine, replicas: 1, bootstrap: { clients: [webClient(web)] } });
    flows = createFlows(fleet.issuer, web, fleet.person);
  });
  after(() => fleet?.close());

  const restart = async (): Promise<void> => {
    const [replica] = fleet.replicas;
    await replica?.kill();
    expect(await brokenInvariants(fleet)).to.deep.equal([]);
    await replica?.start();
  };

  const administrate = async (): Promise<string> => {
    const { login: email, password } = fleet.administrator;
    const { status, json } = await api('POST', '/auth/login', { email, password });
    expect(status).to.equal(200);
    return json.accessToken;
  };

  it('F-17 TK-11 kill -9 amid sign-ins, refreshes and rotations: what was acknowledged is there, nothing is half', async () => {
    const spent: string[] = [];
    for (let round = 0; round < 2; round += 1) {
      const family = await flows.tokens();
      let refresh = family.refresh;
      const refreshing = untilKilled(async () => {
        const { body } = orEnded(await flows.refresh(refresh));
        spent.push(refresh);
        refresh = String(body.refresh_token);
        return { access: String(body.access_token), refresh };
      });
      const signing = untilKilled(async () => (await flows.tokens()).refresh);
      let number = 0;
      const joining = untilKilled(async () => {
        number += 1;
        const email = `person-${round}-${number}@example.test`;
        const { status } = await api('POST', '/auth/register', { email, password: `correct horse ${email} battery` });
        if (status >= 500) throw ended;
        return status === 201 ? email : undefined;
      });
      const token = await administrate();
      const rotating = untilKilled(async () => {
        const { status } = await api('POST', '/keys/rotate', { alg: 'ES256' }, token);
        if (status >= 500) throw ended;
        expect(status).to.be.within(200, 204);
      });
      // Killed at whatever point of the work it has reached by now.
      await new Promise((resolve) => setTimeout(resolve, 700 + 350 * round));
      await fleet.replicas[0]?.kill();
      const [refreshed, signed, joined] = await Promise.all([refreshing, signing, joining, rotating]);
      await restart();

      const last = refreshed.at(-1);
      if (last) expect((await flows.introspect(last.access)).body.active, 'the last access token').to.equal(true);
      for (const token of signed.slice(-3)) expect((await flows.refresh(token)).status, 'a sign-in').to.equal(200);
      for (const email of joined.slice(-2)) {
        const answer = await api('POST', '/auth/login', { email, password: `correct horse ${email} battery` });
        expect(answer.status, email).to.equal(200);
      }
    }
    expect(spent.length).to.be.greaterThan(1);
    for (const token of spent.slice(-3)) expect((await flows.refresh(token)).body.error).to.equal('invalid_grant');
  });

  it('TK-11 a used code, a spent refresh token and a revoked one stay so', async () => {
    const grant = await flows.code();
    const first = (await flows.redeem(grant)).body;
    const other = await flows.tokens();
    await flows.post('/revoke', { token: other.refresh });
    const family = await flows.tokens();
    const next = (await flows.refresh(family.refresh)).body;
    await restart();
    expect((await flows.introspect(String(first.access_token))).body.active).to.equal(true);
    expect((await flows.redeem(grant)).body.error).to.equal('invalid_grant');
    expect((await flows.introspect(String(first.access_token))).body.active).to.equal(false);
    expect((await flows.refresh(other.refresh)).body.error).to.equal('invalid_grant');
    expect((await flows.refresh(family.refresh)).body.error).to.equal('invalid_grant');
    expect((await flows.refresh(String(next.refresh_token))).body.error).to.equal('invalid_grant');
  });

  it('F-11 a sign-in that was open goes on where it was, and a browser stays signed in', async () => {
    const [open, signedIn] = [createAgent(fleet.issuer), createAgent(fleet.issuer)];
    const { url } = flows.request();
    const page = await open.open(url);
    await flows.authorize(flows.request().url, signedIn);
    await restart();
    let next = await open.submit(page, fleet.person);
    expect(next.status).to.equal(200);
    next = await open.submit(next, { decision: 'allow' });
    expect(next.headers.get('location')).to.include('code=');
    const silent = await signedIn.open(flows.request({ prompt: 'none' }).url);
    expect(silent.headers.get('location')).to.include('code=');
  });
};

describe('F-17 kill -9, embedded database', function kills() {
  this.timeout(180_000);
  suite('embedded');
});
describeWith(['postgres'], 'F-17 kill -9, PostgreSQL', function kills() {
  this.timeout(180_000);
  suite('postgres');
});
