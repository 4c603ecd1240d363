import { type AuthzServices, callerOf, reportView } from '../../../authz/index.ts';
import { isUuid } from '../../../platform/crypto/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import { decodeCursor, encodeCursor } from '../../../platform/http/index.ts';
import { readList } from '../shell/lists.ts';
import type { AdminShell } from '../shell/page.ts';

export interface ConflictPageDeps {
  duties: Pick<AuthzServices['duties'], 'conflicts'>;
  /** How a person is called. */
  nameOf(accountId: string): Promise<{ name: string | undefined; login: string | undefined }>;
}

/** Who holds together what a rule keeps apart, by what, and who let it be. */
export const mountConflictPage = (shell: AdminShell, { duties, nameOf }: ConflictPageDeps): void =>
  shell.get('/admin/duties/conflicts', { permission: 'sod:read' }, async (admin) => {
    const state = readList(admin, ['ruleId', 'userId']);
    const { ruleId, userId } = state.filters;
    for (const [name, value] of Object.entries(state.filters))
      if (!isUuid(value)) throw shared.invalid_request({ errors: [{ path: `query/${name}`, message: 'must be an id' }] });
    const after = decodeCursor(state.cursor, 'uuid', 'uuid');
    const userIds = userId === undefined ? undefined : [userId];
    const { items, next } = await duties.conflicts(callerOf(admin.caller), { limit: state.limit, after, ruleId, userIds });
    // Asked for at once, they share a statement.
    const rows = await Promise.all(
      items.map(async ({ conflict, exception }) => {
        const { name, login } = await nameOf(conflict.userId);
        return { ...reportView(conflict, exception), person: name ?? login };
      }),
    );
    admin.show('conflicts', { ...state, items: rows, pager: state.pager(next ? encodeCursor(next) : null) });
  });
