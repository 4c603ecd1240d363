import type { Knex } from 'knex';

export interface RecoveryCodeRepository {
  /** All of a person's codes at once: the old ones are gone. */
  replace(userId: string, hashes: readonly string[], now: Date): Promise<void>;
  /** Once. */
  spend(userId: string, hash: string, now: Date): Promise<boolean>;
  /** How many are left. */
  left(userId: string): Promise<number>;
  remove(userId: string): Promise<void>;
}

export const createRecoveryCodeRepository = (db: Knex): RecoveryCodeRepository => ({
  replace: async (userId, hashes, now) => {
    await db('recovery_codes').where({ user_id: userId }).delete();
    await db('recovery_codes').insert(hashes.map((hash) => ({ user_id: userId, code_hash: hash, created_at: now })));
  },
  spend: async (userId, hash, now) =>
    (await db('recovery_codes').where({ user_id: userId, code_hash: hash, used_at: null }).update({ used_at: now })) === 1,
  left: async (userId) => Number((await db('recovery_codes').where({ user_id: userId, used_at: null }).count())[0]?.count ?? 0),
  remove: async (userId) => void (await db('recovery_codes').where({ user_id: userId }).delete()),
});
