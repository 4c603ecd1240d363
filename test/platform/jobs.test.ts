import { expect } from 'chai';
import { pino } from 'pino';
import type { Database } from '../../src/platform/db/index.ts';
import { createJobs, JobLostError, type JobRun, type Jobs, registerUpkeep } from '../../src/platform/jobs/index.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { type Engine, openTestDatabase } from '../support/database.ts';
import { describeWith } from '../support/services.ts';

const logger = pino({ level: 'silent' });

/** A promise and the way to fulfil it. */
const gate = (): { opened: Promise<void>; open: () => void } => {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
};

const suite = (engine: Engine): void => {
  let database: Database;
  let clock: TestClock;
  let one: Jobs;
  let two: Jobs;
  before(async () => {
    database = await openTestDatabase(engine);
  });
  beforeEach(async () => {
    await database.knex('jobs').del();
    clock = createTestClock();
    one = createJobs({ database, clock, logger });
    two = createJobs({ database, clock, logger });
  });
  afterEach(() => Promise.all([one.close(), two.close()]));
  after(() => database.close());

  it('F-12 runs a job in one process at a time', async () => {
    const { opened, open } = gate();
    let runs = 0;
    const work = async (): Promise<void> => {
      runs += 1;
      await opened;
    };
    one.every('sweep', 60, work);
    two.every('sweep', 60, work);
    const answers = [one.runNow('sweep'), two.runNow('sweep')];
    expect(await Promise.race(answers)).to.equal(false);
    open();
    expect((await Promise.all(answers)).sort()).to.deep.equal([false, true]);
    expect(runs).to.equal(1);
    expect(await two.runNow('sweep')).to.equal(true);
  });

  it('F-12 takes over from a holder that is gone, which cannot write any more', async () => {
    const { opened, open } = gate();
    const { opened: begun, open: begin } = gate();
    let paused: JobRun | undefined;
    one.every('seal', 60, async (run) => {
      paused = run;
      begin();
      await opened;
      await database.transaction((trx) => run.fence(trx));
    });
    two.every('seal', 60, async (run) => {
      await database.transaction((trx) => run.fence(trx));
    });
    const first = one.runNow('seal').catch((error: unknown) => error);
    await begun;
    expect(await two.runNow('seal')).to.equal(false);
    clock.advance(60);
    expect(await two.runNow('seal')).to.equal(true);
    open();
    expect(await first).to.be.instanceOf(JobLostError);
    expect(paused).not.to.equal(undefined);
    expect((await one.list())[0], 'the loser says nothing about the run of the winner').to.include({ failures: 0 });
  });

  it('tells of failures and goes on', async () => {
    let isBroken = true;
    one.every('purge', 60, async () => {
      if (isBroken) throw new Error('broken');
    });
    for (let count = 0; count < 3; count += 1) await one.runNow('purge').catch(() => undefined);
    expect(await one.check()).to.deep.equal({ status: 'degraded', detail: 'purge' });
    isBroken = false;
    await one.runNow('purge');
    expect(await one.check()).to.deep.equal({ status: 'ok' });
  });

  it('F-13 tells work of a shutdown, waits for it, and what was cut short is due at once, without a failure', async () => {
    for (const end of ['returns', 'throws']) {
      const closing = createJobs({ database, clock, logger });
      const { opened: begun, open: begin } = gate();
      closing.every('long', 3600, async ({ signal }) => {
        begin();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        if (end === 'throws') throw signal.reason;
      });
      const run = closing.runNow('long');
      await begun;
      await closing.close();
      expect(await run, end).to.equal(true);
      const [job] = await database.knex('jobs').where({ name: 'long' });
      expect([job.locked_until, job.failures, job.next_run_at <= clock.now()], end).to.deep.equal([null, 0, true]);
    }
  });

  it('F-13 takes the lease from work that does not end, which cannot write any more', async () => {
    const closing = createJobs({ database, clock, logger, graceMs: 1 });
    const { opened, open } = gate();
    const { opened: begun, open: begin } = gate();
    let fenced: unknown;
    closing.every('deaf', 60, async (run) => {
      begin();
      await opened;
      fenced = await database.transaction((trx) => run.fence(trx)).catch((error: unknown) => error);
    });
    const run = closing.runNow('deaf');
    await begun;
    await closing.close();
    two.every('deaf', 60, async () => undefined);
    expect(await two.runNow('deaf')).to.equal(true);
    open();
    await run;
    expect(fenced).to.be.instanceOf(JobLostError);
    const [job] = await database.knex('jobs').where({ name: 'deaf' });
    expect(job.next_run_at > clock.now(), 'as the winner left it').to.equal(true);
  });

  it('deletes what has expired and keeps what has not', async () => {
    registerUpkeep({ jobs: one, database, clock, outbox: { purge: async () => 0 } });
    const at = (seconds: number): Date => new Date(clock.now().getTime() + seconds * 1000);
    await database.knex('replay_ids').insert([
      { id: 'old', expires_at: at(-7200) },
      { id: 'new', expires_at: at(60) },
    ]);
    await one.runNow('expired-rows');
    expect(await database.knex('replay_ids').pluck('id')).to.deep.equal(['new']);
    await database.knex('replay_ids').del();
  });

  it('AU-02 makes partitions of the audit log ahead, as append-only as the others', async () => {
    registerUpkeep({ jobs: one, database, clock, outbox: { purge: async () => 0 } });
    clock.advance(40 * 365 * 86_400);
    await one.runNow('audit-partitions');
    await one.runNow('audit-partitions');
    const name = `audit_events_${clock.now().toISOString().slice(0, 7).replace('-', '_')}`;
    const { rows } = await database.knex.raw(
      `select has_table_privilege('castellan_app', ?, 'insert') as may_add, has_table_privilege('castellan_app', ?, 'update, delete, truncate') as may_change`,
      [name, name],
    );
    expect(rows).to.deep.equal([{ may_add: true, may_change: false }]);
    const role = await database.knex.raw('select current_user as role');
    expect(role.rows).to.deep.equal([{ role: 'castellan_app' }]);
  });

  if (engine === 'embedded') {
    it('analyzes the embedded database', async () => {
      registerUpkeep({ jobs: one, database, clock, outbox: { purge: async () => 0 } });
      expect(await one.runNow('analyze')).to.equal(true);
    });
  }
};

describe('S2 jobs, embedded', () => suite('embedded'));
describeWith(['postgres'], 'S2 jobs, PostgreSQL', () => suite('postgres'));
