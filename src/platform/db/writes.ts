import { LRUCache } from 'lru-cache';

const changes = /\b(insert|update|delete|merge|truncate|alter|drop|copy|do|call)\b/i;

/** Whether a statement may change something; whatever is not plainly a read counts. */
export const mayChange = (sql: string): boolean => changes.test(sql);

/**
 * Hears of statements that may change tables, before they run and when they have run. It goes by their text, so that no writer can be
 * forgotten: whatever is not plainly a read counts.
 */
export const createWriteWatch = () => {
  interface Watch {
    tables: RegExp;
    listener: (sql: string) => void;
  }
  const watches = new Set<Watch>();
  const verdicts = new LRUCache<string, readonly Watch[]>({ max: 2000 });

  const concerned = (sql: string): readonly Watch[] => {
    let found = verdicts.get(sql);
    if (!found) {
      found = mayChange(sql) ? [...watches].filter(({ tables }) => tables.test(sql)) : [];
      verdicts.set(sql, found);
    }
    return found;
  };

  return {
    onWrite: (tables: readonly string[], listener: (sql: string) => void): void => {
      watches.add({ tables: new RegExp(`\\b(${tables.join('|')})\\b`, 'i'), listener });
      verdicts.clear();
    },
    heard: (sql: string): void => {
      if (watches.size === 0) return;
      for (const { listener } of concerned(sql)) listener(sql);
    },
  };
};

export type WriteWatch = ReturnType<typeof createWriteWatch>;

/** A read under way: what it brings is kept only if nothing of it was changed meanwhile. */
interface Flight {
  isStale: boolean;
}

/**
 * A copy of what one process reads again and again from a database that it alone owns (PERFORMANCE.md, row 8): emptied before and
 * after any statement that may change one of the tables, so that it is never behind. On a shared database nothing is kept.
 */
export const createTableCopy = <Value extends object>(
  { engine, onWrite }: { engine: 'embedded' | 'postgres'; onWrite: WriteWatch['onWrite'] },
  { tables, maxEntries }: { tables: readonly string[]; maxEntries: number },
) => {
  if (engine !== 'embedded') return { get: (_key: string, load: () => Promise<Value | undefined>) => load() };
  const kept = new LRUCache<string, Value>({ max: maxEntries });
  const flights = new Set<Flight>();
  onWrite(tables, () => {
    kept.clear();
    for (const flight of flights) flight.isStale = true;
  });
  return {
    /** The value is shared: never change it. */
    get: async (key: string, load: () => Promise<Value | undefined>): Promise<Value | undefined> => {
      const found = kept.get(key);
      if (found) return found;
      const flight: Flight = { isStale: false };
      flights.add(flight);
      try {
        const value = await load();
        if (value && !flight.isStale) kept.set(key, value);
        return value;
      } finally {
        flights.delete(flight);
      }
    },
  };
};
