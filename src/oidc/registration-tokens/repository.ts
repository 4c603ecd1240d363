import type { Knex } from 'knex';
import type { RegistrationPolicy } from '../protocol/registration-policy.ts';

export interface TokenRow {
  id: string;
  name: string;
  token_hash: string;
  policy: RegistrationPolicy;
  uses_left: number;
  expires_at: Date;
  revoked_at: Date | null;
  created_at: Date;
}

export interface RegistrationTokenRepository {
  insert(row: TokenRow): Promise<void>;
  list(limit: number, after: string | undefined): Promise<TokenRow[]>;
  /** `undefined` for one that is unknown, expired, revoked or used up. */
  live(hash: string, now: Date): Promise<TokenRow | undefined>;
  /** Takes one use, decided by the row count; `undefined` when there was none left. */
  spend(hash: string, now: Date): Promise<TokenRow | undefined>;
  giveBack(id: string): Promise<void>;
  /** False when it is unknown or revoked already. */
  revoke(id: string, now: Date): Promise<boolean>;
}

export const createRegistrationTokenRepository = (db: Knex): RegistrationTokenRepository => {
  const table = () => db<TokenRow>('registration_tokens');
  const alive = (hash: string, now: Date) =>
    table().where({ token_hash: hash }).whereNull('revoked_at').andWhere('expires_at', '>', now).andWhere('uses_left', '>', 0);
  return {
    insert: async (row) => void (await table().insert({ ...row, policy: JSON.stringify(row.policy) as never })),
    list: async (limit, after) => {
      const query = table().orderBy('id', 'desc').limit(limit);
      return (await (after === undefined ? query : query.where('id', '<', after))) as TokenRow[];
    },
    live: async (hash, now) => (await alive(hash, now).first()) as TokenRow | undefined,
    spend: async (hash, now) => ((await alive(hash, now).decrement('uses_left', 1).returning('*')) as TokenRow[])[0],
    giveBack: async (id) => void (await table().where({ id }).increment('uses_left', 1)),
    revoke: async (id, now) => (await table().where({ id }).whereNull('revoked_at').update({ revoked_at: now })) === 1,
  };
};
