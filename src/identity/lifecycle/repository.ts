import type { Knex } from 'knex';

export interface LifecycleRepository {
  /** Held until the transaction ends, against a sign-in under way. */
  statusOf(userId: string): Promise<string | undefined>;
  setStatus(userId: string, status: 'active' | 'deactivated', now: Date): Promise<void>;
}

export const createLifecycleRepository = (db: Knex): LifecycleRepository => ({
  statusOf: async (userId) => (await db('users').where({ id: userId }).forUpdate().first('status'))?.status,
  setStatus: async (userId, status, now) =>
    void (await db('users')
      .where({ id: userId })
      .update({ status, updated_at: now, version: db.raw('version + 1') })),
});
