import type { Knex } from 'knex';

export interface PendingRow {
  id: string;
  email: string | null;
  is_verified: boolean;
  name: string | null;
  /** As the person gave it; mails are written in it. */
  locale: string | null;
  created_at: Date;
}

export interface ApprovalRepository {
  /** The oldest first. @param after place of the last one seen */
  pending(limit: number, after: [string, string] | undefined): Promise<PendingRow[]>;
  findPending(id: string): Promise<PendingRow | undefined>;
  /** False when somebody else was first. */
  activate(id: string, now: Date): Promise<boolean>;
  /** Removes the account that was never one; its address is free again. */
  remove(id: string): Promise<boolean>;
}

export const createApprovalRepository = (db: Knex): ApprovalRepository => {
  const waiting = () =>
    db('users')
      .where({ status: 'pending' })
      .leftJoin('user_profiles', 'user_profiles.user_id', 'users.id')
      .leftJoin('identifiers', (join) =>
        join.on('identifiers.user_id', 'users.id').andOnVal('identifiers.type', 'email').andOnVal('identifiers.is_primary', true),
      )
      .select(
        'users.id',
        'users.created_at',
        'identifiers.value as email',
        db.raw('identifiers.verified_at is not null as is_verified'),
        db.raw(`user_profiles.claims->>'name' as name, user_profiles.claims->>'locale' as locale`),
      );
  return {
    pending: async (limit, after) => {
      const query = waiting().orderByRaw('users.created_at, users.id').limit(limit);
      if (after) query.whereRaw('(users.created_at, users.id) > (?::timestamptz, ?::uuid)', after);
      return (await query) as PendingRow[];
    },
    findPending: (id) => waiting().where({ 'users.id': id }).first(),
    activate: async (id, now) =>
      (await db('users')
        .where({ id, status: 'pending' })
        .update({ status: 'active', updated_at: now, version: db.raw('version + 1') })) === 1,
    remove: async (id) => (await db('users').where({ id, status: 'pending' }).delete()) === 1,
  };
};
