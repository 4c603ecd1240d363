import type { Knex } from 'knex';

export interface EmailChangeRow {
  id: string;
  user_id: string;
  old_value: string;
  new_value: string;
  new_canonical: string;
  old_confirmed_at: Date | null;
  new_confirmed_at: Date | null;
  created_at: Date;
  expires_at: Date;
  /** The new address was the person's already, and the old one stays another of them. */
  keeps_old: boolean;
}

export interface EmailChangeRepository {
  insert(change: EmailChangeRow): Promise<void>;
  /** Those of a person that have not been applied. */
  endWaiting(userId: string, now: Date): Promise<void>;
  /** One end has said yes. The change as it is now, held until the transaction ends. */
  confirm(id: string, end: 'old' | 'new', now: Date): Promise<EmailChangeRow | undefined>;
  apply(id: string, now: Date, undoUntil: Date): Promise<boolean>;
  undo(id: string, now: Date): Promise<EmailChangeRow | undefined>;
  /** Whether the address can still undo a change (RS-07). */
  mayUndo(userId: string, value: string, now: Date): Promise<boolean>;
  /** Those whose time to undo is over; they end with it. */
  settle(now: Date, limit: number): Promise<EmailChangeRow[]>;
}

export const createEmailChangeRepository = (db: Knex): EmailChangeRepository => ({
  insert: async (change) => void (await db('email_changes').insert(change)),
  endWaiting: async (userId, now) =>
    void (await db('email_changes')
      .where({ user_id: userId })
      .whereNull('applied_at')
      .whereNull('ended_at')
      .update({ ended_at: now })),
  confirm: async (id, end, now) => {
    const column = end === 'old' ? 'old_confirmed_at' : 'new_confirmed_at';
    const [change] = await db('email_changes')
      .where({ id })
      .whereNull('applied_at')
      .whereNull('ended_at')
      .andWhere('expires_at', '>', now)
      .update({ [column]: now })
      .returning('*');
    return change;
  },
  apply: async (id, now, undoUntil) =>
    (await db('email_changes').where({ id }).whereNull('applied_at').update({ applied_at: now, undo_until: undoUntil })) === 1,
  undo: async (id, now) => {
    const [change] = await db('email_changes')
      .where({ id })
      .whereNull('ended_at')
      .andWhere('undo_until', '>', now)
      .update({ ended_at: now })
      .returning('*');
    return change;
  },
  mayUndo: async (userId, value, now) =>
    (await db('email_changes')
      .where({ user_id: userId, old_value: value })
      .whereNull('ended_at')
      .andWhere('undo_until', '>', now)
      .first('id')) !== undefined,
  settle: async (now, limit) => {
    const due = db('email_changes').whereNull('ended_at').andWhere('undo_until', '<=', now).limit(limit).select('id');
    return await db('email_changes').whereIn('id', due).update({ ended_at: now }).returning('*');
  },
});
