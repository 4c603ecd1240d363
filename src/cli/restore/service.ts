import type { Rooms } from '../../app.ts';
import { forgetRestored, setTenants } from '../../platform/db/index.ts';
import { createRestoreRepository } from './repository.ts';

const actor = { type: 'system' } as const;

/**
 * After a restore (security-cases F-21): every token, session, link and code from before is worthless, since what was revoked or used after
 * the backup is not known here. Accounts, consents, factors, clients and rights stay as the backup has them.
 */
export const lookAfterRestore = async ({ foundation, oidc }: Pick<Rooms, 'foundation' | 'oidc'>) => {
  const { database, clock, sinks, caches } = foundation;
  return await database.transaction(async (trx) => {
    await setTenants(trx, 'all');
    const repository = createRestoreRepository(trx);
    await repository.endShortLived(clock.now());
    const undelivered = await repository.giveUpOutbox(clock.now());
    const ids = await repository.accounts();
    for (const id of ids) await oidc.endings.endAccountIn(trx, id, { cause: 'restored', actor });
    await repository.revokeEverybody(clock.now());
    await forgetRestored(trx);
    const details = { accounts: ids.length, undelivered };
    await sinks.audit(trx).record({ type: 'system.restored', outcome: 'success', actor, details });
    await caches.invalidate(['*'], trx);
    return details;
  });
};
