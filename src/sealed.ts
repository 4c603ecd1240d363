import { sealedFactors, sealedProviders } from './authn/index.ts';
import type { Foundation } from './foundation.ts';
import { sealedKeys, sealedSecrets } from './oidc/index.ts';
import { derivedKeys, reseal } from './platform/db/index.ts';
import { sealedOutbox } from './platform/events/index.ts';

/** What outlives a rotation of the master key; everything else that is sealed ends within a day. */
const columns = [derivedKeys, sealedKeys, sealedSecrets, sealedFactors, sealedProviders, sealedOutbox];

/** FEATURES S5: from the start after `MASTER_KEY=new,old` on, nothing needs the old key any more. */
export const resealAll = async ({
  database,
  envelope,
  logger,
}: Pick<Foundation, 'database' | 'envelope' | 'logger'>): Promise<void> => {
  for (const column of columns) {
    const lost = await reseal(database, envelope, column);
    if (lost > 0) logger.error({ table: column.table, count: lost }, 'sealed values are opened by no master key that was given');
  }
};
