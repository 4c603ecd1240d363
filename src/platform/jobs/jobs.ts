import { setTimeout as sleep } from 'node:timers/promises';
import { uuidv7 } from '../crypto/index.ts';
import type { Database } from '../db/index.ts';
import type { DependencyState } from '../http/index.ts';
import { inScope, type Logger } from '../logging/index.ts';
import type { Clock } from '../ports.ts';
import { createLeases, JobLostError, type JobRun, type JobState } from './lease.ts';

export interface JobDeps {
  database: Database;
  clock: Clock;
  logger: Logger;
  /** How long a shutdown waits for what is under way. */
  graceMs?: number;
}

type Work = (run: JobRun) => Promise<void>;

interface Job {
  name: string;
  seconds: number;
  work: Work;
}

export interface Jobs {
  /** Runs `work` about every `seconds`, in one process at a time. Names are unique; declare before `start`. */
  every(name: string, seconds: number, work: Work): void;
  start(): Promise<void>;
  /** Runs a job now, whenever it is due. False when another process is at it. @throws what its work throws */
  runNow(name: string): Promise<boolean>;
  list(): Promise<JobState[]>;
  /** Degraded when a job has failed three times in a row. */
  check(): Promise<DependencyState>;
  /** Tells what is under way to end, waits a little, and gives every lease back (F-13). */
  close(): Promise<void>;
}

/** What a dead process held is taken over within a minute (F-12). */
const leaseSeconds = 45;
const renewMs = 15_000;
const maxFailures = 3;
const defaultGraceMs = 5000;
/** When a job is due stands in the database; a process asks this often, and soon after its start, however long the pause is. */
const askSeconds = { first: 20, most: 600 };

/**
 * A lease a job in one table, no queue library: pg-boss brings 27 MB and 13 tables for what is one conditional UPDATE here
 * (docs/architecture.md, Jobs).
 */
export const createJobs = ({ database, clock, logger, graceMs = defaultGraceMs }: JobDeps): Jobs => {
  const leases = createLeases(database.knex);
  const jobs = new Map<string, Job>();
  const timers = new Map<string, NodeJS.Timeout>();
  const running = new Map<Promise<unknown>, { name: string; run: number }>();
  const closing = new AbortController();
  const inSeconds = (seconds: number): Date => new Date(clock.now().getTime() + seconds * 1000);

  /** Renews the lease until it is lost or the work ends. */
  const keepLease = (name: string, run: number, lost: AbortController): (() => void) => {
    const timer = setInterval(() => {
      leases.renew(name, run, inSeconds(leaseSeconds)).then(
        (isHeld) => isHeld || lost.abort(new JobLostError(`job ${name} is another process's now`)),
        (error: unknown) => logger.warn({ err: error, job: name }, 'job could not renew its lease'),
      );
    }, renewMs).unref();
    return () => clearInterval(timer);
  };

  const perform = async ({ name, seconds, work }: Job, run: number): Promise<void> => {
    const lost = new AbortController();
    const stop = keepLease(name, run, lost);
    const signal = AbortSignal.any([lost.signal, closing.signal]);
    let failure: unknown;
    try {
      await work({ signal, fence: (trx) => leases.hold(trx, name, run) });
    } catch (error) {
      failure = error ?? new Error('failed');
    }
    stop();
    if (closing.signal.aborted) return await leases.giveBack(name, run, clock.now());
    const message = failure === undefined ? undefined : failure instanceof Error ? failure.message : 'failed';
    await leases.release(name, run, clock.now(), inSeconds(seconds), message);
    if (failure !== undefined) throw failure;
  };

  const runOnce = async (job: Job, isForced: boolean): Promise<boolean> => {
    const run = await leases.claim(job.name, clock.now(), inSeconds(leaseSeconds), isForced);
    if (run === undefined) return false;
    const work = inScope({ correlationId: uuidv7(clock.now()), ip: undefined }, () => perform(job, run));
    running.set(work, { name: job.name, run });
    await work.finally(() => running.delete(work));
    return true;
  };

  const schedule = (job: Job, mostSeconds: number): void => {
    if (closing.signal.aborted) return;
    // Jitter, so that replicas that started together do not ask together for ever.
    const seconds = Math.min(job.seconds, mostSeconds) * (0.95 + Math.random() * 0.1);
    const timer = setTimeout(() => void tick(job), seconds * 1000).unref();
    timers.set(job.name, timer);
  };
  const tick = async (job: Job): Promise<void> => {
    try {
      await runOnce(job, false);
    } catch (error) {
      logger.error({ err: error, job: job.name }, 'job failed');
    }
    schedule(job, askSeconds.most);
  };

  return {
    every: (name, seconds, work) => {
      if (jobs.has(name)) throw new Error(`job ${name} is declared twice`);
      jobs.set(name, { name, seconds, work });
    },
    start: async () => {
      for (const job of jobs.values()) {
        await leases.register(job.name, clock.now());
        schedule(job, askSeconds.first);
      }
    },
    runNow: async (name) => {
      const job = jobs.get(name);
      if (!job) throw new Error(`no job ${name}`);
      await leases.register(name, clock.now());
      return await runOnce(job, true);
    },
    list: leases.list,
    check: async () => {
      const failing = (await leases.list()).filter(({ failures }) => failures >= maxFailures).map(({ name }) => name);
      return failing.length === 0 ? { status: 'ok' } : { status: 'degraded', detail: failing.join(', ') };
    },
    close: async () => {
      closing.abort(new Error('shutting down'));
      for (const timer of timers.values()) clearTimeout(timer);
      await Promise.race([Promise.allSettled(running.keys()), sleep(graceMs, undefined, { ref: false })]);
      // Who goes on regardless is fenced from now on.
      const left = [...running.values()].map(({ name, run }) => leases.giveBack(name, run, clock.now()));
      await Promise.allSettled(left);
    },
  };
};
