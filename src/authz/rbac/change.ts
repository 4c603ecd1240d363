/** What surrounds every change of what people hold, whichever room makes it. */
import { withTenants } from '../../platform/db/index.ts';
import { type DutyContext, keepingDuties, type Override } from '../duties/check.ts';
import { errors } from '../errors.ts';
import { createGrantWrites, type GrantWrites, superAdminCount } from './grants-repository.ts';

/** The people whose rights may change; `all` where it takes a search to know them. */
export type Whose = readonly string[] | 'all';

/**
 * @throws duties_conflict (FEATURES Z7), last_super_admin: of two who leave at the same time, one stays; only those count whose right
 * has no end
 */
export const change = <Result>(
  context: DutyContext,
  whose: Whose,
  run: (write: GrantWrites) => Promise<Result>,
  overriding?: Override,
): Promise<Result> =>
  keepingDuties(context, { whose, overriding }, async () => {
    const { trx, now } = context;
    const count = (): Promise<number> => withTenants(trx, 'all', () => superAdminCount(trx, now));
    const before = await count();
    const result = await run(createGrantWrites(trx));
    if (before > 0 && (await count()) === 0) throw errors.last_super_admin();
    return result;
  });
