import { LRUCache } from 'lru-cache';
import type { Clock } from '../ports.ts';

interface Kept {
  value: unknown;
  tags: readonly string[];
  storedAt: number;
  expiresAt: number;
}

export interface Level1 {
  get(key: string): { value: unknown } | undefined;
  set(key: string, value: unknown, tags: readonly string[]): void;
  invalidate(tags: readonly string[]): void;
  clear(): void;
}

/** The least recently used values of one cache, found by key and by tag. @param seconds longest life of a value */
export const createLevel1 = (clock: Clock, seconds: number, maxEntries: number): Level1 => {
  const keysOf = new Map<string, Set<string>>();
  const forget = (key: string, { tags }: Kept): void => {
    for (const tag of tags) {
      const keys = keysOf.get(tag);
      keys?.delete(key);
      if (keys?.size === 0) keysOf.delete(tag);
    }
  };
  const entries = new LRUCache<string, Kept>({ max: maxEntries, dispose: (kept, key) => forget(key, kept) });
  return {
    get: (key) => {
      const kept = entries.get(key);
      if (!kept) return undefined;
      const now = clock.now().getTime();
      // A clock that was set back must not lengthen a life (F-18).
      if (now >= kept.storedAt && now < kept.expiresAt) return kept;
      entries.delete(key);
      return undefined;
    },
    set: (key, value, tags) => {
      const storedAt = clock.now().getTime();
      // Jitter, so that what was loaded together does not expire together.
      entries.set(key, { value, tags, storedAt, expiresAt: storedAt + seconds * 1000 * (0.9 + Math.random() * 0.1) });
      for (const tag of tags) {
        const keys = keysOf.get(tag) ?? new Set<string>();
        keysOf.set(tag, keys.add(key));
      }
    },
    invalidate: (tags) => {
      for (const tag of tags) for (const key of [...(keysOf.get(tag) ?? [])]) entries.delete(key);
    },
    clear: () => entries.clear(),
  };
};
