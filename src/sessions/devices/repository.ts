import type { Knex } from 'knex';

export interface SessionRow {
  id: string;
  user_id: string;
  session_uid: string;
  user_agent: string | null;
  device: string | null;
  browser: string | null;
  os: string | null;
  ip: string | null;
  place: string | null;
  acr: string | null;
  amr: readonly string[];
  authenticated_at: Date;
  created_at: Date;
  last_seen_at: Date;
  expires_at: Date;
  ended_at: Date | null;
}

export interface SessionRepository {
  /**
   * Holds the account until the transaction ends, and notes the sign-in.
   * False when it is not active, or was ended after the moment of authentication.
   */
  holdAccount(userId: string, authenticatedAt: Date): Promise<boolean>;
  /** Whether the password was changed after the moment of authentication; asked once the account is held. */
  isOutdated(userId: string, authenticatedAt: Date): Promise<boolean>;
  /** False when there is a session with this uid. */
  insert(row: SessionRow): Promise<boolean>;
  /** After a step-up. */
  renew(sessionUid: string, change: Partial<SessionRow>): Promise<void>;
  /** @returns those that had not ended before */
  end(sessionUids: readonly string[], now: Date): Promise<{ user_id: string; session_uid: string }[]>;
  /** Live ones, the one seen last first. @param before place of the last session seen */
  list(userId: string, now: Date, limit: number, before: [string, string] | undefined): Promise<SessionRow[]>;
  live(userId: string, now: Date): Promise<SessionRow[]>;
  findLive(id: string, now: Date): Promise<SessionRow | undefined>;
  count(now: Date): Promise<number>;
}

const isLive = (now: Date) => (query: Knex.QueryBuilder) => query.whereNull('ended_at').where('expires_at', '>', now);

export const createSessionRepository = (db: Knex): SessionRepository => ({
  holdAccount: async (userId, authenticatedAt) =>
    (await db('users')
      .where({ id: userId, status: 'active' })
      .where((either) => either.whereNull('revoked_before').orWhere('revoked_before', '<', authenticatedAt))
      .whereNotExists(
        db('revocations').where({ scope: 'everything' }).where('revoked_before', '>=', authenticatedAt).select('id'),
      )
      .update({ last_sign_in_at: authenticatedAt })) === 1,
  isOutdated: async (userId, authenticatedAt) =>
    (await db('user_credentials').where({ user_id: userId }).where('changed_at', '>', authenticatedAt).first('kind')) !==
    undefined,
  insert: async ({ amr, ...row }) => {
    const values = { ...row, amr: JSON.stringify(amr) };
    return (await db('sessions').insert(values).onConflict('session_uid').ignore().returning('id')).length === 1;
  },
  renew: async (sessionUid, { amr, ...change }) => {
    const values = { ...change, ...(amr && { amr: JSON.stringify(amr) }) };
    await db('sessions').where({ session_uid: sessionUid }).whereNull('ended_at').update(values);
  },
  end: (sessionUids, now) =>
    db('sessions')
      .whereIn('session_uid', [...sessionUids])
      .whereNull('ended_at')
      .update({ ended_at: now })
      .returning(['user_id', 'session_uid']),
  list: async (userId, now, limit, before) => {
    const query = db('sessions')
      .where({ user_id: userId })
      .where(isLive(now))
      .orderByRaw('last_seen_at desc, id desc')
      .limit(limit);
    if (before) query.whereRaw('(last_seen_at, id) < (?::timestamptz, ?::uuid)', before);
    return (await query) as SessionRow[];
  },
  live: async (userId, now) => (await db('sessions').where({ user_id: userId }).where(isLive(now))) as SessionRow[],
  findLive: (id, now) => db('sessions').where({ id }).where(isLive(now)).first(),
  count: async (now) => Number((await db('sessions').where(isLive(now)).count('id as count').first())?.count ?? 0),
});
