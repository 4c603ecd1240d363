import type { Knex } from 'knex';

export interface IdentifierRow {
  type: 'email' | 'phone' | 'username';
  value: string;
  verified_at: Date | null;
  is_primary: boolean;
}

export interface AccountRow {
  id: string;
  status: string;
  updated_at: Date;
  claims: Record<string, unknown> | null;
  identifiers: IdentifierRow[];
}

export interface AccountRepository {
  find(id: string): Promise<AccountRow | undefined>;
  idOf(canonical: string): Promise<string | undefined>;
  passwordHash(id: string): Promise<string | undefined>;
  setPasswordHash(id: string, hash: string, now: Date): Promise<void>;
  insertUser(id: string, now: Date): Promise<void>;
  /** False when the canonical value belongs to somebody already. */
  insertIdentifier(userId: string, id: string, identifier: IdentifierRow & { canonical: string }, now: Date): Promise<boolean>;
  setClaims(userId: string, claims: Record<string, unknown>, now: Date): Promise<void>;
  isEmpty(): Promise<boolean>;
}

export const createAccountRepository = (db: Knex): AccountRepository => ({
  find: async (id) => {
    const user = await db('users')
      .leftJoin('user_profiles', 'user_profiles.user_id', 'users.id')
      .where('users.id', id)
      .first('users.id', 'users.status', 'users.updated_at', 'user_profiles.claims');
    if (!user) return undefined;
    const identifiers = await db('identifiers').where({ user_id: id }).select('type', 'value', 'verified_at', 'is_primary');
    return { ...user, identifiers };
  },
  idOf: async (canonical) => (await db('identifiers').where({ canonical, login_allowed: true }).first('user_id'))?.user_id,
  passwordHash: async (id) => (await db('user_credentials').where({ user_id: id, kind: 'password' }).first('hash'))?.hash,
  setPasswordHash: async (id, hash, now) => {
    const row = { user_id: id, kind: 'password', hash, changed_at: now };
    await db('user_credentials').insert(row).onConflict(['user_id', 'kind']).merge();
  },
  insertUser: async (id, now) => void (await db('users').insert({ id, created_at: now, updated_at: now })),
  insertIdentifier: async (userId, id, identifier, now) => {
    const row = { ...identifier, id, user_id: userId, created_at: now };
    return (await db('identifiers').insert(row).onConflict(['type', 'canonical']).ignore().returning('id')).length === 1;
  },
  setClaims: async (userId, claims, now) => {
    const row = { user_id: userId, claims: JSON.stringify(claims), updated_at: now };
    await db('user_profiles').insert(row).onConflict('user_id').merge(['claims', 'updated_at']);
  },
  isEmpty: async () => (await db('users').first('id')) === undefined,
});
