import { setTimeout as sleep } from 'node:timers/promises';
import type { Envelope } from '../../platform/crypto/index.ts';
import { networkOf } from '../../platform/geo/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { FailureRepository } from './repository.ts';

const windowSeconds = 15 * 60;

export type Guarded<Result> = { kind: 'locked'; until: Date } | { kind: 'checked'; result: Result | undefined };

/** Where an attempt comes from: its network, or a browser that the person has signed in from before (PW-11). */
export type Origin = string | { device: string };

const originOf = (from: Origin): string => (typeof from === 'string' ? networkOf(from) : `device:${from.device}`);

export interface LimitDeps {
  failures: FailureRepository;
  envelope: Pick<Envelope, 'blindIndex'>;
  clock: Clock;
  /** Failures before a stop. */
  limit: number;
  /** Holds an answer back, in milliseconds. */
  hold?: (ms: number) => Promise<void>;
}

/** A11: the answer to the third try of a row and those after it is held back, whatever it says; nobody waits for it but its asker. */
const heldMs = (count: number): number => (count < 3 ? 0 : Math.min(2000, 100 * 2 ** (count - 3)));

const wait = (ms: number): Promise<void> => (ms === 0 ? Promise.resolve() : sleep(ms));

/** Counters that every path which checks a password or code shares (PW-04). */
export const createLimits = ({ failures, envelope, clock, limit, hold = wait }: LimitDeps) => {
  const running = new Map<string, Set<Promise<unknown>>>();

  const tracked = async <Result>(key: string, work: () => Promise<Result>): Promise<Result> => {
    const mates = running.get(key) ?? new Set();
    running.set(key, mates);
    const mine = work();
    mates.add(mine);
    try {
      return await mine;
    } finally {
      mates.delete(mine);
      if (mates.size === 0) running.delete(key);
    }
  };

  /** A stop by attempts still being checked is none yet: one of them may be right and clear the counter. */
  const admitted = async (key: string, subject: string): Promise<{ until: Date } | { count: number }> => {
    for (;;) {
      const { count, endsAt } = await failures.count({ key, now: clock.now(), windowSeconds, limit, subject });
      if (count <= limit) return { count };
      const mates = running.get(key);
      if (!mates) return { until: endsAt };
      await Promise.race([...mates].map((mate) => mate.catch(() => undefined)));
    }
  };

  const subjectOf = (subject: string): string => envelope.blindIndex(subject, 'failure-subject');

  /**
   * Counts, then checks. A result means success and resets the counter.
   * @param subject the account's id, or what was typed where nobody has it
   */
  const guard = async <Result>(
    subject: string,
    from: Origin,
    check: () => Promise<Result | undefined>,
  ): Promise<Guarded<Result>> => {
    const key = envelope.blindIndex(`${subject}\0${originOf(from)}`, 'failures');
    const admission = await admitted(key, subjectOf(subject));
    if ('until' in admission) return { kind: 'locked', until: admission.until };
    const result = await tracked(key, async () => {
      try {
        const found = await check();
        if (found !== undefined) await failures.clear(key);
        await hold(heldMs(admission.count));
        return found;
      } catch (error) {
        // Nothing was checked, so nothing was guessed.
        await failures.takeBack(key);
        throw error;
      }
    });
    return { kind: 'checked', result };
  };

  /** After a reset or an unlock: nothing counts against the account any more. */
  const forget = (subject: string): Promise<void> => failures.forget(subjectOf(subject));

  /** Failures since the last success, wherever most of them came from. */
  const failuresOf = (subject: string): Promise<number> => failures.highest(subjectOf(subject), clock.now());

  return Object.assign(guard, { forget, subjectOf, failuresOf });
};

export type Limits = ReturnType<typeof createLimits>;
