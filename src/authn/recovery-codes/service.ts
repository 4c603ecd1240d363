import { randomBytes } from 'node:crypto';
import type { Envelope } from '../../platform/crypto/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { RecoveryCodeRepository } from './repository.ts';

const count = 10;
/** Crockford's base 32, without letters that look like others. 16 of these are 80 bits. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const length = 16;

const makeCode = (): string => {
  const letters = [...randomBytes(length)].map((byte) => alphabet[byte & 31]).join('');
  return letters.replace(/(.{4})(?!$)/g, '$1-');
};

const canonical = (typed: string): string =>
  typed.normalize('NFKC').toLowerCase().replace(/[\s-]/g, '').replaceAll('o', '0').replace(/[il]/g, '1');

/** Whether something typed looks like a recovery code rather than a code of six digits. */
export const isRecoveryCode = (typed: string): boolean => canonical(typed).length === length;

export interface RecoveryCodeDeps {
  envelope: Pick<Envelope, 'blindIndex'>;
  clock: Clock;
}

/** MF-06: random, shown once, used once, replaced together; kept as digests keyed by the master key, which no dump holds. */
export const createRecoveryCodes = ({ envelope, clock }: RecoveryCodeDeps) => {
  const hashOf = (userId: string, code: string): string => envelope.blindIndex(`${userId}\0${canonical(code)}`, 'recovery-code');
  return {
    /** @returns the ten codes, for the only time */
    replace: async (codes: RecoveryCodeRepository, userId: string): Promise<readonly string[]> => {
      const made = new Set<string>();
      while (made.size < count) made.add(makeCode());
      const hashes = [...made].map((code) => hashOf(userId, code));
      await codes.replace(userId, hashes, clock.now());
      return [...made];
    },
    spend: (codes: RecoveryCodeRepository, userId: string, typed: string): Promise<boolean> =>
      codes.spend(userId, hashOf(userId, typed), clock.now()),
  };
};

export type RecoveryCodes = ReturnType<typeof createRecoveryCodes>;
