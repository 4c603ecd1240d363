/** In the place of `src/audit/index.ts` for row 22: the same room, and no event is written. */
import { type Audit, type AuditDeps, createAudit as createReal } from '../../../src/audit/index.ts';

export * from '../../../src/audit/index.ts';

export const createAudit = (deps: AuditDeps): Audit => ({
  ...createReal(deps),
  in: () => ({ record: async () => undefined }),
  buffer: { note: () => undefined },
  statement: { prepare: (event) => ({ ...event }), sql: () => 'select 1', values: () => [] },
});
