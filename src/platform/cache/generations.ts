/** Says whether something read before an invalidation may still be kept after it. */
export interface Generations {
  /** The place in the order of invalidations from which a load starts. */
  now(): number;
  bump(tags: readonly string[]): void;
  /** False when one of the tags has been invalidated since `start`, or may have been. */
  isCurrent(start: number, tags: readonly string[]): boolean;
}

/** The tag that every value has. */
export const everything = '*';

const maxTags = 10_000;

/** Exact for the last ten thousand tags; a load that is older than what is remembered is never kept. */
export const createGenerations = (): Generations => {
  const last = new Map<string, number>();
  let sequence = 0;
  let floor = 0;
  return {
    now: () => sequence,
    bump: (tags) => {
      sequence += 1;
      for (const tag of tags) {
        if (tag === everything) floor = sequence;
        last.delete(tag);
        last.set(tag, sequence);
      }
      for (const [tag, at] of last) {
        if (last.size <= maxTags) break;
        last.delete(tag);
        floor = Math.max(floor, at);
      }
    },
    isCurrent: (start, tags) => start >= floor && tags.every((tag) => (last.get(tag) ?? 0) <= start),
  };
};
