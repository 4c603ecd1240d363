import type { Knex } from 'knex';

export interface ApprovalRow {
  id: string;
  userId: string;
  clientId: string;
  requestSealed: string;
  bindingMessage: string | null;
  scope: string;
  createdAt: Date;
  expiresAt: Date;
}

export interface ApprovalRepository {
  /** False when the person has `limit` requests unanswered that wait still or were made after `since`; those at once wait in line. */
  insert(row: ApprovalRow, limit: number, since: Date): Promise<boolean>;
  waiting(userId: string, now: Date): Promise<ApprovalRow[]>;
  /** Spends the approval; `undefined` when it was answered, has expired or is somebody else's. */
  decide(userId: string, id: string, decision: 'approved' | 'denied', now: Date): Promise<ApprovalRow | undefined>;
  sweep(before: Date): Promise<number>;
}

const fields = {
  id: 'id',
  userId: 'user_id',
  clientId: 'client_id',
  requestSealed: 'request_sealed',
  bindingMessage: 'binding_message',
  scope: 'scope',
  createdAt: 'created_at',
  expiresAt: 'expires_at',
} as const;
const columns = Object.values(fields);

const isOpen = (builder: Knex.QueryBuilder, now: Date): Knex.QueryBuilder =>
  builder.whereNull('decided_at').andWhere('expires_at', '>', now);

const fromRow = (row: Record<string, unknown>): ApprovalRow =>
  Object.fromEntries(Object.entries(fields).map(([name, column]) => [name, row[column]])) as unknown as ApprovalRow;

export const createApprovalRepository = (db: Knex): ApprovalRepository => ({
  insert: async (row, limit, since) => {
    // Held until the transaction ends, so that what is counted is all there is.
    await db('users').where({ id: row.userId }).forUpdate().first('id');
    const waiting = await db('approvals')
      .where({ user_id: row.userId })
      .whereNull('decided_at')
      .andWhere((late) => late.where('expires_at', '>', row.createdAt).orWhere('created_at', '>', since))
      .count({ count: '*' })
      .first();
    if (Number(waiting?.count) >= limit) return false;
    await db('approvals').insert(
      Object.fromEntries(Object.entries(fields).map(([name, column]) => [column, row[name as keyof ApprovalRow]])),
    );
    return true;
  },
  waiting: async (userId, now) => {
    const rows: Record<string, unknown>[] = await isOpen(db('approvals').where({ user_id: userId }), now)
      .orderBy('created_at')
      .select(columns);
    return rows.map(fromRow);
  },
  decide: async (userId, id, decision, now) => {
    const decided: Record<string, unknown>[] = await isOpen(db('approvals').where({ id, user_id: userId }), now)
      .update({ decision, decided_at: now })
      .returning(columns);
    return decided[0] && fromRow(decided[0]);
  },
  sweep: (before) => db('approvals').where('expires_at', '<', before).delete(),
});
