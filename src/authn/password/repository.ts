import type { Knex } from 'knex';
import { prepared, statement } from '../../platform/db/index.ts';

export interface FailureRepository {
  /**
   * Counts an attempt before it is made (PW-03); one statement, so that replicas cannot count past each other.
   * @param limit counting stops one beyond it
   */
  count(attempt: {
    key: string;
    now: Date;
    windowSeconds: number;
    limit: number;
    /** Whose failures they are, for `forget`. */
    subject?: string | undefined;
  }): Promise<{ count: number; endsAt: Date }>;
  /** The count as it is. */
  peek(key: string, now: Date): Promise<number>;
  takeBack(key: string): Promise<void>;
  /** After a success. */
  clear(key: string): Promise<void>;
  /** The highest count of one subject, of its counters that are not over. */
  highest(subject: string, now: Date): Promise<number>;
  /** All counters of one subject. */
  forget(subject: string): Promise<void>;
}

const countAttempt = statement(
  'failure-count',
  `insert into failure_counters as f (key, count, window_ends_at, subject) values ($1, 1, $2::timestamptz, $5)
   on conflict (key) do update set
     count = case when f.window_ends_at <= $3::timestamptz then 1 else least(f.count, $4::integer) + 1 end,
     window_ends_at = case when f.window_ends_at <= $3::timestamptz then excluded.window_ends_at else f.window_ends_at end
   returning count, window_ends_at`,
);

export const createFailureRepository = (db: Knex): FailureRepository => ({
  count: async ({ key, now, windowSeconds, limit, subject }) => {
    const ends = new Date(now.getTime() + windowSeconds * 1000);
    const values = [key, ends, now, limit, subject ?? null];
    const { rows } = await prepared<{ count: number; window_ends_at: Date }>(db, countAttempt, values);
    const [row] = rows;
    if (!row) throw new Error('the attempt was not counted');
    return { count: row.count, endsAt: row.window_ends_at };
  },
  peek: async (key, now) =>
    (await db('failure_counters').where({ key }).andWhere('window_ends_at', '>', now).first('count'))?.count ?? 0,
  takeBack: async (key) => void (await db('failure_counters').where({ key }).andWhere('count', '>', 0).decrement('count', 1)),
  clear: async (key) => void (await db('failure_counters').where({ key }).delete()),
  highest: async (subject, now) =>
    (await db('failure_counters').where({ subject }).andWhere('window_ends_at', '>', now).max('count as count').first())?.count ??
    0,
  forget: async (subject) => void (await db('failure_counters').where({ subject }).delete()),
});
