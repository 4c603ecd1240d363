import type { Database } from '../../platform/db/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { Ending, SessionRecorder, Transaction, TransactionalSinks } from '../ports.ts';
import type { Endings } from '../surface.ts';
import { createEndingRepository, type EndingRepository, type EndingSession } from './repository.ts';

/** Topic of the outbox, and what an entry says: which relying party is told that whose session is over. */
export const logoutTopic = 'backchannel-logout';
export interface LogoutNotice extends Record<string, unknown> {
  clientId: string;
  accountId: string;
  sid: string | undefined;
}

export interface EndingDeps {
  database: Database;
  clock: Clock;
  sinks: TransactionalSinks;
  sessions: SessionRecorder;
  /** Codes, grants and tokens of a client, and the moment before which nothing of it counts. */
  disableTokens(trx: Transaction, clientId: string): Promise<void>;
}

/** Clients known by a metadata document have no row that tells; their address is looked for when the notice leaves. */
const isDocument = (clientId: string): boolean => clientId.startsWith('https://');

const definedIds = (ids: readonly (string | undefined)[]): string[] => [...new Set(ids.flatMap((id) => id ?? []))];

export const createEndings = ({ database, clock, sinks, sessions, disableTokens }: EndingDeps) => {
  /** SE-09: who is to be told is owed in the same transaction; nobody waits for the telling. */
  const owe = async (trx: Transaction, repository: EndingRepository, ended: readonly EndingSession[]): Promise<void> => {
    const clientIds = [...new Set(ended.flatMap(({ authorizations }) => authorizations.map(({ clientId }) => clientId)))];
    if (clientIds.length === 0) return;
    const wanting = new Set([...(await repository.withLogoutAddress(clientIds)), ...clientIds.filter(isDocument)]);
    for (const { accountId, sessionUid, authorizations } of ended) {
      for (const { clientId, sid } of authorizations) {
        if (accountId === null || !wanting.has(clientId)) continue;
        const payload: LogoutNotice = { clientId, accountId, sid };
        await sinks.outbox(trx).add({ topic: logoutTopic, key: `${clientId} ${sessionUid}`, payload });
      }
    }
  };

  const endSessionsIn = async (trx: Transaction, sessionUids: readonly string[], ending: Ending): Promise<void> => {
    if (sessionUids.length === 0) return;
    const repository = createEndingRepository(trx);
    const ended = await repository.sessions(sessionUids);
    const authorized = ended.flatMap(({ authorizations }) => authorizations.map(({ grantId }) => grantId));
    const grantIds = definedIds([...authorized, ...(await repository.grantsOf(sessionUids))]);
    await sessions.ended(trx, sessionUids, ending);
    await repository.removeSessions(sessionUids, grantIds);
    await owe(trx, repository, ended);
  };

  const noteGrant = (trx: Transaction, subjectId: string | undefined, { cause, actor }: Ending, clientId?: string) =>
    sinks.audit(trx).record({ type: 'oidc.grant.revoked', outcome: 'success', actor, subjectId, clientId, details: { cause } });

  const endAccountIn: Endings['endAccountIn'] = async (trx, accountId, { exceptSessionUid, ...ending }) => {
    const repository = createEndingRepository(trx);
    await repository.holdAccount(accountId);
    const stays = exceptSessionUid === undefined ? [] : [exceptSessionUid];
    const grantIds = stays.length === 0 ? [] : await repository.grantsOf(stays);
    const authorized = (await repository.sessions(stays)).flatMap(({ authorizations }) => authorizations);
    const kept = definedIds([...grantIds, ...authorized.map(({ grantId }) => grantId)]);
    const uids = (await repository.sessionUids(accountId)).filter((uid) => uid !== exceptSessionUid);
    await endSessionsIn(trx, uids, ending);
    await repository.removeAccount(accountId, { sessionUids: stays, grantIds: kept });
    if (stays.length === 0) await repository.revokeAccountBefore(accountId, clock.now());
    await noteGrant(trx, accountId, ending);
  };

  const noteLogout = async (
    trx: Transaction,
    { cause, actor }: Ending,
    everywhere: boolean,
    sessionUid?: string,
  ): Promise<void> => {
    if (cause !== 'logout') return;
    const subjectId = actor.type === 'user' ? actor.id : undefined;
    await sinks
      .audit(trx)
      .record({ type: 'authn.logout', outcome: 'success', actor, subjectId, sessionUid, details: { everywhere } });
  };

  const endings: Endings = {
    endSessions: (sessionUids, ending) =>
      database.transaction(async (trx) => {
        await endSessionsIn(trx, sessionUids, ending);
        if (sessionUids.length > 0) await noteLogout(trx, ending, false, sessionUids[0]);
      }),
    endAccount: (accountId, ending) =>
      database.transaction(async (trx) => {
        await endAccountIn(trx, accountId, ending);
        await noteLogout(trx, ending, true);
      }),
    endAccountIn,
    endClient: (clientId, ending) =>
      database.transaction(async (trx) => {
        await disableTokens(trx, clientId);
        await noteGrant(trx, undefined, ending, clientId);
      }),
    withdrawConsent: (accountId, clientId, ending) =>
      database.transaction(async (trx) => {
        const repository = createEndingRepository(trx);
        const ended = await repository.sessionsWithClient(accountId, clientId);
        if ((await repository.removeConsent(accountId, clientId)) === 0) return false;
        await owe(trx, repository, ended);
        const { actor } = ending;
        await sinks
          .audit(trx)
          .record({ type: 'oidc.consent.withdrawn', outcome: 'success', actor, subjectId: accountId, clientId });
        await noteGrant(trx, accountId, ending, clientId);
        return true;
      }),
  };
  return { ...endings, endSessionsIn };
};
