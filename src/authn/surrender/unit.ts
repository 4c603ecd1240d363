import type { Database } from '../../platform/db/index.ts';
import { createEmailChangeRepository } from '../email-change/repository.ts';
import { createDeviceRepository } from '../factors/repository.ts';
import { createFlowRepository } from '../flows/repository.ts';
import { createKnownDeviceRepository } from '../known-devices/repository.ts';
import { createRecoveryCodeRepository } from '../recovery-codes/repository.ts';
import { createTicketRepository } from '../tickets/repository.ts';
import { createTrustedDeviceRepository } from '../trusted/repository.ts';
import { createIdentityRepository } from '../upstream/identities/repository.ts';

type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

/** Of one account; its password and sessions are the caller's to end. */
export type Surrender = (accountId: string, now: Date) => Promise<void>;

/**
 * SO-02: nobody has ever shown that the address is theirs, and now somebody has. What whoever made the account left behind, to come
 * back by, is worthless: factors, connected sign-ins, known browsers, mailed links, changes under way.
 */
export const createSurrender = (trx: Transaction): Surrender => {
  const factors = createDeviceRepository(trx);
  return async (accountId, now) => {
    for (const { id } of await factors.active(accountId)) await factors.remove(accountId, id);
    for (const kind of ['totp', 'sms', 'email'] as const) {
      const pending = await factors.pending(accountId, kind);
      if (pending) await factors.remove(accountId, pending.id);
    }
    await createRecoveryCodeRepository(trx).remove(accountId);
    await createTrustedDeviceRepository(trx).removeAll(accountId);
    await createKnownDeviceRepository(trx).forgetAll(accountId);
    await createIdentityRepository(trx).removeAll(accountId);
    await createTicketRepository(trx).endAll(accountId, 'all', now);
    await createEmailChangeRepository(trx).endWaiting(accountId, now);
    await createFlowRepository(trx).endAll(accountId);
  };
};
