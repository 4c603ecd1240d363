import type { Provider } from 'oidc-provider';
import type { Database } from '../../platform/db/index.ts';
import type { AuditBuffer, Clock, Mailer } from '../../platform/ports.ts';
import type { SessionRecorder, Transaction, TransactionalSinks } from '../ports.ts';
import { createRevocations } from '../revocations/service.ts';
import { createSessionRecording } from '../sessions/recording.ts';
import { createLateReuse } from './late-reuse.ts';
import { createLogoutNotices, createReuseWarning } from './notices.ts';
import { createEndings } from './service.ts';

export interface EndingRoomDeps {
  issuer: string;
  provider(): Provider;
  /** What the room is given, as it came. */
  given: {
    database: Database;
    clock: Clock;
    audit: AuditBuffer;
    sinks: TransactionalSinks;
    sessions: SessionRecorder;
    mail(trx: Transaction): Mailer;
  };
  disableTokens(trx: Transaction, clientId: string): Promise<void>;
}

/** How sessions begin and how everything ends, joined. */
export const createEndingRoom = ({ issuer, provider, given, disableTokens }: EndingRoomDeps) => {
  const { database, clock, audit, sinks, sessions, mail } = given;
  const { endSessionsIn, ...endings } = createEndings({ database, clock, sinks, sessions, disableTokens });
  const warn = createReuseWarning({ mail, issuer });
  const recording = createSessionRecording({ clock, sessions, sinks, warn, endSessionsIn });
  const lateReuse = createLateReuse({ database, sinks, recording });
  const { endSessions } = endings;
  const revocations = createRevocations({ database, clock, sinks, endSessions, endClientTokens: disableTokens });
  return { endings, revocations, recording, lateReuse, notices: createLogoutNotices({ provider, sinks, audit }) };
};
