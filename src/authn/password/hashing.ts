import { createHash } from 'node:crypto';
import { foreignHash } from './foreign.ts';
import type { Pool } from './pool.ts';
import type { Weakness } from './strength.ts';

/** A2: bcrypt at this cost. */
const defaultCost = 12;

/** Hashed first, so that bytes beyond bcrypt's 72 count and none ends the password (PW-06). */
const preparedOf = (password: string): string => createHash('sha384').update(password.normalize('NFKC')).digest('base64');

export const createHasher = ({ pool, cost = defaultCost }: { pool: Pool; cost?: number | undefined }) => {
  const hash = async (password: string): Promise<string> => {
    const { hash: made } = await pool.run({ kind: 'hash', prepared: preparedOf(password), cost });
    if (made === undefined) throw new Error('the pool made no hash');
    return made;
  };
  // A valid hash of our cost that no password has: what an unknown account is compared with (PW-05).
  const nobody = `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(21)}O${'.'.repeat(31)}`;
  return {
    hash,
    /** @param stored absent for an unknown account: takes the same time and is false */
    verify: async (password: string, stored: string | undefined): Promise<boolean> => {
      const prepared = preparedOf(password);
      const { isRight } = await pool.run({ kind: 'compare', prepared, password, stored: stored ?? nobody, cost });
      return isRight === true && stored !== undefined;
    },
    /** Made with other parameters than today's, or by another system: hash again at the next sign-in. */
    isStale: (stored: string): boolean => !stored.startsWith(`$2b$${String(cost).padStart(2, '0')}$`),
    /** The stored form of a hash of another system; `undefined` for a format that is not known. */
    foreign: foreignHash,
    /** PW-07. @param context what is known of the person and the site */
    weakness: async (password: string, context: readonly string[]): Promise<Weakness | undefined> =>
      (await pool.run({ kind: 'judge', password, context })).weakness,
  };
};

export type Hasher = ReturnType<typeof createHasher>;
