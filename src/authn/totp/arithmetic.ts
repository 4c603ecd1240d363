/** RFC 6238 with speakeasy, and nothing of it elsewhere. */
import { randomBytes } from 'node:crypto';
import speakeasy from 'speakeasy';
import { constantTimeEqual } from '../../platform/crypto/index.ts';

/** RFC 6238 §4; what every authenticator app assumes. */
export const stepSeconds = 30;
const digits = 6;

/** RFC 4226 §4 R6 asks for 128 bits and recommends 160. @returns base32 without padding */
export const makeSecret = (): string => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return [...randomBytes(32)].map((byte) => alphabet[byte & 31]).join('');
};

export const stepAt = (now: Date): number => Math.floor(now.getTime() / 1000 / stepSeconds);

/** The code of one time step. @param secret base32 */
export const codeAt = (secret: string, step: number, algorithm: 'sha1' | 'sha256' | 'sha512' = 'sha1', length = digits): string =>
  speakeasy.hotp({ secret, encoding: 'base32', counter: step, algorithm, digits: length });

/** What people type: spaces and dashes do not matter. `undefined`: cannot be a code. */
export const readCode = (typed: string): string | undefined => {
  const code = typed.normalize('NFKC').replace(/[\s-]/g, '');
  return /^\d{6}$/.test(code) ? code : undefined;
};

/**
 * The step whose code was typed, one step of drift either way (RFC 6238 §5.2), later than the last one accepted.
 * @param lastStep last accepted step: never the same or an older one again
 */
export const matchingStep = (secret: string, code: string, now: Date, lastStep: number | undefined): number | undefined => {
  const current = stepAt(now);
  return [current, current - 1, current + 1].find(
    (step) => step > (lastStep ?? -1) && constantTimeEqual(codeAt(secret, step), code),
  );
};

/** Key URI format of authenticator apps: the issuer stands in the label and as a parameter. */
export const keyUri = ({ secret, issuer, account }: { secret: string; issuer: string; account: string }): string => {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  const parameters = new URLSearchParams({
    secret,
    issuer,
    algorithm: 'SHA1',
    digits: String(digits),
    period: String(stepSeconds),
  });
  return `otpauth://totp/${label}?${parameters.toString().replaceAll('+', '%20')}`;
};
