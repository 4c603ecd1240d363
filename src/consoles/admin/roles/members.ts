import { type AuthzServices, assignmentView, callerOf, type RouteCaller } from '../../../authz/index.ts';
import { decodeCursor, pageOfItems } from '../../../platform/http/index.ts';

/** Who was assigned a role, a page at a time. */
export const membersOf =
  (assignments: AuthzServices['assignments']) =>
  async (caller: RouteCaller, role: string, limit: number, cursor: string | undefined) => {
    const rows = await assignments.members(callerOf(caller), role, limit + 1, decodeCursor(cursor, 'uuid')?.[0]);
    return pageOfItems(
      rows,
      limit,
      ({ id }) => [id],
      (row) => ({ ...assignmentView(row), email: row.email }),
    );
  };
