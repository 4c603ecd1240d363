import { uuidv7 } from '../../platform/crypto/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Places } from '../../platform/geo/index.ts';
import type { Actor, AuditBuffer, AuditSink, Clock } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import { describeDevice } from './device.ts';
import { createSessionRepository, type SessionRepository, type SessionRow } from './repository.ts';

type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

/** A sign-in of which the provider keeps the session, and this room the device. */
interface SessionStart {
  /** SHA-256 of the provider session's uid. */
  sessionUid: string;
  accountId: string;
  acr?: string | undefined;
  amr: readonly string[];
  authenticatedAt: Date;
  expiresAt: Date;
  device: { userAgent?: string | undefined; ip?: string | undefined };
}

/** Why a session ends, and by whom. */
export interface Ending {
  cause: string;
  actor: Actor;
}

/** Ends provider sessions with everything that was given out under them. Supplied by `oidc`. */
export interface SessionEndings {
  endSessions(sessionUids: readonly string[], ending: Ending): Promise<void>;
}

export interface SessionDeps {
  database: Database;
  clock: Clock;
  audit(trx: Transaction): AuditSink;
  /** For what is refused: its transaction does not commit. */
  buffer: AuditBuffer;
  places: Places;
  /** SE-06: how many at a time (0: any number), and which one gives way. */
  count: { limit: number; limitReached: 'end-oldest' | 'refuse' };
}

/** What comes of a sign-in. `surplus`: sessions that end for it. */
export type StartVerdict = { kind: 'started'; surplus: readonly string[] } | { kind: 'outdated' } | { kind: 'full' };

const rowOf = (start: SessionStart, now: Date, place: string | undefined): SessionRow => {
  const { device, browser, os } = describeDevice(start.device.userAgent);
  return {
    id: uuidv7(now),
    user_id: start.accountId,
    session_uid: start.sessionUid,
    user_agent: start.device.userAgent ?? null,
    device: device ?? null,
    browser: browser ?? null,
    os: os ?? null,
    ip: start.device.ip ?? null,
    place: place ?? null,
    acr: start.acr ?? null,
    amr: start.amr,
    authenticated_at: start.authenticatedAt,
    created_at: now,
    last_seen_at: now,
    expires_at: start.expiresAt,
    ended_at: null,
  };
};

/** Devices beside the provider's sessions (DESIGN.md, decision 3). */
export const createDevices = ({ database, clock, audit, buffer, places, count }: SessionDeps) => {
  const outside = createSessionRepository(database.knex);

  const visible = async (id: string, userId: string | undefined): Promise<SessionRow> => {
    const row = await outside.findLive(id, clock.now());
    // SE-06: of somebody else's session not even its existence is told.
    if (!row || (userId !== undefined && row.user_id !== userId)) throw errors.session_not_found();
    return row;
  };

  /** The account is held: two sign-ins at once count each other. The one that was not used for longest goes first. */
  const surplusOf = async (
    sessions: SessionRepository,
    { user_id: userId, session_uid: newest }: SessionRow,
  ): Promise<string[]> => {
    if (count.limit === 0) return [];
    const others = (await sessions.live(userId, clock.now())).filter(({ session_uid: uid }) => uid !== newest);
    others.sort((one, other) => one.last_seen_at.getTime() - other.last_seen_at.getTime());
    return others.slice(0, Math.max(0, others.length + 1 - count.limit)).map(({ session_uid: uid }) => uid);
  };

  return {
    recorder: {
      /**
       * Writes the device row with the provider's session. Where the verdict is not `started` nothing may be given out: the account
       * or its password changed after the person was authenticated (RC-11), or there are too many sessions.
       */
      started: async (trx: Transaction, start: SessionStart): Promise<StartVerdict> => {
        const sessions = createSessionRepository(trx);
        const { accountId, sessionUid, authenticatedAt } = start;
        if (!(await sessions.holdAccount(accountId, authenticatedAt))) return { kind: 'outdated' };
        if (await sessions.isOutdated(accountId, authenticatedAt)) return { kind: 'outdated' };
        const row = rowOf(start, clock.now(), places.find(start.device.ip)?.name);
        const { id: _id, created_at: _createdAt, ended_at: _endedAt, user_id: _userId, ...renewed } = row;
        if (!(await sessions.insert(row))) {
          await sessions.renew(sessionUid, renewed);
          return { kind: 'started', surplus: [] };
        }
        const actor = { type: 'user', id: accountId } as const;
        const about = { actor, subjectId: accountId, sessionUid };
        const surplus = await surplusOf(sessions, row);
        if (surplus.length > 0 && count.limitReached === 'refuse') {
          buffer.note({ type: 'session.refused', outcome: 'denied', ...about, reason: 'session_limit_reached' });
          return { kind: 'full' };
        }
        await audit(trx).record({ type: 'session.started', outcome: 'success', ...about });
        return { kind: 'started', surplus };
      },
      ended: async (trx: Transaction, sessionUids: readonly string[], { cause, actor }: Ending): Promise<void> => {
        for (const { user_id: subjectId, session_uid: sessionUid } of await createSessionRepository(trx).end(
          sessionUids,
          clock.now(),
        ))
          await audit(trx).record({
            type: 'session.ended',
            outcome: 'success',
            actor,
            subjectId,
            sessionUid,
            details: { cause },
          });
      },
    },
    list: (userId: string, limit: number, before: [string, string] | undefined): Promise<SessionRow[]> =>
      outside.list(userId, clock.now(), limit, before),
    /** @param userId whose session it must be; absent for an administrator. @throws session_not_found */
    find: visible,
    /** Uids of the person's live sessions. */
    uidsOf: async (userId: string): Promise<string[]> =>
      (await outside.live(userId, clock.now())).map(({ session_uid: uid }) => uid),
    /** Sessions that are live now. */
    count: (): Promise<number> => outside.count(clock.now()),
  };
};

export type Devices = ReturnType<typeof createDevices>;
