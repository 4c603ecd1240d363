/** Keeps a number of processes alive for one that only watches. */

/** A process that was started. */
export interface Worker {
  /** Of `performance.now()`. */
  started: number;
  isServing: boolean;
}

export interface SupervisorDeps {
  /** Starts one. Its `ready` and `ended` are to be told. */
  start(): void;
  later(milliseconds: number, work: () => void): void;
  /** Nothing serves and nothing can be started. */
  giveUp(code: number): void;
  say(line: string): void;
}

const firstPauseMs = 500;
const longestPauseMs = 30_000;
/** Who served for so long died of something else than its start. */
const settledMs = 60_000;
const maxFailedStarts = 5;

/**
 * Replaces those that die: at once where one had served for a minute, else after a pause that doubles up to half a minute. While another
 * one serves it goes on trying; when none does and five starts in a row have failed it gives up, so that whoever runs it is told.
 */
export const createSupervisor = ({ start, later, giveUp, say }: SupervisorDeps) => {
  let serving = 0;
  let hasServed = false;
  let quickDeaths = 0;
  let failedStarts = 0;

  const pauseOf = (livedMs: number): number => {
    quickDeaths = livedMs >= settledMs ? 0 : quickDeaths + 1;
    return quickDeaths === 0 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (quickDeaths - 1));
  };

  return {
    ready: (worker: Worker): void => {
      worker.isServing = true;
      hasServed = true;
      serving += 1;
      failedStarts = 0;
    },
    /** @param how exit code, or the signal that ended it */
    ended: (worker: Worker, how: number | string): void => {
      if (worker.isServing) serving -= 1;
      else failedStarts += 1;
      const code = typeof how === 'number' && how > 0 ? how : 1;
      // What a first start cannot do is for whoever starts it to mend.
      if (!hasServed || (serving === 0 && failedStarts >= maxFailedStarts)) {
        giveUp(code);
        return;
      }
      const pauseMs = pauseOf(performance.now() - worker.started);
      say(`a worker ended (${how}); another one starts ${pauseMs === 0 ? 'now' : `in ${pauseMs / 1000} s`}`);
      later(pauseMs, start);
    },
  };
};
