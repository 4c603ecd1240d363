import {
  type Accounts,
  createAddressRepository,
  createIdentifierRepository,
  createPasswordRepository,
} from '../../identity/index.ts';
import type { Envelope } from '../../platform/crypto/index.ts';
import { createInTransaction, type Database } from '../../platform/db/index.ts';
import type { AuditSink, Clock, Mailer } from '../../platform/ports.ts';
import type { Texter } from '../../platform/sms/index.ts';
import { createEmailChangeRepository } from '../email-change/repository.ts';
import { createEmailChange } from '../email-change/service.ts';
import { createIdentifiers } from '../identifiers/service.ts';
import { createKnownDeviceRepository } from '../known-devices/repository.ts';
import { createKnownDevices } from '../known-devices/service.ts';
import { createFailureRepository } from '../password/repository.ts';
import type { PasswordChanged } from '../password/service.ts';
import { createSignInCode } from '../sign-in-code/service.ts';
import { createSurrender } from '../surrender/unit.ts';
import { createTicketRepository } from '../tickets/repository.ts';
import { createTickets } from '../tickets/service.ts';
import { createThrottle } from '../tickets/throttle.ts';
import { createUnlock } from '../unlock/service.ts';
import { createVerification } from '../verification/service.ts';
import { createRecovery, passwordChanged, type RecoveryDeps } from './service.ts';
import type { RecoveryUnit } from './unit.ts';

type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

/** What recovery needs of the rooms around. */
export interface RecoverySite {
  issuer: string;
  /** Audit events of a transaction. */
  sink(trx: Transaction): AuditSink;
  /** Mails of a transaction. */
  mail(trx: Transaction): Mailer;
  /** Text messages of a transaction, and whether they would reach anybody. */
  sms(trx: Transaction): Texter;
  isSendingOffered(method: 'sms'): boolean;
  /** Ends every session, token and refresh family of the account, in the transaction. */
  endSessions(trx: Transaction, accountId: string, cause: string): Promise<void>;
  /** RATE_LIMITS: whether requests are counted by their network. */
  isNetworkCounted: boolean;
}

export interface RecoveryRoomDeps {
  database: Database;
  accounts: Accounts;
  clock: Clock;
  envelope: Pick<Envelope, 'blindIndex'>;
  passwords: RecoveryDeps['passwords'];
  site: RecoverySite;
}

/** Mailed proofs and what they are for, with their storage. */
export const createRecoveryRoom = ({ database, accounts, clock, envelope, passwords, site }: RecoveryRoomDeps) => {
  const { knex } = database;
  const failures = createFailureRepository(knex);
  const tickets = createTickets({ tickets: createTicketRepository(knex), failures, envelope, clock });
  const throttle = createThrottle({ failures, envelope, clock, isNetworkCounted: site.isNetworkCounted });
  const bind = (trx: Transaction): RecoveryUnit => ({
    tickets: createTicketRepository(trx),
    addresses: createAddressRepository(trx),
    identifiers: createIdentifierRepository(trx),
    passwords: createPasswordRepository(trx),
    devices: createKnownDeviceRepository(trx),
    changes: createEmailChangeRepository(trx),
    failures: createFailureRepository(trx),
    mail: site.mail(trx),
    texts: site.sms(trx),
    audit: site.sink(trx),
    endSessions: (accountId: string, cause: string) => site.endSessions(trx, accountId, cause),
    surrender: createSurrender(trx),
  });
  const inRecovery = createInTransaction(database, bind);
  const place = { issuer: site.issuer, inRecovery };
  const verification = createVerification({ accounts, tickets, throttle, clock, site: place });
  const emailChange = createEmailChange({ accounts, tickets, throttle, clock, site: place });
  const changed: PasswordChanged = (trx, accountId, claims) =>
    passwordChanged(bind(trx), { accountId, claims, now: clock.now(), issuer: site.issuer });
  return {
    tickets,
    throttle,
    inRecovery,
    passwordChanged: changed,
    services: {
      recovery: createRecovery({ accounts, tickets, throttle, passwords, clock, site: place }),
      verification,
      emailChange,
      identifiers: createIdentifiers({
        accounts,
        identifiers: createIdentifierRepository(knex),
        tickets,
        throttle,
        clock,
        site: { ...place, isTextingOffered: () => site.isSendingOffered('sms'), startPromotion: emailChange.promote },
      }),
      /** Browsers a person has signed in from. */
      knownDevices: createKnownDevices({ devices: createKnownDeviceRepository(knex), accounts, clock, site: place }),
      /** A mailed code in place of proof of work. */
      signInCode: createSignInCode({ accounts, tickets, throttle, clock, site: place }),
      unlock: createUnlock({ accounts, tickets, throttle, clock, forgetFailures: passwords.forgetFailures, site: place }),
    },
  };
};
