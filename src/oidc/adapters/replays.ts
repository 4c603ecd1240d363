import type { ArtifactStore } from './store.ts';

const none = { accountId: null, clientId: null, grantId: null, sessionUid: null, lookup: null, consumedAt: null };

/**
 * Ids that are good once (RFC 9449 §11.1, RFC 7523 §3), for whoever does not go through the core, which looks and then saves.
 * @param id of the row: what the core asks for, hashed
 */
export const createReplays = (store: Pick<ArtifactStore, 'claimOnce' | 'clock'>) => ({
  /** True for the first to present the id, on whatever replica; it is remembered for so many seconds. */
  claim: (id: string, seconds: number): Promise<boolean> => {
    const createdAt = store.clock.now();
    const expiresAt = new Date(createdAt.getTime() + seconds * 1000);
    return store.claimOnce({ kind: 'ReplayDetection', id, payload: {}, ...none, createdAt, expiresAt });
  },
});
