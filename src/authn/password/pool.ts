import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { HashingJob, HashingResult } from './worker.ts';

/** The queue is full or the pool was closed (PW-09). */
export class HashingBusy extends Error {
  override readonly name = 'HashingBusy';
}

export interface Busy {
  kind: 'busy';
  retryAfterSeconds: number;
}

/** A full queue is an outcome like others. */
export const orBusy = async <Result>(work: () => Promise<Result>): Promise<Result | Busy> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HashingBusy) return { kind: 'busy', retryAfterSeconds: 5 };
    throw error;
  }
};

interface Pending {
  job: HashingJob & { id: number };
  resolve(result: HashingResult): void;
  reject(error: Error): void;
}

interface Thread {
  worker: Worker;
  current?: Pending | undefined;
}

/**
 * A bounded pool of niced threads, started when first needed.
 * @param maxWaiting jobs beyond those being worked on; more are refused with HashingBusy
 */
export const createPool = ({ threads = availableParallelism(), maxWaiting = 64 } = {}) => {
  const all = new Set<Thread>();
  const queue: Pending[] = [];
  let sequence = 0;
  let isClosed = false;

  const next = (thread: Thread): void => {
    thread.current = queue.shift();
    if (thread.current) thread.worker.postMessage(thread.current.job);
    // An idle pool does not keep the process alive.
    else thread.worker.unref();
  };

  const finish = (thread: Thread, result: HashingResult): void => {
    const { current } = thread;
    next(thread);
    if (result.failure === undefined) current?.resolve(result);
    else current?.reject(new Error(result.failure));
  };

  const lose = (thread: Thread, error: Error): void => {
    all.delete(thread);
    thread.current?.reject(error);
    thread.current = undefined;
    if (queue.length > 0 && !isClosed) next(start());
  };

  const start = (): Thread => {
    const thread: Thread = { worker: new Worker(new URL('./worker.ts', import.meta.url)) };
    thread.worker.on('message', (result: HashingResult) => finish(thread, result));
    thread.worker.on('error', (error) => lose(thread, error instanceof Error ? error : new Error(String(error))));
    all.add(thread);
    return thread;
  };

  const idle = (): Thread | undefined => [...all].find(({ current }) => current === undefined);

  const submit = (pending: Pending): void => {
    queue.push(pending);
    const thread = idle() ?? (all.size < threads ? start() : undefined);
    if (!thread) return;
    thread.worker.ref();
    next(thread);
  };

  return {
    /** @throws HashingBusy */
    run: (job: HashingJob): Promise<HashingResult> =>
      new Promise((resolve, reject) => {
        if (isClosed || queue.length >= maxWaiting) reject(new HashingBusy('too many passwords wait'));
        else submit({ job: { ...job, id: ++sequence }, resolve, reject });
      }),
    close: async (): Promise<void> => {
      isClosed = true;
      for (const { reject } of queue.splice(0)) reject(new HashingBusy('the pool is closed'));
      await Promise.all([...all].map(({ worker }) => worker.terminate()));
    },
  };
};

export type Pool = ReturnType<typeof createPool>;
