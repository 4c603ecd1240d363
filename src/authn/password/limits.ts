import { isIPv6 } from 'node:net';
import type { Envelope } from '../../platform/crypto/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { FailureRepository } from './repository.ts';

const windowSeconds = 15 * 60;

/** A11: IPv6 counts by its /64, which one customer has to itself. */
export const networkOf = (ip: string): string => {
  if (!isIPv6(ip)) return ip;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip);
  if (mapped?.[1]) return mapped[1];
  const [head = '', tail] = ip.split('%')[0]?.split('::') ?? [];
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return [...before, ...gap, ...after]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
};

export type Guarded<Result> = { kind: 'locked'; until: Date } | { kind: 'checked'; result: Result | undefined };

export interface LimitDeps {
  failures: FailureRepository;
  envelope: Pick<Envelope, 'blindIndex'>;
  clock: Clock;
  /** Failures before a stop. */
  limit: number;
}

/** Counters that every path which checks a password or code shares (PW-04). */
export const createLimits = ({ failures, envelope, clock, limit }: LimitDeps) => {
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
  const admitted = async (key: string): Promise<Date | undefined> => {
    for (;;) {
      const { count, endsAt } = await failures.count({ key, now: clock.now(), windowSeconds, limit });
      if (count <= limit) return undefined;
      const mates = running.get(key);
      if (!mates) return endsAt;
      await Promise.race([...mates].map((mate) => mate.catch(() => undefined)));
    }
  };

  /**
   * Counts, then checks. A result means success and resets the counter.
   * @param subject the account's id, or what was typed where nobody has it
   */
  return async <Result>(subject: string, ip: string, check: () => Promise<Result | undefined>): Promise<Guarded<Result>> => {
    const key = envelope.blindIndex(`${subject}\0${networkOf(ip)}`, 'failures');
    const until = await admitted(key);
    if (until) return { kind: 'locked', until };
    const result = await tracked(key, async () => {
      try {
        const found = await check();
        if (found !== undefined) await failures.clear(key);
        return found;
      } catch (error) {
        // Nothing was checked, so nothing was guessed.
        await failures.takeBack(key);
        throw error;
      }
    });
    return { kind: 'checked', result };
  };
};

export type Limits = ReturnType<typeof createLimits>;
