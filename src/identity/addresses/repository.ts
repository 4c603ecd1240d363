import type { Knex } from 'knex';

export interface AddressRow {
  id: string;
  user_id: string;
  value: string;
  canonical: string;
  verified_at: Date | null;
}

export interface AddressRepository {
  /** The address that mail to this person goes to. */
  primary(userId: string): Promise<AddressRow | undefined>;
  /** False when the address is not this person's any more. */
  markVerified(userId: string, value: string, now: Date): Promise<boolean>;
  /** Makes a verified address the primary one; the one before stays taken but signs nobody in. False when the new one is taken. */
  replace(userId: string, next: Omit<AddressRow, 'user_id'>, now: Date): Promise<boolean>;
  /** Takes a change back: the old address is primary again; the new one, and whatever came since, is the person's no more. */
  restore(userId: string, oldValue: string, since: { newCanonical: string; at: Date }): Promise<boolean>;
  /** Lets go of an address that was replaced. */
  release(userId: string, value: string): Promise<void>;
}

export const createAddressRepository = (db: Knex): AddressRepository => {
  const emails = (userId: string) => db('identifiers').where({ user_id: userId, type: 'email' });
  return {
    primary: (userId) => emails(userId).orderBy('is_primary', 'desc').first('id', 'user_id', 'value', 'canonical', 'verified_at'),
    markVerified: async (userId, value, now) =>
      (await emails(userId)
        .where({ value })
        .update({ verified_at: db.raw('coalesce(verified_at, ?)', [now]) })) === 1,
    replace: async (userId, { id, value, canonical, verified_at }, now) => {
      await emails(userId).where({ is_primary: true }).update({ is_primary: false, login_allowed: false });
      const row = { id, user_id: userId, type: 'email', value, canonical, verified_at, is_primary: true, login_allowed: true };
      const added = await db('identifiers')
        .insert({ ...row, created_at: now })
        .onConflict(['type', 'canonical'])
        .ignore()
        .returning('id');
      return added.length === 1;
    },
    restore: async (userId, oldValue, { newCanonical, at }) => {
      await db('identifiers')
        .where({ user_id: userId })
        .where((query) => query.where({ canonical: newCanonical }).orWhere('created_at', '>=', at))
        .whereNot({ value: oldValue })
        .delete();
      await emails(userId).where({ is_primary: true }).update({ is_primary: false });
      const change = { is_primary: true, login_allowed: true };
      return (await emails(userId).where({ value: oldValue }).update(change)) === 1;
    },
    release: async (userId, value) => void (await emails(userId).where({ value, login_allowed: false }).delete()),
  };
};
