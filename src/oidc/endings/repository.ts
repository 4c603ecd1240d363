import type { Knex } from 'knex';
import { withTenants } from '../../platform/db/index.ts';

/** A provider session as far as its end concerns others. */
export interface EndingSession {
  sessionUid: string;
  accountId: string | null;
  authorizations: { clientId: string; sid: string | undefined; grantId: string | undefined }[];
}

type Authorizations = Record<string, { sid?: string; grantId?: string }>;

interface SessionArtifact {
  lookup: string;
  account_id: string | null;
  payload: { authorizations?: Authorizations };
}

const sessionOf = ({ lookup, account_id: accountId, payload }: SessionArtifact): EndingSession => ({
  sessionUid: lookup,
  accountId,
  authorizations: Object.entries(payload.authorizations ?? {}).map(([clientId, { sid, grantId }]) => ({
    clientId,
    sid,
    grantId,
  })),
});

export interface EndingRepository {
  /** Held until the transaction ends, against a sign-in under way. */
  holdAccount(accountId: string): Promise<void>;
  /** TK-10: what was given out before is dead, whatever a request under way still writes. */
  revokeAccountBefore(accountId: string, now: Date): Promise<void>;
  sessions(sessionUids: readonly string[]): Promise<EndingSession[]>;
  /** Of an account: those that have a device row and those that only the provider knows. */
  sessionUids(accountId: string): Promise<string[]>;
  sessionsWithClient(accountId: string, clientId: string): Promise<EndingSession[]>;
  grantsOf(sessionUids: readonly string[]): Promise<string[]>;
  removeSessions(sessionUids: readonly string[], grantIds: readonly string[]): Promise<void>;
  /** Everything of the account but its remembered consents and what is to stay. */
  removeAccount(accountId: string, stays: { sessionUids: readonly string[]; grantIds: readonly string[] }): Promise<void>;
  /** With everything under it. False when it is gone already. */
  removeGrant(grantId: string): Promise<boolean>;
  /** Grants, tokens, codes and the consent. @returns rows deleted */
  removeConsent(accountId: string, clientId: string): Promise<number>;
  /** Where a person reads mail, and in which language. */
  readerOf(accountId: string): Promise<{ address: string; locale: string | undefined } | undefined>;
  clientName(clientId: string): Promise<string | undefined>;
  /** Which of these clients want a logout token. */
  withLogoutAddress(clientIds: readonly string[]): Promise<string[]>;
}

export const createEndingRepository = (db: Knex.Transaction): EndingRepository => ({
  holdAccount: async (accountId) => void (await db('users').where({ id: accountId }).forUpdate().first('id')),
  revokeAccountBefore: async (accountId, now) =>
    void (await db('users').where({ id: accountId }).update({ revoked_before: now })),
  sessions: async (sessionUids) =>
    (
      await db('oidc_artifacts')
        .where({ kind: 'Session' })
        .whereIn('lookup', [...sessionUids])
    ).map(sessionOf),
  sessionUids: async (accountId) => {
    const devices = await db('sessions').where({ user_id: accountId }).whereNull('ended_at').select('session_uid as uid');
    const sessions = await db('oidc_artifacts').where({ kind: 'Session', account_id: accountId }).select('lookup as uid');
    return [...new Set([...devices, ...sessions].map(({ uid }: { uid: string }) => uid))];
  },
  sessionsWithClient: async (accountId, clientId) =>
    (await db('oidc_artifacts').where({ kind: 'Session', account_id: accountId }))
      .map(sessionOf)
      .map((session) => ({ ...session, authorizations: session.authorizations.filter((one) => one.clientId === clientId) }))
      .filter(({ authorizations }) => authorizations.length > 0),
  grantsOf: async (sessionUids) =>
    (
      await db('oidc_artifacts')
        .whereIn('session_uid', [...sessionUids])
        .whereNotNull('grant_id')
        .distinct('grant_id')
    ).map(({ grant_id: id }: { grant_id: string }) => id),
  removeSessions: async (sessionUids, grantIds) => {
    await db('oidc_artifacts')
      .whereIn('session_uid', [...sessionUids])
      .orWhereIn('grant_id', [...grantIds])
      .orWhereIn(
        ['id', 'kind'],
        grantIds.map((id) => [id, 'Grant']),
      )
      .delete();
  },
  removeAccount: async (accountId, { sessionUids, grantIds }) => {
    const grants = [...grantIds];
    await db('oidc_artifacts')
      .where({ account_id: accountId })
      .whereNot({ kind: 'Consent' })
      .where((none) => none.whereNull('session_uid').orWhereNotIn('session_uid', [...sessionUids]))
      .where((none) => none.whereNull('grant_id').orWhereNotIn('grant_id', grants))
      .where((none) => none.whereNot({ kind: 'Grant' }).orWhereNotIn('id', grants))
      .delete();
  },
  removeGrant: async (grantId) => {
    if ((await db('oidc_artifacts').where({ id: grantId, kind: 'Grant' }).delete()) === 0) return false;
    await db('oidc_artifacts').where({ grant_id: grantId }).delete();
    return true;
  },
  removeConsent: (accountId, clientId) =>
    db('oidc_artifacts').where({ account_id: accountId, client_id: clientId }).whereNot({ kind: 'Session' }).delete(),
  readerOf: async (accountId) => {
    const row = await db('identifiers')
      .leftJoin('user_profiles', 'user_profiles.user_id', 'identifiers.user_id')
      .where({ 'identifiers.user_id': accountId, type: 'email' })
      .orderBy('is_primary', 'desc')
      .first('value', db.raw(`user_profiles.claims->>'locale' as locale`));
    return row && { address: row.value, locale: row.locale ?? undefined };
  },
  clientName: (clientId) =>
    withTenants(db, 'all', async () => (await db('clients').where({ client_id: clientId }).first('name'))?.name),
  withLogoutAddress: (clientIds) =>
    withTenants(db, 'all', async () => {
      const wanting = await db('clients')
        .whereIn('client_id', [...clientIds])
        .whereRaw(`metadata->>'backchannel_logout_uri' is not null`)
        .select('client_id');
      return wanting.map(({ client_id: id }: { client_id: string }) => id);
    }),
});
