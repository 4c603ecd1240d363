import type { Knex } from 'knex';
import { uuidv7 } from '../../platform/crypto/index.ts';

export type IdentifierType = 'email' | 'phone' | 'username';

export interface Identifier {
  id: string;
  type: IdentifierType;
  value: string;
  canonical: string;
  verified_at: Date | null;
  is_primary: boolean;
  login_allowed: boolean;
  created_at: Date;
}

/** What a person signs in by and is reached at, inside another room's transaction. */
export interface IdentifierRepository {
  /** Holds the account: one change of its identifiers after the other. */
  hold(userId: string): Promise<void>;
  /** Without addresses that were replaced and only wait for the time to undo to end. */
  list(userId: string): Promise<Identifier[]>;
  find(userId: string, id: string): Promise<Identifier | undefined>;
  /** Whether anybody has it, or a user name that looks like it. */
  isTaken(type: IdentifierType, canonical: string, skeleton?: string): Promise<boolean>;
  /** False when somebody has it. */
  insert(userId: string, identifier: Identifier & { skeleton?: string | undefined }): Promise<boolean>;
  /** From now on it signs in. */
  markVerified(userId: string, id: string, now: Date): Promise<void>;
  /** The one before of its type stays another. False when it is not there, or not verified. */
  promote(userId: string, type: IdentifierType, canonical: string): Promise<boolean>;
  /**
   * The number is the primary one again; the one in its place and whatever came since go.
   * False when somebody else has it meanwhile.
   * @param since when it was replaced or removed, and the number in its place
   */
  restorePhone(userId: string, value: string, since: { newId: string; at: Date }): Promise<boolean>;
  /** False when it is not there. */
  remove(userId: string, id: string): Promise<boolean>;
}

const columns = ['id', 'type', 'value', 'canonical', 'verified_at', 'is_primary', 'login_allowed', 'created_at'] as const;

export const createIdentifierRepository = (db: Knex): IdentifierRepository => {
  const own = (userId: string) =>
    db('identifiers')
      .where({ user_id: userId })
      .whereNot((query) => query.where({ type: 'email', login_allowed: false, is_primary: false }));
  return {
    hold: async (userId) => void (await db('users').where({ id: userId }).forUpdate().first('id')),
    list: (userId) => own(userId).orderByRaw('type, is_primary desc, created_at, id').select(columns),
    find: (userId, id) => own(userId).where({ id }).first(columns),
    isTaken: async (type, canonical, skeleton) => {
      const found = db('identifiers').where((query) => {
        query.where({ type, canonical });
        if (skeleton !== undefined) query.orWhere({ skeleton });
      });
      return (await found.first('id')) !== undefined;
    },
    insert: async (userId, identifier) => {
      const row = { ...identifier, skeleton: identifier.skeleton ?? null, user_id: userId };
      return (await db('identifiers').insert(row).onConflict().ignore().returning('id')).length === 1;
    },
    markVerified: async (userId, id, now) =>
      void (await own(userId)
        .where({ id })
        .update({ verified_at: db.raw('coalesce(verified_at, ?)', [now]), login_allowed: true })),
    promote: async (userId, type, canonical) => {
      const next = await own(userId).where({ type, canonical }).whereNotNull('verified_at').first('id');
      if (!next) return false;
      await own(userId).where({ type, is_primary: true }).update({ is_primary: false });
      return (await own(userId).where({ id: next.id }).update({ is_primary: true })) === 1;
    },
    restorePhone: async (userId, value, { newId, at }) => {
      const phones = () => db('identifiers').where({ user_id: userId, type: 'phone' });
      await db('identifiers')
        .where({ user_id: userId })
        .where((query) => query.where({ id: newId }).orWhere('created_at', '>=', at))
        .whereNot({ value })
        .delete();
      await phones().where({ is_primary: true }).update({ is_primary: false });
      const signs = { is_primary: true, login_allowed: true };
      if ((await phones().where({ value }).update(signs)) === 1) return true;
      const row = {
        ...signs,
        id: uuidv7(at),
        user_id: userId,
        type: 'phone',
        value,
        canonical: value,
        verified_at: at,
        created_at: at,
      };
      return (await db('identifiers').insert(row).onConflict().ignore().returning('id')).length === 1;
    },
    remove: async (userId, id) => (await own(userId).where({ id }).delete()) === 1,
  };
};
