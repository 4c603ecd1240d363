import type { Knex } from 'knex';
import { containing, prepared, statement } from '../../platform/db/index.ts';

export interface IdentifierRow {
  type: 'email' | 'phone' | 'username';
  value: string;
  verified_at: Date | null;
  is_primary: boolean;
}

export type NewIdentifier = IdentifierRow & { canonical: string; login_allowed: boolean };

export interface AccountRow {
  id: string;
  status: string;
  updated_at: Date;
  claims: Record<string, unknown> | null;
  identifiers: IdentifierRow[];
}

export interface ListedAccount {
  id: string;
  email: string | undefined;
  name: string | undefined;
  status: string;
  createdAt: string;
}

interface ListedRow {
  id: string;
  email: string | null;
  status: string;
  claims: { name?: string } | null;
  created_at: Date;
}

export interface AccountRepository {
  /** Those that are there, in any order. @param ids UUIDs */
  findAll(ids: readonly string[]): Promise<AccountRow[]>;
  idOf(canonical: string): Promise<string | undefined>;
  findByLogin(canonical: string): Promise<AccountRow | undefined>;
  passwordHash(id: string): Promise<string | undefined>;
  setPasswordHash(id: string, hash: string, now: Date): Promise<void>;
  /** Puts the present hash among the earlier ones, of which the newest few stay. */
  archivePasswordHash(id: string, entryId: string, now: Date, kept: number): Promise<void>;
  /** The present hash and the earlier ones, newest first. */
  passwordHashes(id: string): Promise<string[]>;
  /** The same password hashed anew, unless it has been changed meanwhile. */
  renewPasswordHash(id: string, before: string, hash: string): Promise<void>;
  insertUser(id: string, status: 'active' | 'pending', now: Date): Promise<void>;
  /** False when the canonical value belongs to somebody already. */
  insertIdentifier(userId: string, id: string, identifier: NewIdentifier, now: Date): Promise<boolean>;
  setClaims(userId: string, claims: Record<string, unknown>, now: Date): Promise<void>;
  list(search: string | undefined, limit: number): Promise<ListedAccount[]>;
  isEmpty(): Promise<boolean>;
}

/** Accounts, profiles and identifiers at once: userinfo reads them with each request (PERFORMANCE.md, row 10). */
const accounts = `select u.id, u.status, u.updated_at, p.claims,
     coalesce((select json_agg(json_build_object('type', i.type, 'value', i.value, 'verified_at', i.verified_at, 'is_primary', i.is_primary))
       from identifiers i where i.user_id = u.id), '[]') as identifiers
   from users u left join user_profiles p on p.user_id = u.id`;
const findAccounts = statement('accounts-with-claims', `${accounts} where u.id = any($1::uuid[])`);
const findByLogin = statement(
  'account-by-login',
  `${accounts} where u.id = (select user_id from identifiers where canonical = $1 and login_allowed limit 1)`,
);

type StoredIdentifier = Omit<IdentifierRow, 'verified_at'> & { verified_at: string | null };
type StoredAccount = AccountRow & { identifiers: StoredIdentifier[] };

const identifierOf = ({ verified_at: verifiedAt, ...rest }: StoredIdentifier): IdentifierRow => ({
  ...rest,
  verified_at: verifiedAt === null ? null : new Date(verifiedAt),
});

const accountOf = (row: StoredAccount): AccountRow => ({ ...row, identifiers: row.identifiers.map(identifierOf) });

export const createAccountRepository = (db: Knex): AccountRepository => ({
  findAll: async (ids) => {
    const { rows } = await prepared<StoredAccount>(db, findAccounts, [[...new Set(ids)]]);
    return rows.map(accountOf);
  },
  findByLogin: async (canonical) => (await prepared<StoredAccount>(db, findByLogin, [canonical])).rows.map(accountOf)[0],
  idOf: async (canonical) => (await db('identifiers').where({ canonical, login_allowed: true }).first('user_id'))?.user_id,
  passwordHash: async (id) => (await db('user_credentials').where({ user_id: id, kind: 'password' }).first('hash'))?.hash,
  setPasswordHash: async (id, hash, now) => {
    const row = { user_id: id, kind: 'password', hash, changed_at: now };
    await db('user_credentials').insert(row).onConflict(['user_id', 'kind']).merge();
  },
  archivePasswordHash: async (id, entryId, now, kept) => {
    const present = db('user_credentials')
      .where({ user_id: id, kind: 'password' })
      .select(db.raw('?::uuid, user_id, hash, ?::timestamptz', [entryId, now]));
    await db(db.raw('password_history (id, user_id, hash, created_at)')).insert(present);
    const newest = db('password_history').where({ user_id: id }).orderBy('created_at', 'desc').orderBy('id', 'desc').limit(kept);
    await db('password_history').where({ user_id: id }).whereNotIn('id', newest.select('id')).delete();
  },
  passwordHashes: async (id) => {
    const present = await db('user_credentials').where({ user_id: id, kind: 'password' }).pluck('hash');
    const earlier = db('password_history').where({ user_id: id }).orderBy('created_at', 'desc').orderBy('id', 'desc');
    return [...present, ...(await earlier.pluck('hash'))];
  },
  renewPasswordHash: async (id, before, hash) =>
    void (await db('user_credentials').where({ user_id: id, kind: 'password', hash: before }).update({ hash })),
  insertUser: async (id, status, now) => void (await db('users').insert({ id, status, created_at: now, updated_at: now })),
  insertIdentifier: async (userId, id, identifier, now) => {
    const row = { ...identifier, id, user_id: userId, created_at: now };
    return (await db('identifiers').insert(row).onConflict(['type', 'canonical']).ignore().returning('id')).length === 1;
  },
  setClaims: async (userId, claims, now) => {
    const row = { user_id: userId, claims: JSON.stringify(claims), updated_at: now };
    await db('user_profiles').insert(row).onConflict('user_id').merge(['claims', 'updated_at']);
  },
  list: async (search, limit) => {
    const rows = await db('users')
      .leftJoin('user_profiles', 'user_profiles.user_id', 'users.id')
      .leftJoin('identifiers', (join) =>
        join.on('identifiers.user_id', 'users.id').andOnVal('identifiers.type', 'email').andOnVal('identifiers.is_primary', true),
      )
      .modify((query) => {
        const pattern = containing(search?.toLowerCase() ?? '');
        const named = db('identifiers').where('canonical', 'like', pattern).select('user_id');
        if (search !== undefined) query.whereIn('users.id', named);
      })
      .orderBy('users.id', 'desc')
      .limit(limit)
      .select('users.id', 'users.status', 'users.created_at', 'identifiers.value as email', 'user_profiles.claims');
    return (rows as ListedRow[]).map(({ id, email, status, claims, created_at: createdAt }) => ({
      id,
      email: email ?? undefined,
      name: claims?.name,
      status,
      createdAt: createdAt.toISOString(),
    }));
  },
  isEmpty: async () => (await db('users').first('id')) === undefined,
});
