/** Thread of the hashing pool. Below everybody else's priority, so that a burst of sign-ins slows sign-ins only (PW-09). */
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { isForeign, verifyForeign } from './foreign.ts';
import type { Weakness } from './strength.ts';

export type HashingJob =
  /** @param prepared the password in the form that our own hashes are made of */
  | { kind: 'hash'; prepared: string; cost: number }
  /** @param password as typed: what hashes of other systems are made of */
  | { kind: 'compare'; prepared: string; password: string; stored: string; cost: number }
  | { kind: 'judge'; password: string; context: readonly string[] };

export interface HashingResult {
  id: number;
  hash?: string;
  isRight?: boolean;
  weakness?: Weakness | undefined;
  failure?: string;
}

interface Bcrypt {
  hashSync(password: string, cost: number): string;
  compareSync(password: string, hash: string): boolean;
}

/** The native build is a fifth faster; its platform package may be absent. */
const loadBcrypt = async (): Promise<Bcrypt> => {
  try {
    return await import('@node-rs/bcrypt');
  } catch {
    return await import('bcryptjs');
  }
};

const nice = (): void => {
  try {
    setPriority(0, 19);
  } catch {
    // Some sandboxes forbid it; hashing works all the same.
  }
};

nice();
const bcrypt = await loadBcrypt();

const sleeper = new Int32Array(new SharedArrayBuffer(4));
/** What one of our own comparisons takes here, in milliseconds; follows the load. */
let ownMs: number | undefined;

const timed = <Result>(work: () => Result): { result: Result; ms: number } => {
  const started = performance.now();
  const result = work();
  return { result, ms: performance.now() - started };
};

const compareOwn = (prepared: string, stored: string): boolean => {
  const { result, ms } = timed(() => bcrypt.compareSync(prepared, stored));
  ownMs = ownMs === undefined ? ms : ownMs + (ms - ownMs) / 4;
  return result;
};

/**
 * PW-05: an account with a hash of another system, usually a quicker one, answers like all others. The thread is held for as long
 * as one of our own comparisons holds it, so that the queue behind it tells nothing either.
 */
const compareForeign = (password: string, stored: string, cost: number): boolean => {
  if (ownMs === undefined) compareOwn('', bcrypt.hashSync('', cost));
  const { result, ms } = timed(() => verifyForeign(password, stored, bcrypt.compareSync));
  const rest = (ownMs ?? 0) - ms;
  if (rest > 0) Atomics.wait(sleeper, 0, 0, rest);
  return result;
};

const work = async (job: HashingJob): Promise<Omit<HashingResult, 'id'>> => {
  switch (job.kind) {
    case 'hash':
      return { hash: bcrypt.hashSync(job.prepared, job.cost) };
    case 'compare': {
      const { prepared, password, stored, cost } = job;
      return { isRight: isForeign(stored) ? compareForeign(password, stored, cost) : compareOwn(prepared, stored) };
    }
    default: {
      // The word lists are loaded when the first password is chosen, not for those who only sign in.
      const { weaknessOf } = await import('./strength.ts');
      return { weakness: weaknessOf(job.password, job.context) };
    }
  }
};

const answer = async ({ id, ...job }: HashingJob & { id: number }): Promise<void> => {
  try {
    parentPort?.postMessage({ id, ...(await work(job as HashingJob)) });
  } catch (error) {
    parentPort?.postMessage({ id, failure: error instanceof Error ? error.message : 'hashing failed' });
  }
};

parentPort?.on('message', (job: HashingJob & { id: number }) => void answer(job));
