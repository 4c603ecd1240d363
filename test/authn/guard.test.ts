import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { createKnownDeviceRepository } from '../../src/authn/known-devices/repository.ts';
import { createSignInGuard, type GuardedAttempt } from '../../src/authn/limits/guard.ts';
import { createWork, isWorkDone, type WorkTask } from '../../src/authn/limits/proof-of-work.ts';
import { createLimits } from '../../src/authn/password/limits.ts';
import { createFailureRepository } from '../../src/authn/password/repository.ts';
import { createEnvelope, sha256, uuidv7 } from '../../src/platform/crypto/index.ts';
import type { Database } from '../../src/platform/db/index.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { type Engine, openTestDatabase } from '../support/database.ts';
import { describeWith } from '../support/services.ts';

const solve = ({ challenge, bits }: WorkTask): string => {
  for (let counter = 0; ; counter += 1) if (isWorkDone(challenge, String(counter), bits)) return `${challenge}:${counter}`;
};

const suite = (engine: Engine): void => {
  const envelope = createEnvelope([randomBytes(32)]);
  let database: Database;
  let clock: TestClock;
  let comparisons: number;
  let told: (string | undefined)[];
  let held: number[];

  /** One replica. */
  const replica = () => {
    const failures = createFailureRepository(database.knex);
    const hold = async (ms: number): Promise<void> => void held.push(ms);
    const limits = createLimits({ failures, envelope, clock, limit: 5, hold });
    const known = createKnownDeviceRepository(database.knex);
    const work = createWork({ envelope, failures, clock });
    const guard = createSignInGuard({
      limits,
      failures,
      envelope,
      clock,
      devices: {
        recognize: async (token, accountId) =>
          token !== undefined && accountId !== undefined && (await known.recognize(sha256(token), accountId, clock.now()))
            ? sha256(token)
            : undefined,
      },
      proofs: {
        work,
        mailed: async (_, { code }) => code === '123456',
        locked: async (accountId) => void told.push(accountId),
      },
    });
    const guess = (attempt: Partial<GuardedAttempt> & { subject: string }, isRight = false) =>
      guard({ accountId: undefined, ip: '192.0.2.1', ...attempt }, async () => {
        comparisons += 1;
        return isRight ? 'right' : undefined;
      });
    return { guess, known, work, limits };
  };

  before(async () => {
    database = await openTestDatabase(engine);
  });
  beforeEach(async () => {
    clock = createTestClock();
    comparisons = 0;
    told = [];
    held = [];
    await database.knex('failure_counters').del();
    await database.knex('known_devices').del();
  });
  after(() => database.close());

  it('PW-03 counts before it compares: a hundred at once from two addresses of one network, over two replicas', async () => {
    const [one, two] = [replica(), replica()];
    const ips = ['192.0.2.1', '192.0.2.200'];
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, n) => (n % 2 ? one : two).guess({ subject: 'a', ip: ips[n % 2] ?? '' })),
    );
    expect(comparisons).to.be.at.most(5);
    expect(outcomes.filter(({ kind }) => kind === 'locked')).to.have.length(100 - comparisons);
    expect((await one.guess({ subject: 'a' }, true)).kind, 'nor the right one').to.equal('locked');
    clock.advance(901);
    expect(await one.guess({ subject: 'a' }, true), 'after the window').to.deep.equal({ kind: 'checked', result: 'right' });
  });

  it('A11 holds answers back a little longer each time, and a success clears the row', async () => {
    const { guess } = replica();
    for (let n = 0; n < 4; n += 1) await guess({ subject: 'a' });
    await guess({ subject: 'a' }, true);
    await guess({ subject: 'a' });
    expect(held).to.deep.equal([0, 0, 100, 200, 400, 0]);
    expect(Math.max(...held)).to.be.at.most(2000);
  });

  it('PW-01 guesses from many networks meet proof of work, then a stop; at most 100 comparisons; the owner is told once', async () => {
    const { guess } = replica();
    const kinds: string[] = [];
    for (let n = 0; n < 200; n += 1) {
      const attempt = { subject: 'a', accountId: uuidv7(clock.now()), ip: `198.51.${n % 100}.1` };
      const outcome = await guess(attempt);
      kinds.push(outcome.kind);
      // A guesser who does what is asked for, without the second of CPU time that a test would need for each.
      if (outcome.kind === 'needs_work') kinds.push((await guess({ ...attempt, mailed: { flow: 'x', code: '123456' } })).kind);
    }
    expect(kinds.slice(0, 10)).to.deep.equal(Array.from({ length: 10 }, () => 'checked'));
    expect(kinds[10]).to.equal('needs_work');
    expect(kinds.at(-1)).to.equal('locked');
    expect(comparisons).to.equal(100);
    expect(told).to.have.length(1);
    expect((await guess({ subject: 'a', ip: '203.0.113.9' }, true)).kind, 'the right one').to.equal('locked');
    expect((await guess({ subject: 'b', ip: '203.0.113.9' })).kind, 'another account').to.equal('checked');
    clock.advance(86_401);
    expect((await guess({ subject: 'a', ip: '203.0.113.9' }, true)).kind).to.equal('checked');
  });

  it('unlocks when everything is forgotten', async () => {
    const { guess, limits } = replica();
    for (let n = 0; n < 6; n += 1) await guess({ subject: 'a' });
    expect((await guess({ subject: 'a' }, true)).kind).to.equal('locked');
    await limits.forget('a');
    expect((await guess({ subject: 'a' }, true)).kind).to.equal('checked');
  });

  it('A11 spraying many accounts from one network meets proof of work, not a lock; others are not asked', async () => {
    const { guess } = replica();
    for (let n = 0; n < 50; n += 1) expect((await guess({ subject: `person${n}` })).kind).to.equal('checked');
    const asked = await guess({ subject: 'person50' });
    expect(asked.kind).to.equal('needs_work');
    if (asked.kind !== 'needs_work') throw new Error('no task');
    const work = solve(asked.task);
    expect((await guess({ subject: 'person50', work }, true)).kind).to.equal('checked');
    expect((await guess({ subject: 'person51', work })).kind, 'once').to.equal('needs_work');
    expect((await guess({ subject: 'person51', ip: '203.0.113.9' })).kind, 'another network').to.equal('checked');
    clock.advance(901);
    expect((await guess({ subject: 'person52' })).kind, 'after the window').to.equal('checked');
  });

  it('A11 takes no work that is forged, changed or too old', async () => {
    const { work } = replica();
    const task = work.task();
    const done = solve(task);
    const [challenge = '', counter = ''] = done.split(':');
    const [ends, nonce, mac] = challenge.split('.');
    const forged = [undefined, '', 'x', challenge, `${challenge}:x`, `${Number(ends) + 600}.${nonce}.${mac}:${counter}`];
    for (const solution of forged) expect(await work.accept(solution), String(solution)).to.equal(false);
    expect(await work.accept(done)).to.equal(true);
    expect(await work.accept(done)).to.equal(false);
    const late = solve(work.task());
    clock.advance(301);
    expect(await work.accept(late)).to.equal(false);
  });

  it("PW-11 a known browser passes while strangers are stopped, is its owner's alone, and has five tries of its own", async () => {
    const { guess, known } = replica();
    const [owner, other] = [uuidv7(clock.now()), uuidv7(clock.now())];
    for (const id of [owner, other]) {
      await database.knex('users').insert({ id, created_at: clock.now(), updated_at: clock.now() });
    }
    const far = new Date(clock.now().getTime() + 86_400_000 * 30);
    await known.remember(sha256('owners'), owner, clock.now(), far);
    await known.remember(sha256('others'), other, clock.now(), far);
    await known.remember(sha256('old'), owner, clock.now(), new Date(clock.now().getTime() - 1000));
    const victim = { subject: owner, accountId: owner };
    for (let n = 0; n < 120; n += 1) {
      await guess({ ...victim, ip: `198.51.${n}.1`, mailed: { flow: 'x', code: '123456' } });
    }
    expect((await guess({ ...victim, ip: '203.0.113.9' }, true)).kind).to.equal('locked');
    for (const device of ['others', 'old', 'forged', '']) {
      expect((await guess({ ...victim, device, ip: '203.0.113.9' }, true)).kind, device).to.equal('locked');
    }
    expect(await guess({ ...victim, device: 'owners' }, true)).to.deep.equal({ kind: 'checked', result: 'right' });
    const before = comparisons;
    for (let n = 0; n < 6; n += 1) await guess({ ...victim, device: 'owners', ip: `203.0.${n}.1` });
    expect(comparisons - before, 'a stolen one').to.equal(5);
    await known.forgetAll(owner);
    expect((await guess({ ...victim, device: 'owners' }, true)).kind, 'after a change of password').to.equal('locked');
  });
};

describe('A11 attempts, embedded', () => suite('embedded'));
describeWith(['postgres'], 'A11 attempts, PostgreSQL', () => suite('postgres'));
