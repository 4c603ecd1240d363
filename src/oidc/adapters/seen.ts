import { LRUCache } from 'lru-cache';
import type { Clock } from '../../platform/ports.ts';
import type { Seen } from './writes.ts';

/** The statement notes the use of a session once a minute at most; within it this process need not ask. */
const restMs = 60_000;

export const createSeenFilter = (clock: Clock) => {
  const noted = new LRUCache<string, number>({ max: 50_000 });
  const isDue = ({ sessionUid }: Seen): boolean => {
    const at = noted.get(sessionUid);
    const since = at === undefined ? restMs : clock.now().getTime() - at;
    return since >= restMs || since < 0;
  };
  return {
    due: (seen: readonly Seen[]): Seen[] => seen.filter(isDue),
    note: (seen: readonly Seen[]): void => {
      for (const { sessionUid } of seen) noted.set(sessionUid, clock.now().getTime());
    },
  };
};
