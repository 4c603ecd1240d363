import type { Knex } from 'knex';

export interface Challenge {
  /** SHA-256 of the challenge. */
  id: string;
  purpose: 'register' | 'authenticate';
  /** The sign-in or session that asked for it. */
  binding: string;
  userId: string | undefined;
  expiresAt: Date;
}

export interface ChallengeRepository {
  insert(challenge: Challenge): Promise<void>;
  /** Once: the row is gone afterwards, whether what came with it was right or not. */
  spend(challenge: Pick<Challenge, 'id' | 'purpose' | 'binding'>, now: Date): Promise<{ userId: string | undefined } | undefined>;
}

export const createChallengeRepository = (db: Knex): ChallengeRepository => ({
  insert: async ({ userId, expiresAt, ...challenge }) => {
    await db('webauthn_challenges').insert({ ...challenge, user_id: userId ?? null, expires_at: expiresAt });
  },
  spend: async ({ id, purpose, binding }, now) => {
    const spent = db('webauthn_challenges').where({ id, purpose, binding }).andWhere('expires_at', '>', now);
    const [row] = await spent.delete().returning('user_id');
    return row && { userId: row.user_id ?? undefined };
  },
});
