import type { Knex } from 'knex';

export interface IdentityRow {
  id: string;
  user_id: string;
  organization_id: string | null;
  issuer: string;
  subject: string;
  provider: string;
  name: string | null;
  email: string | null;
  created_at: Date;
  last_used_at: Date | null;
}

/** SO-05. */
export type IdentityKey = Pick<IdentityRow, 'organization_id' | 'issuer' | 'subject'>;

/** Who has an address here, and whether they have proven it. */
export interface AddressOwner {
  userId: string;
  value: string;
  isProven: boolean;
  isActive: boolean;
}

export interface IdentityRepository {
  /** Marks it used. @returns whose it is */
  use(key: IdentityKey, now: Date): Promise<string | undefined>;
  ownerOf(key: IdentityKey): Promise<string | undefined>;
  list(userId: string): Promise<IdentityRow[]>;
  /** False when it is somebody's already. */
  insert(row: IdentityRow): Promise<boolean>;
  remove(userId: string, id: string): Promise<IdentityRow | undefined>;
  removeAll(userId: string): Promise<void>;
  addressOwner(canonical: string): Promise<AddressOwner | undefined>;
  /** Holds the ways in of a person still until the transaction ends. */
  lock(userId: string): Promise<void>;
  hasPassword(userId: string): Promise<boolean>;
  /** With the organization's rows opened to the transaction. */
  joinOrganization(userId: string, organizationId: string, now: Date): Promise<void>;
}

export const createIdentityRepository = (db: Knex): IdentityRepository => ({
  use: async (key, now) => {
    const [row] = await db('social_accounts').where(key).update({ last_used_at: now }).returning('user_id');
    return row?.user_id;
  },
  ownerOf: async (key) => (await db('social_accounts').where(key).first('user_id'))?.user_id,
  list: (userId) => db('social_accounts').where({ user_id: userId }).orderBy('id'),
  insert: async (row) => (await db('social_accounts').insert(row).onConflict().ignore().returning('id')).length === 1,
  remove: async (userId, id) => {
    const [row] = await db('social_accounts').where({ user_id: userId, id }).delete().returning('*');
    return row;
  },
  removeAll: async (userId) => void (await db('social_accounts').where({ user_id: userId }).delete()),
  addressOwner: async (canonical) => {
    const row = await db('identifiers')
      .join('users', 'users.id', 'identifiers.user_id')
      .where({ type: 'email', canonical })
      .first('user_id', 'value', 'verified_at', 'status');
    if (!row) return undefined;
    return { userId: row.user_id, value: row.value, isProven: row.verified_at !== null, isActive: row.status === 'active' };
  },
  lock: async (userId) => void (await db('users').where({ id: userId }).forUpdate().first('id')),
  joinOrganization: async (userId, organizationId, now) =>
    void (await db('organization_members')
      .insert({ organization_id: organizationId, user_id: userId, created_at: now })
      .onConflict()
      .ignore()),
  hasPassword: async (userId) =>
    (await db('user_credentials').where({ user_id: userId, kind: 'password' }).first('kind')) !== undefined,
});
