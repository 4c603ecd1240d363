import type { Knex } from 'knex';

export interface Revocation {
  id: string;
  /** Absent: everything. */
  organizationId: string | undefined;
  revokedBefore: Date;
}

interface RevocationRow {
  id: string;
  scope: 'everything' | 'organization';
  scope_id: string | null;
  revoked_before: Date;
}

export interface RevocationRepository {
  /** Waits for sign-ins that are being written, and keeps others waiting until the transaction ends. */
  holdSignIns(): Promise<void>;
  insert(revocation: Revocation): Promise<void>;
  /** False when there is no such organization. */
  setOrganizationMoment(organizationId: string, now: Date): Promise<boolean>;
  /** The same moment for each member; who joins later brings what was never the organization's. */
  setMemberMoments(organizationId: string, now: Date): Promise<void>;
  clientsOf(organizationId: string): Promise<string[]>;
  unfinished(): Promise<Revocation[]>;
  finish(id: string, now: Date): Promise<void>;
  /** Sessions that died by it and are not told to have ended. */
  deadSessions(revocation: Revocation, limit: number): Promise<string[]>;
}

const revocationOf = ({ id, scope_id: organizationId, revoked_before: revokedBefore }: RevocationRow): Revocation => ({
  id,
  organizationId: organizationId ?? undefined,
  revokedBefore,
});

export const createRevocationRepository = (db: Knex): RevocationRepository => ({
  // A sign-in writes its account's row before anything else.
  holdSignIns: async () => void (await db.raw('lock table users in share row exclusive mode')),
  insert: async ({ id, organizationId, revokedBefore }) => {
    const scope = organizationId === undefined ? 'everything' : 'organization';
    await db('revocations').insert({ id, scope, scope_id: organizationId ?? null, revoked_before: revokedBefore });
  },
  setOrganizationMoment: async (organizationId, now) =>
    (await db('organizations').where({ id: organizationId }).update({ revoked_before: now })) === 1,
  setMemberMoments: async (organizationId, now) => {
    const members = db('organization_members').where({ organization_id: organizationId }).select('user_id');
    await db('users').whereIn('id', members).update({ revoked_before: now });
  },
  clientsOf: (organizationId) => db('clients').where({ organization_id: organizationId }).orderBy('client_id').pluck('client_id'),
  unfinished: async () => (await db('revocations').whereNull('finished_at').orderBy('id')).map(revocationOf),
  finish: async (id, now) => void (await db('revocations').where({ id }).update({ finished_at: now })),
  deadSessions: async ({ organizationId, revokedBefore }, limit) => {
    const dead = db('sessions as s').whereNull('s.ended_at').where('s.created_at', '<=', revokedBefore);
    if (organizationId !== undefined) {
      dead.whereExists(
        db('users as u')
          .whereRaw('u.id = s.user_id and u.revoked_before >= s.created_at')
          .where('u.revoked_before', '>=', revokedBefore)
          .select(db.raw('1')),
      );
    }
    return dead.orderBy('s.session_uid').limit(limit).pluck('s.session_uid');
  },
});
