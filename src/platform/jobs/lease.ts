import type { Knex } from 'knex';
import { prepared, statement } from '../db/index.ts';

/** The lease of a job went to another process: this one must not write any more. */
export class JobLostError extends Error {
  override readonly name = 'JobLostError';
}

/** One run of a job, as its work sees it. */
export interface JobRun {
  /** Fires when the lease is lost and at shutdown: end soon. */
  readonly signal: AbortSignal;
  /**
   * Holds the lease for the length of a transaction, so that a process that was only paused cannot write any more (F-12). Call it
   * first in each transaction whose effect must not happen twice.
   * @throws JobLostError
   */
  fence(trx: Knex.Transaction): Promise<void>;
}

export interface JobState {
  name: string;
  next_run_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  failures: number;
  last_error: string | null;
}

const register = statement('job-register', 'insert into jobs (name, next_run_at) values ($1, $2) on conflict (name) do nothing');
const claim = statement(
  'job-claim',
  `update jobs set locked_until = $3, run = run + 1, started_at = $2
   where name = $1 and ($4 or next_run_at <= $2) and (locked_until is null or locked_until <= $2) returning run`,
);
const renew = statement(
  'job-renew',
  'update jobs set locked_until = $3 where name = $1 and run = $2 and locked_until is not null',
);
const release = statement(
  'job-release',
  `update jobs set locked_until = null, finished_at = $3, next_run_at = $4, last_error = $5,
     failures = case when $5::text is null then 0 else failures + 1 end
   where name = $1 and run = $2`,
);
// Cut short by a shutdown: due at once, for whoever asks next, and no failure of its own.
const giveBack = statement(
  'job-give-back',
  'update jobs set locked_until = null, next_run_at = $3 where name = $1 and run = $2 and locked_until is not null',
);
const hold = statement('job-hold', 'select 1 from jobs where name = $1 and run = $2 and locked_until is not null for share');

/** SQL of the `jobs` table. `run` is the fence: it counts up with each lease. */
export const createLeases = (knex: Knex) => ({
  register: async (name: string, firstRun: Date): Promise<void> => {
    await prepared(knex, register, [name, firstRun]);
  },
  /** The number of the run, or `undefined` when it is not due or somebody else has it. */
  claim: async (name: string, now: Date, until: Date, isForced: boolean): Promise<number | undefined> => {
    const { rows } = await prepared<{ run: number }>(knex, claim, [name, now, until, isForced]);
    return rows[0]?.run;
  },
  renew: async (name: string, run: number, until: Date): Promise<boolean> =>
    (await prepared(knex, renew, [name, run, until])).rowCount === 1,
  release: async (name: string, run: number, now: Date, next: Date, error: string | undefined): Promise<void> => {
    await prepared(knex, release, [name, run, now, next, error?.slice(0, 500) ?? null]);
  },
  giveBack: async (name: string, run: number, now: Date): Promise<void> => {
    await prepared(knex, giveBack, [name, run, now]);
  },
  hold: async (trx: Knex, name: string, run: number): Promise<void> => {
    const { rows } = await prepared(trx, hold, [name, run]);
    if (rows.length === 0) throw new JobLostError(`job ${name} is another process's now`);
  },
  list: async (): Promise<JobState[]> => await knex('jobs').orderBy('name'),
});
