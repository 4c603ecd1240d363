import { type Database, setTenants } from '../../platform/db/index.ts';
import type { Rule } from './rule.ts';

export interface InvariantRepository {
  /** At most five of what breaks the rule. */
  breaches(rule: Rule, now: Date): Promise<string[]>;
}

/** Looks over whole tables, of all organizations, in a transaction that changes nothing. */
export const createInvariantRepository = (database: Database): InvariantRepository => ({
  breaches: ({ sql }, now) =>
    database.transaction(async (trx) => {
      await trx.raw(`set transaction read only; set local statement_timeout = '120s'`);
      await setTenants(trx, 'all');
      const { rows } = await trx.raw(`select found from (${sql}) b limit 5`, { now });
      return (rows as { found: string }[]).map(({ found }) => found);
    }),
});
