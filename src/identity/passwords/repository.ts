import type { Knex } from 'knex';
import { uuidv7 } from '../../platform/crypto/index.ts';
import { createAccountRepository } from '../accounts/repository.ts';

/** A2: the present password and this many before it may not be chosen again. */
export const earlierPasswords = 4;

export interface PasswordRepository {
  /** A new password; the one before goes into the history. */
  replace(userId: string, hash: string, now: Date): Promise<void>;
  /** Takes it away, with the history. */
  remove(userId: string): Promise<void>;
}

/** Passwords inside another room's transaction. */
export const createPasswordRepository = (db: Knex): PasswordRepository => {
  const accounts = createAccountRepository(db);
  return {
    replace: async (userId, hash, now) => {
      await accounts.archivePasswordHash(userId, uuidv7(now), now, earlierPasswords);
      await accounts.setPasswordHash(userId, hash, now);
    },
    remove: async (userId) => {
      await db('user_credentials').where({ user_id: userId, kind: 'password' }).delete();
      await db('password_history').where({ user_id: userId }).delete();
    },
  };
};
