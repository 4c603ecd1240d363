import type { Envelope } from '../../platform/crypto/index.ts';
import type { Database } from '../../platform/db/index.ts';
import { createKeyRepository, type KeyState } from './repository.ts';
import { isReadable } from './set.ts';

export interface ExaminedKey {
  kid: string;
  alg: string;
  state: KeyState;
  /** Whether the master key opens it. */
  isReadable: boolean;
  activatedAt: Date | undefined;
}

/** Looks at the stored signing keys without making, rotating or sealing any. */
export const examineKeys = async ({ knex }: Database, envelope: Envelope): Promise<ExaminedKey[]> =>
  (await createKeyRepository(knex).list()).map((row) => ({
    kid: row.kid,
    alg: row.alg,
    state: row.state,
    isReadable: isReadable(row, envelope),
    activatedAt: row.activated_at ?? undefined,
  }));
