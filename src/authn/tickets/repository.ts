import type { Knex } from 'knex';

/** What a mailed proof is good for. */
export type TicketPurpose =
  | 'verify-email'
  | 'reset-password'
  | 'email-new'
  | 'email-old'
  | 'email-undo'
  | 'unlock'
  | 'sign-in'
  | 'sign-in-link'
  | 'add-email'
  | 'add-phone'
  | 'phone-old'
  | 'phone-undo';

export interface TicketRow {
  id: string;
  purpose: TicketPurpose;
  user_id: string | null;
  address: string | null;
  subject_id: string | null;
  secret_hash: string;
  code_hash: string;
  shown_hash: string;
  browser_hash: string;
  created_at: Date;
  expires_at: Date;
}

export interface TicketRepository {
  insert(row: TicketRow): Promise<void>;
  bySecret(secretHash: string, purpose: TicketPurpose, now: Date): Promise<TicketRow | undefined>;
  /** The newest that this browser asked for. */
  byBrowser(browserHash: string, purpose: TicketPurpose, now: Date): Promise<TicketRow | undefined>;
  /** Whether one that was sent to this address is good still. */
  isOpen(userId: string, purpose: TicketPurpose, address: string, now: Date): Promise<boolean>;
  /** RS-12: counts a try at one of the codes before it is compared. False when none is left. */
  countTry(id: string, most: number, now: Date): Promise<boolean>;
  /** Ends it; false when somebody was quicker, or it had ended. */
  spend(id: string, now: Date): Promise<boolean>;
  /** Those of one person and purpose, of one subject where given. */
  endOf(userId: string, purpose: TicketPurpose, subjectId: string | null, now: Date): Promise<void>;
  endAll(userId: string, purposes: readonly TicketPurpose[] | 'all', now: Date): Promise<void>;
}

export const createTicketRepository = (db: Knex): TicketRepository => {
  const alive = (now: Date) =>
    db<TicketRow & { tries: number; ended_at: Date | null }>('tickets').whereNull('ended_at').andWhere('expires_at', '>', now);
  return {
    insert: async (row) => void (await db('tickets').insert(row)),
    bySecret: (secretHash, purpose, now) => alive(now).where({ secret_hash: secretHash, purpose }).first(),
    byBrowser: (browserHash, purpose, now) =>
      alive(now).where({ browser_hash: browserHash, purpose }).orderBy('created_at', 'desc').orderBy('id', 'desc').first(),
    isOpen: async (userId, purpose, address, now) =>
      (await alive(now).where({ user_id: userId, purpose, address }).first('id')) !== undefined,
    countTry: async (id, most, now) => (await alive(now).where({ id }).andWhere('tries', '<', most).increment('tries', 1)) === 1,
    spend: async (id, now) => (await alive(now).where({ id }).update({ ended_at: now })) === 1,
    endOf: async (userId, purpose, subjectId, now) => {
      const own = alive(now).where({ user_id: userId, purpose });
      await (subjectId === null ? own : own.where({ subject_id: subjectId })).update({ ended_at: now });
    },
    endAll: async (userId, purposes, now) => {
      const own = alive(now).where({ user_id: userId });
      await (purposes === 'all' ? own : own.whereIn('purpose', [...purposes])).update({ ended_at: now });
    },
  };
};
