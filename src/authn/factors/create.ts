import type { Accounts } from '../../identity/index.ts';
import type { Envelope } from '../../platform/crypto/index.ts';
import { createInTransaction, type Database } from '../../platform/db/index.ts';
import { currentScope } from '../../platform/logging/index.ts';
import type { AuditBuffer, AuditSink, Clock, Mailer, Outbox } from '../../platform/ports.ts';
import type { Texter } from '../../platform/sms/index.ts';
import { createCodeAddresses, hintOf, type SentMethod } from '../codes/addresses.ts';
import { createCodeEnrolment } from '../codes/enrolment.ts';
import { createSentCodes } from '../codes/service.ts';
import { createFlowRepository } from '../flows/repository.ts';
import { noticeTopic } from '../notices/service.ts';
import { createLimits } from '../password/limits.ts';
import { createFailureRepository } from '../password/repository.ts';
import { createFactorPolicyRepository } from '../policy/repository.ts';
import { createFactorPolicy, type FactorPolicyDeps, type Holdings } from '../policy/service.ts';
import { createRecoveryCodeRepository } from '../recovery-codes/repository.ts';
import { createRecoveryCodes } from '../recovery-codes/service.ts';
import type { Mailbox } from '../signin/second-factor.ts';
import { createTotp, type Notice } from '../totp/service.ts';
import { createTrustedDeviceRepository } from '../trusted/repository.ts';
import { createTrustedDevices } from '../trusted/service.ts';
import { createChallengeRepository } from '../webauthn/repository.ts';
import { createWebauthn } from '../webauthn/service.ts';
import { createFactorLimit, factorLimit } from './limits.ts';
import { createDeviceRepository } from './repository.ts';
import { createFactorReset } from './reset.ts';
import { createFactors } from './service.ts';

type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

export interface FactorRoomDeps {
  database: Database;
  accounts: Pick<Accounts, 'find'>;
  clock: Clock;
  audit: AuditBuffer;
  envelope: Envelope;
  attempted(method: string, outcome: string): void;
  site: FactorSite;
}

/** What second factors need of the rooms around. */
export interface FactorSite {
  issuer: string;
  /** Audit events of a transaction. */
  sink(trx: Transaction): AuditSink;
  /** Where security notices are owed (topic `security-notice`). */
  outbox(trx: Transaction): Outbox;
  /** Ends every session and token of the account, in the transaction. */
  endSessions(trx: Transaction, accountId: string, cause: string): Promise<void>;
  /** Mails and text messages of a transaction. */
  mail(trx: Transaction): Mailer;
  sms(trx: Transaction): Texter;
  /** Whether codes by this way would reach anybody. */
  isSendingOffered(method: SentMethod): boolean;
  /** How an authenticator app names the account. */
  nameOf(accountId: string): Promise<string>;
  holdingsOf(accountId: string): Promise<Holdings>;
  policies: {
    cached: FactorPolicyDeps['cached'];
    /** After the commit every process reads them again. */
    changed(trx: Transaction): Promise<void>;
  };
  /** Whether the one holds all rights of the other. */
  outranks(accountId: string, otherId: string): Promise<boolean>;
}

/** Where from: of what an administrator did, that is nobody's business. */
const ipOf = (notice: Notice): string | undefined => (notice === 'factors_reset' ? undefined : currentScope()?.ip);

/** Second factors with their storage. */
export const createFactorRoom = ({ database, accounts, clock, audit, envelope, attempted, site }: FactorRoomDeps) => {
  const { knex } = database;
  const failures = createFailureRepository(knex);
  const owe = (trx: Transaction, accountId: string, notice: Notice): Promise<void> =>
    site.outbox(trx).add({ topic: noticeTopic, key: accountId, payload: { accountId, notice, ip: ipOf(notice) } });
  const guard = createFactorLimit({
    limits: createLimits({ failures, envelope, clock, limit: factorLimit }),
    failures,
    clock,
    audit,
    told: (accountId) => database.transaction((trx) => owe(trx, accountId, 'factors_locked')),
    attempted,
  });
  const inTransaction = createInTransaction(database, (trx) => ({
    devices: createDeviceRepository(trx),
    codes: createRecoveryCodeRepository(trx),
    policies: createFactorPolicyRepository(trx),
    policiesChanged: () => site.policies.changed(trx),
    trusted: createTrustedDeviceRepository(trx),
    flows: createFlowRepository(trx),
    mail: site.mail(trx),
    texts: site.sms(trx),
    audit: site.sink(trx),
    endSessions: (accountId: string, cause: string) => site.endSessions(trx, accountId, cause),
    notify: (accountId: string, notice: Notice) => owe(trx, accountId, notice),
  }));
  /** Once an hour: whoever has the password may try again and again. */
  const tellRefused = async (accountId: string): Promise<void> => {
    const told = { key: `refusal-told:${accountId}`, now: clock.now(), windowSeconds: 3600, limit: 1 };
    if ((await failures.count(told)).count > 1) return;
    await database.transaction((trx) => owe(trx, accountId, 'sign_in_refused'));
  };
  const devices = createDeviceRepository(knex);
  const flows = createFlowRepository(knex);
  const addresses = createCodeAddresses({ accounts, devices, envelope });
  const sentCodes = createSentCodes({ flows, failures, envelope, clock, addresses, inTransaction });
  const recoveryCodes = createRecoveryCodes({ envelope, clock });
  const policy = createFactorPolicy({
    policies: createFactorPolicyRepository(knex),
    cached: site.policies.cached,
    inTransaction,
    clock,
    holdingsOf: site.holdingsOf,
  });
  const surroundings = { clock, issuer: site.issuer, nameOf: site.nameOf };
  const totp = createTotp({ devices, inTransaction, recoveryCodes, guard, envelope, surroundings });
  const factors = createFactors({
    devices,
    codes: createRecoveryCodeRepository(knex),
    inTransaction,
    policy,
    checks: { totp, recoveryCodes },
    guard,
    sending: {
      hintOf: (device) => (device.kind === 'sms' ? hintOf('sms', addresses.phoneOf(device)) : undefined),
      isOffered: (kind) => (kind !== 'email' && kind !== 'sms') || site.isSendingOffered(kind),
    },
  });
  const webauthn = createWebauthn({
    devices,
    challenges: createChallengeRepository(knex),
    inTransaction,
    recoveryCodes,
    envelope,
    surroundings: { ...surroundings, audit },
  });
  const trustedDevices = createTrustedDevices({ devices: createTrustedDeviceRepository(knex), clock });
  const codeEnrolment = createCodeEnrolment({
    devices,
    flows,
    sent: sentCodes,
    addresses,
    inTransaction,
    checks: { recoveryCodes, guard },
    surroundings: { clock, envelope, isOffered: site.isSendingOffered },
  });
  const reset = createFactorReset({ accounts, outranks: site.outranks, inTransaction });
  const standing = {
    mailbox: async (id: string): Promise<Mailbox> => {
      const { email, email_verified: isConfirmed } = (await accounts.find(id))?.claims ?? {};
      if (typeof email !== 'string' || !site.isSendingOffered('email')) return 'none';
      return isConfirmed === true ? 'confirmed' : 'unconfirmed';
    },
    tellRefused,
  };
  return { standing, reset, factors, totp, policy, webauthn, trustedDevices, guard, sentCodes, codeEnrolment, addresses };
};
