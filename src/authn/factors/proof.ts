import type { Level } from '../../platform/assurance/index.ts';
import type { DeviceKind } from './repository.ts';

/** CONTRACT.md, `methods` of a login answer. */
export type FactorMethod = DeviceKind | 'recovery';

/** What a second factor proved. */
export interface Proof {
  method: FactorMethod;
  /** RFC 8176 names that it adds. */
  amr: readonly string[];
  level: Level;
}

/** A mailed code is a factor of lower assurance (FEATURES A8): it is asked for, and does not raise the level. */
const amrOf: Record<FactorMethod, readonly string[]> = {
  totp: ['otp', 'mfa'],
  recovery: ['otp', 'mfa'],
  webauthn: ['hwk', 'mfa'],
  sms: ['sms', 'mfa'],
  email: ['otp'],
};

export const proofBy = (method: FactorMethod): Proof => ({
  method,
  amr: amrOf[method],
  level: method === 'email' ? 1 : 2,
});

export type ProofOutcome = { kind: 'proven'; proof: Proof } | { kind: 'refused' } | { kind: 'locked'; until: Date };
