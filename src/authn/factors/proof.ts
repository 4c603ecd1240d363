import type { Level } from '../../platform/assurance/index.ts';
import type { DeviceKind } from './repository.ts';

/** CONTRACT.md, `methods` of a login answer. */
export type FactorMethod = DeviceKind | 'recovery';

/** First factor by mail; no name of RFC 8176 says so. */
export const mailAmr = 'urn:castellan:amr:mail';

/** What a second factor proved. */
export interface Proof {
  method: FactorMethod;
  /** RFC 8176 names that it adds. */
  amr: readonly string[];
  level: Level;
}

/** Codes that are sent are factors of lower assurance (FEATURES A8): they are asked for, and do not raise the level. */
const isWeak = (method: FactorMethod): boolean => method === 'email' || method === 'sms';

const amrOf: Record<FactorMethod, readonly string[]> = {
  totp: ['otp', 'mfa'],
  recovery: ['otp', 'mfa'],
  webauthn: ['hwk', 'mfa'],
  sms: ['sms'],
  email: ['otp'],
};

/** Whether it can reach the level that an application asks for. */
export const reaches = (method: FactorMethod, level: Level): boolean => level < 2 || !isWeak(method);

export const proofBy = (method: FactorMethod): Proof => ({
  method,
  amr: amrOf[method],
  level: isWeak(method) ? 1 : 2,
});

export type ProofOutcome = { kind: 'proven'; proof: Proof } | { kind: 'refused' } | { kind: 'locked'; until: Date };
