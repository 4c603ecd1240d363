import type { Knex } from 'knex';
import { prepared, statement } from '../../platform/db/index.ts';

/** Counters in `failure_counters`, shared by every replica and exact (FEATURES S3). */
export interface CounterRepository {
  /** Counts one; counting stops one beyond the limit. */
  count(entry: { key: string; now: Date; windowSeconds: number; limit: number }): Promise<{ count: number; endsAt: Date }>;
  read(key: string, now: Date): Promise<{ count: number; endsAt: Date } | undefined>;
}

const countOne = statement(
  'protocol-count',
  `insert into failure_counters as f (key, count, window_ends_at) values ($1, 1, $2::timestamptz)
   on conflict (key) do update set
     count = case when f.window_ends_at <= $3::timestamptz then 1 else least(f.count, $4::integer) + 1 end,
     window_ends_at = case when f.window_ends_at <= $3::timestamptz then excluded.window_ends_at else f.window_ends_at end
   returning count, window_ends_at`,
);

interface Row {
  count: number;
  window_ends_at: Date;
}

export const createCounterRepository = (db: Knex): CounterRepository => ({
  count: async ({ key, now, windowSeconds, limit }) => {
    const ends = new Date(now.getTime() + windowSeconds * 1000);
    const { rows } = await prepared<Row>(db, countOne, [key, ends, now, limit]);
    const [row] = rows;
    if (!row) throw new Error('nothing was counted');
    return { count: row.count, endsAt: row.window_ends_at };
  },
  read: async (key, now) => {
    const row: Row | undefined = await db('failure_counters').where({ key }).andWhere('window_ends_at', '>', now).first();
    return row && { count: row.count, endsAt: row.window_ends_at };
  },
});
