import { type ArtifactStore, hashOf } from '../adapters/index.ts';
import { lifetimes } from '../provider/lifetimes.ts';

export type Openings = ReturnType<typeof createOpenings>;

const kind = 'DeviceOpening';

/** CO-07: a user code belongs to the browser session that opened it first. */
export const createOpenings = (store: Pick<ArtifactStore, 'claimOnce' | 'find' | 'clock'>) => ({
  /** @returns whether this session is the one */
  claim: async (deviceCodeId: string, sessionUid: string): Promise<boolean> => {
    const now = store.clock.now();
    const id = hashOf(`device-opening ${deviceCodeId}`);
    const session = hashOf(sessionUid);
    const nobody = { accountId: null, clientId: null, grantId: null, sessionUid: null, lookup: null, consumedAt: null };
    const expiresAt = new Date(now.getTime() + lifetimes.deviceCode * 1000);
    if (await store.claimOnce({ kind, id, payload: { session }, ...nobody, expiresAt, createdAt: now })) return true;
    return (await store.find(kind, id))?.row.payload.session === session;
  },
});
