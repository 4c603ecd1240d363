import { canonicalIdentifier } from '../../identity/index.ts';

/** Who may sign up, and what a new account may do at once (FEATURES A3). */
export interface RegistrationPolicy {
  /** Canonical domains; empty: any. `*.` stands for every subdomain. */
  allowedDomains: readonly string[];
  deniedDomains: readonly string[];
  /** A new account waits for an administrator. */
  needsApproval: boolean;
  /** Nobody signs in before the address is confirmed. */
  needsVerifiedEmail: boolean;
}

const covers = (pattern: string, domain: string): boolean =>
  pattern.startsWith('*.') ? domain.endsWith(pattern.slice(1)) : domain === pattern;

/** Says something of the domain only, so the answer tells nothing of accounts (PW-05). */
export const isDomainWelcome = (email: string, { allowedDomains, deniedDomains }: RegistrationPolicy): boolean => {
  const domain = canonicalIdentifier(email).split('@').at(-1) ?? '';
  if (deniedDomains.some((pattern) => covers(pattern, domain))) return false;
  return allowedDomains.length === 0 || allowedDomains.some((pattern) => covers(pattern, domain));
};
