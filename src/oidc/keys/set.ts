import type { Envelope } from '../../platform/crypto/index.ts';
import type { Logger } from '../../platform/logging/index.ts';
import type { JsonWebKeySet } from '../ports.ts';
import { sealContext } from './generate.ts';
import type { KeyRow, KeyState } from './repository.ts';

/** The keys of the table as the provider and the world see them. */
export interface LoadedKeys {
  privateKeys: JsonWebKeySet;
  publicKeys: JsonWebKeySet;
  /** Equal when nothing has changed. */
  fingerprint: string;
}

// The core signs with the first key of an algorithm.
const order: Record<KeyState, number> = { active: 0, next: 1, retired: 2, withdrawn: 3 };
export const inOrder = (rows: readonly KeyRow[]): KeyRow[] => [...rows].sort((a, b) => order[a.state] - order[b.state]);

export const isReadable = (row: KeyRow, envelope: Envelope): boolean => {
  try {
    return envelope.open(row.private_jwk_sealed, sealContext(row.kid)) !== '';
  } catch {
    return false;
  }
};

/** @throws EnvelopeError when an active key cannot be opened (F-19); another one is left out with an alarm in the log */
export const loadKeySet = (unordered: readonly KeyRow[], envelope: Envelope, logger: Logger): LoadedKeys => {
  const rows = inOrder(unordered);
  const open = (row: KeyRow): Record<string, unknown>[] => {
    try {
      return [JSON.parse(envelope.open(row.private_jwk_sealed, sealContext(row.kid)))];
    } catch (error) {
      if (row.state === 'active') throw error;
      logger.error({ kid: row.kid, state: row.state }, 'a signing key cannot be opened and is left out');
      return [];
    }
  };
  return {
    privateKeys: { keys: rows.flatMap(open) },
    publicKeys: { keys: rows.map((row) => row.public_jwk) },
    fingerprint: rows.map(({ kid, state }) => `${kid}:${state}`).join(' '),
  };
};
