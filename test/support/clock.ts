import type { Clock } from '../../src/platform/ports.ts';

export interface TestClock extends Clock {
  /** Moves time forward. */
  advance(seconds: number): void;
}

/** Starts at the real time, since tokens of real libraries are checked by their own clocks. */
export const createTestClock = (start = new Date()): TestClock => {
  const offset = { ms: start.getTime() - Date.now() };
  return {
    now: () => new Date(Date.now() + offset.ms),
    advance: (seconds) => {
      offset.ms += seconds * 1000;
    },
  };
};
