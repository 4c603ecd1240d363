import type { Knex } from 'knex';

export interface FailureRepository {
  /** Failures in the window, and its end. */
  read(key: string, now: Date): Promise<{ count: number; endsAt: Date } | undefined>;
  add(key: string, now: Date, windowSeconds: number): Promise<void>;
  clear(key: string): Promise<void>;
}

export const createFailureRepository = (db: Knex): FailureRepository => ({
  read: async (key, now) => {
    const row = await db('failure_counters').where({ key }).andWhere('window_ends_at', '>', now).first();
    return row && { count: row.count, endsAt: row.window_ends_at };
  },
  add: async (key, now, windowSeconds) => {
    const ends = new Date(now.getTime() + windowSeconds * 1000);
    await db.raw(
      `insert into failure_counters (key, count, window_ends_at) values (?, 1, ?)
       on conflict (key) do update set
         count = case when failure_counters.window_ends_at <= ? then 1 else failure_counters.count + 1 end,
         window_ends_at = case when failure_counters.window_ends_at <= ? then excluded.window_ends_at else failure_counters.window_ends_at end`,
      [key, ends, now, now],
    );
  },
  clear: async (key) => void (await db('failure_counters').where({ key }).delete()),
});
