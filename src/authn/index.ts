/**
 * Owns: finding out who somebody is (FEATURES A): passwords and their limits. Knows no HTTP.
 * Answers to: NIST SP 800-63B §5.1.1, OWASP ASVS 6.
 */
import type { Accounts } from '../identity/index.ts';
import type { Database } from '../platform/db/index.ts';
import type { AuditBuffer, Clock } from '../platform/ports.ts';
import { createHasher } from './password/hashing.ts';
import { createFailureRepository } from './password/repository.ts';
import { createPasswordSignIn } from './password/service.ts';

export interface AuthnDeps {
  database: Database;
  accounts: Accounts;
  clock: Clock;
  audit: AuditBuffer;
  /** Failed logins before a stop (RATE_LIMITS, `login`). */
  loginLimit: number;
}

export const createAuthn = ({ database, accounts, clock, audit, loginLimit }: AuthnDeps) => {
  const hasher = createHasher();
  const failures = createFailureRepository(database.knex);
  return {
    ...createPasswordSignIn({ accounts, hasher, failures, clock, audit, limit: loginLimit }),
    hashPassword: hasher.hash,
  };
};
