import type { Knex } from 'knex';

export interface TrustedDeviceRow {
  id: string;
  user_agent: string | null;
  created_at: Date;
  last_used_at: Date;
  expires_at: Date;
}

export interface TrustedDeviceRepository {
  insert(
    device: { id: string; userId: string; hash: string; userAgent: string | undefined; expiresAt: Date },
    now: Date,
  ): Promise<void>;
  /** Whether one of the hashes is a device of this person; a password changed since makes it a stranger. */
  recognize(userId: string, hashes: readonly string[], now: Date): Promise<boolean>;
  list(userId: string, now: Date): Promise<TrustedDeviceRow[]>;
  remove(userId: string, id: string): Promise<boolean>;
  removeAll(userId: string): Promise<number>;
}

export const createTrustedDeviceRepository = (db: Knex): TrustedDeviceRepository => ({
  insert: async ({ id, userId, hash, userAgent, expiresAt }, now) => {
    const times = { created_at: now, last_used_at: now, expires_at: expiresAt };
    await db('trusted_devices').insert({ id, user_id: userId, token_hash: hash, user_agent: userAgent ?? null, ...times });
  },
  recognize: async (userId, hashes, now) => {
    const newer = db('user_credentials')
      .where({ user_id: userId })
      .whereRaw('changed_at > trusted_devices.created_at')
      .select('kind');
    const known = db('trusted_devices').where({ user_id: userId }).whereIn('token_hash', hashes).andWhere('expires_at', '>', now);
    return (await known.whereNotExists(newer).update({ last_used_at: now })) > 0;
  },
  list: (userId, now) =>
    db('trusted_devices')
      .where({ user_id: userId })
      .andWhere('expires_at', '>', now)
      .orderBy('last_used_at', 'desc')
      .select('id', 'user_agent', 'created_at', 'last_used_at', 'expires_at'),
  remove: async (userId, id) => (await db('trusted_devices').where({ user_id: userId, id }).delete()) === 1,
  removeAll: (userId) => db('trusted_devices').where({ user_id: userId }).delete(),
});
