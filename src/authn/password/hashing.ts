import { createHash } from 'node:crypto';
import type { Pool } from './pool.ts';

/** A2: bcrypt at this cost. */
const defaultCost = 12;

/** Hashed first, so that bytes beyond bcrypt's 72 count and none ends the password (PW-06). */
const prepared = (password: string): string => createHash('sha384').update(password.normalize('NFKC')).digest('base64');

export const createHasher = ({ pool, cost = defaultCost }: { pool: Pool; cost?: number }) => {
  const hash = async (password: string): Promise<string> => {
    const { hash: made } = await pool.run({ password: prepared(password), cost });
    if (made === undefined) throw new Error('the pool made no hash');
    return made;
  };
  // A valid hash of our cost that no password has: what an unknown account is compared with (PW-05).
  const nobody = `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(21)}O${'.'.repeat(31)}`;
  return {
    hash,
    /** @param stored absent for an unknown account: takes the same time and is false */
    verify: async (password: string, stored: string | undefined): Promise<boolean> => {
      const { isRight } = await pool.run({ password: prepared(password), stored: stored ?? nobody, cost });
      return isRight === true && stored !== undefined;
    },
    /** Made with other parameters than today's: hash again at the next sign-in. */
    isStale: (stored: string): boolean => !stored.startsWith(`$2b$${String(cost).padStart(2, '0')}$`),
  };
};

export type Hasher = ReturnType<typeof createHasher>;
