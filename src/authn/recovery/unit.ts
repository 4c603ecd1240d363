import type { AddressRepository, IdentifierRepository, PasswordRepository } from '../../identity/index.ts';
import type { AuditSink, InTransaction, Mailer } from '../../platform/ports.ts';
import type { Texter } from '../../platform/sms/index.ts';
import type { EmailChangeRepository } from '../email-change/repository.ts';
import type { KnownDeviceRepository } from '../known-devices/repository.ts';
import type { FailureRepository } from '../password/repository.ts';
import type { Surrender } from '../surrender/unit.ts';
import type { TicketRepository } from '../tickets/repository.ts';

/** What recovery changes together. */
export interface RecoveryUnit {
  tickets: TicketRepository;
  addresses: AddressRepository;
  identifiers: IdentifierRepository;
  passwords: PasswordRepository;
  devices: KnownDeviceRepository;
  changes: EmailChangeRepository;
  failures: FailureRepository;
  mail: Mailer;
  texts: Texter;
  audit: AuditSink;
  /** Ends every session, token and refresh family of the account (RS-06). */
  endSessions(accountId: string, cause: string): Promise<void>;
  /** SO-02: what the maker of an account that nobody proved left behind. */
  surrender: Surrender;
}

export type InRecovery = InTransaction<RecoveryUnit>;

/** Who asks: where from, what their browser holds, what they read. */
export interface Asker {
  ip: string;
  flow?: string | undefined;
  locale?: string | undefined;
}

/** The same for everybody who asks, whether or not a mail leaves (PW-05). */
export interface Asked {
  kind: 'asked';
  flow: string;
  shown: string;
  expiresAt: Date;
}

export type AskOutcome =
  | Asked
  /** RS-04: too many from this network. */
  | { kind: 'limited'; until: Date };

/** Minutes as mails and pages tell them. */
export const minutesOf = (seconds: number): number => Math.round(seconds / 60);
