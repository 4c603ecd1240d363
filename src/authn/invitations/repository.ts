import type { Knex } from 'knex';

export interface InvitationRow {
  id: string;
  email: string;
  canonical: string;
  organization_id: string | null;
  /** Its name; given when it is accepted. */
  role: string | null;
  locale: string | null;
  invited_by: string | null;
  secret_hash: string;
  created_at: Date;
  expires_at: Date;
  accepted_at: Date | null;
  accepted_by: string | null;
  revoked_at: Date | null;
}

export interface InvitationRepository {
  insert(row: InvitationRow): Promise<void>;
  list(limit: number, before: [string, string] | undefined): Promise<InvitationRow[]>;
  find(id: string): Promise<InvitationRow | undefined>;
  /** One that may still be accepted. */
  bySecret(secretHash: string, now: Date): Promise<InvitationRow | undefined>;
  /** RS-11: once. False when it was accepted, withdrawn or has ended. */
  accept(id: string, userId: string, now: Date): Promise<boolean>;
  renew(id: string, secretHash: string, expiresAt: Date): Promise<boolean>;
  revoke(id: string, now: Date): Promise<boolean>;
  organizationName(id: string): Promise<string | undefined>;
  addMember(organizationId: string, userId: string, now: Date): Promise<void>;
}

export const createInvitationRepository = (db: Knex): InvitationRepository => {
  const open = () => db('invitations').whereNull('accepted_at').whereNull('revoked_at');
  return {
    insert: async (row) => void (await db('invitations').insert(row)),
    list: async (limit, before) => {
      const query = db('invitations').orderByRaw('created_at desc, id desc').limit(limit);
      if (before) query.whereRaw('(created_at, id) < (?::timestamptz, ?::uuid)', before);
      return (await query) as InvitationRow[];
    },
    find: (id) => db('invitations').where({ id }).first(),
    bySecret: (secretHash, now) => open().where({ secret_hash: secretHash }).where('expires_at', '>', now).first(),
    accept: async (id, userId, now) =>
      (await open().where({ id }).where('expires_at', '>', now).update({ accepted_at: now, accepted_by: userId })) === 1,
    renew: async (id, secretHash, expiresAt) =>
      (await open().where({ id }).update({ secret_hash: secretHash, expires_at: expiresAt })) === 1,
    revoke: async (id, now) => (await open().where({ id }).update({ revoked_at: now })) === 1,
    organizationName: async (id) => (await db('organizations').where({ id, status: 'active' }).first('name'))?.name,
    addMember: async (organizationId, userId, now) => {
      const row = { organization_id: organizationId, user_id: userId, created_at: now };
      await db('organization_members').insert(row).onConflict(['organization_id', 'user_id']).ignore();
    },
  };
};
