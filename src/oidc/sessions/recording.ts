import { Provider, type RefreshToken, type Session } from 'oidc-provider';
import { errors as shared } from '../../platform/errors/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { currentUnit, hashOf } from '../adapters/index.ts';
import { errors } from '../errors.ts';
import type { Ending, SessionRecorder, SessionStart, Transaction, TransactionalSinks } from '../ports.ts';

export interface SessionRecordingDeps {
  clock: Clock;
  sessions: SessionRecorder;
  sinks: TransactionalSinks;
  /** Tells the person (TK-04). */
  warn(trx: Transaction, accountId: string, clientId: string): Promise<void>;
  endSessionsIn(trx: Transaction, sessionUids: readonly string[], ending: Ending): Promise<void>;
}

export type SessionRecording = ReturnType<typeof createSessionRecording>;

/** Ties the provider's sessions to their device rows, in the transaction of the request that changes them. */
export const createSessionRecording = ({ clock, sessions, sinks, warn, endSessionsIn }: SessionRecordingDeps) => {
  /** @returns false when the account changed meanwhile. @throws session_limit_reached */
  const started = async (trx: Transaction, start: SessionStart): Promise<boolean> => {
    const verdict = await sessions.started(trx, start);
    if (verdict.kind === 'full') throw errors.session_limit_reached();
    if (verdict.kind === 'started')
      await endSessionsIn(trx, verdict.surplus, { cause: 'session_limit', actor: { type: 'system' } });
    return verdict.kind === 'started';
  };

  /** A person used the session, or has just signed in on our pages: the same session after a step-up, or a new one. */
  const saved = (session: Session): void => {
    const ctx = Provider.ctx;
    const unit = currentUnit();
    const { accountId, acr, amr = [], loginTs } = session;
    if (!unit || !ctx || accountId === undefined) return;
    const skewMs = clock.now().getTime() - Date.now();
    const expiresAt = new Date(session.exp * 1000 + skewMs);
    const sessionUid = hashOf(session.uid);
    if (!ctx.oidc.result?.login) {
      unit.see({ sessionUid, expiresAt });
      return;
    }
    const start: SessionStart = {
      sessionUid,
      accountId,
      acr,
      amr,
      authenticatedAt: loginTs === undefined ? clock.now() : new Date(loginTs * 1000 + 999 + skewMs),
      expiresAt,
      device: { userAgent: ctx.info.userAgent, ip: ctx.info.ip },
    };
    unit.enlist(async (trx) => {
      if (!(await started(trx, start))) throw shared.unauthenticated();
    });
  };

  /** The core has ended the session (RP-Initiated Logout §2) and calls on each client itself. */
  const destroyed = ({ uid, accountId, authorizations = {} }: Session): void => {
    const unit = currentUnit();
    if (!unit || accountId === undefined) return;
    for (const { grantId } of Object.values(authorizations)) {
      if (grantId === undefined) continue;
      unit.revokeGrant(hashOf(grantId));
      unit.destroy({ id: hashOf(grantId), kind: 'Grant' });
    }
    const actor = { type: 'user', id: accountId } as const;
    unit.enlistEnding(async (trx) => {
      await endSessionsIn(trx, [hashOf(uid)], { cause: 'logout', actor });
      const subject = { subjectId: accountId, sessionUid: hashOf(uid) };
      await sinks.audit(trx).record({ type: 'authn.logout', outcome: 'success', actor, ...subject, details: {} });
    });
  };

  return {
    started,
    /** RFC 9700 §4.14.2: the family ends, and with it the session that lives by it alone. */
    reused: async (trx: Transaction, { accountId, clientId, sessionUid, expiresWithSession }: RefreshToken): Promise<void> => {
      const actor = { type: 'client', id: clientId } as const;
      const subject = { subjectId: accountId, clientId, sessionUid: sessionUid && hashOf(sessionUid) };
      await sinks.audit(trx).record({ type: 'oidc.token.reuse_detected', outcome: 'denied', actor, ...subject });
      await warn(trx, accountId, clientId ?? '');
      if (sessionUid !== undefined && expiresWithSession)
        await endSessionsIn(trx, [hashOf(sessionUid)], { cause: 'reuse', actor });
    },
    attach: (provider: Provider): void => {
      provider.on('session.saved', saved);
      provider.on('session.destroyed', destroyed);
    },
  };
};
