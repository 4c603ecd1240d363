import type { Knex } from 'knex';

export interface KnownDeviceRepository {
  remember(tokenHash: string, userId: string, now: Date, until: Date): Promise<void>;
  /** Marks it used. False when the person has not signed in there, or too long ago. */
  recognize(tokenHash: string, userId: string, now: Date): Promise<boolean>;
  /** PW-11: a changed password makes every browser unknown. */
  forgetAll(userId: string): Promise<void>;
  has(userId: string): Promise<boolean>;
}

export const createKnownDeviceRepository = (db: Knex): KnownDeviceRepository => ({
  remember: async (tokenHash, userId, now, until) => {
    const row = { token_hash: tokenHash, user_id: userId, created_at: now, last_used_at: now, expires_at: until };
    await db('known_devices').insert(row).onConflict(['token_hash', 'user_id']).merge(['last_used_at', 'expires_at']);
  },
  recognize: async (tokenHash, userId, now) =>
    (await db('known_devices')
      .where({ token_hash: tokenHash, user_id: userId })
      .andWhere('expires_at', '>', now)
      .update({ last_used_at: now })) === 1,
  forgetAll: async (userId) => void (await db('known_devices').where({ user_id: userId }).delete()),
  has: async (userId) => (await db('known_devices').where({ user_id: userId }).first('user_id')) !== undefined,
});
