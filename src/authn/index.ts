/**
 * Owns: finding out who somebody is (FEATURES A): passwords and their limits. Knows no HTTP.
 * Answers to: NIST SP 800-63B-4 §3.1.1.2 and §3.2.2, OWASP ASVS 6.
 */
import type { Accounts } from '../identity/index.ts';
import type { Envelope } from '../platform/crypto/index.ts';
import type { Database } from '../platform/db/index.ts';
import type { AuditBuffer, Clock } from '../platform/ports.ts';
import { createHasher } from './password/hashing.ts';
import { createLimits } from './password/limits.ts';
import { createPool } from './password/pool.ts';
import { createFailureRepository } from './password/repository.ts';
import { createPasswordSignIn } from './password/service.ts';

export type { PasswordOutcome, PasswordProblem } from './password/service.ts';

export interface AuthnDeps {
  database: Database;
  accounts: Accounts;
  clock: Clock;
  audit: AuditBuffer;
  envelope: Pick<Envelope, 'blindIndex'>;
  protection: {
    /** Failed logins before a stop (RATE_LIMITS, `login`). */
    loginLimit: number;
    attempted(method: string, outcome: string): void;
  };
}

export const createAuthn = ({ database, accounts, clock, audit, envelope, protection }: AuthnDeps) => {
  const pool = createPool();
  const hasher = createHasher({ pool });
  const failures = createFailureRepository(database.knex);
  const limits = createLimits({ failures, envelope, clock, limit: protection.loginLimit });
  const attempted = (outcome: string): void => protection.attempted('password', outcome);
  return {
    ...createPasswordSignIn({ accounts, hasher, limits, clock, audit, attempted }),
    hashPassword: hasher.hash,
    close: pool.close,
  };
};

export type Authn = ReturnType<typeof createAuthn>;
