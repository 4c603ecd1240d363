import type { Knex } from 'knex';

export interface PastRow {
  ip: string | null;
  user_agent: string | null;
  created_at: Date;
}

export interface HistoryRepository {
  /** Sign-ins of the person, also of sessions that are over; the newest first. */
  past(userId: string, since: Date, limit: number): Promise<PastRow[]>;
  /** Whether the person has signed in from this browser before. @param tokenHash SHA-256 of what it holds */
  isKnown(userId: string, tokenHash: string, now: Date): Promise<boolean>;
}

export const createHistoryRepository = (db: Knex): HistoryRepository => ({
  past: async (userId, since, limit) =>
    (await db('sessions')
      .where({ user_id: userId })
      .andWhere('created_at', '>', since)
      .orderBy('created_at', 'desc')
      .limit(limit)
      .select('ip', 'user_agent', 'created_at')) as PastRow[],
  isKnown: async (userId, tokenHash, now) =>
    (await db('known_devices')
      .where({ user_id: userId, token_hash: tokenHash })
      .andWhere('expires_at', '>', now)
      .first('user_id')) !== undefined,
});
