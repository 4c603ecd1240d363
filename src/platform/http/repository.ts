import type { Knex } from 'knex';

/** One POST that carried an `Idempotency-Key`. */
export interface KeptAnswer {
  fingerprint: string;
  /** Absent while the first request is still being answered. */
  answerSealed: string | undefined;
}

export interface IdempotencyRepository {
  /** Takes the key. False when somebody else has it and it has not expired. */
  claim(key: { id: string; fingerprint: string; now: Date; expiresAt: Date }): Promise<boolean>;
  find(id: string): Promise<KeptAnswer | undefined>;
  keep(id: string, answer: { status: number; answerSealed: string; expiresAt: Date }): Promise<void>;
  /** Gives the key back: nothing was done. */
  release(id: string): Promise<void>;
}

export const createIdempotencyRepository = (db: Knex): IdempotencyRepository => ({
  claim: async ({ id, fingerprint, now, expiresAt }) => {
    const result = await db.raw(
      `insert into idempotency_keys (id, fingerprint, created_at, expires_at) values (?, ?, ?, ?)
       on conflict (id) do update set fingerprint = excluded.fingerprint, status = null, answer_sealed = null,
         created_at = excluded.created_at, expires_at = excluded.expires_at
       where idempotency_keys.expires_at <= excluded.created_at`,
      [id, fingerprint, now, expiresAt],
    );
    return (result as { rowCount: number }).rowCount === 1;
  },
  find: async (id) => {
    const row = await db('idempotency_keys').where({ id }).first('fingerprint', { answerSealed: 'answer_sealed' });
    return row && { fingerprint: row.fingerprint as string, answerSealed: (row.answerSealed as string | null) ?? undefined };
  },
  keep: async (id, { status, answerSealed, expiresAt }) => {
    await db('idempotency_keys').where({ id }).update({ status, answer_sealed: answerSealed, expires_at: expiresAt });
  },
  release: async (id) => {
    await db('idempotency_keys').where({ id }).whereNull('status').delete();
  },
});
