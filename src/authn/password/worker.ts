/** Thread of the hashing pool. Below everybody else's priority, so that a burst of sign-ins slows sign-ins only (PW-09). */
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';

export interface HashingJob {
  id: number;
  password: string;
  /** Compares with it where present, else hashes. */
  stored?: string | undefined;
  cost: number;
}

export interface HashingResult {
  id: number;
  hash?: string;
  isRight?: boolean;
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

const work = ({ id, password, stored, cost }: HashingJob): HashingResult => {
  try {
    if (stored === undefined) return { id, hash: bcrypt.hashSync(password, cost) };
    return { id, isRight: bcrypt.compareSync(password, stored) };
  } catch (error) {
    return { id, failure: error instanceof Error ? error.message : 'hashing failed' };
  }
};

parentPort?.on('message', (job: HashingJob) => parentPort?.postMessage(work(job)));
