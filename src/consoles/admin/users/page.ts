import { type AuthzServices, assignmentView, callerOf, userPermissionView } from '../../../authz/index.ts';
import type { Accounts } from '../../../identity/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import { decodeCursor, pageOfItems } from '../../../platform/http/index.ts';
import { readList } from '../shell/lists.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { mountGrantPages } from './grants.ts';
import { mountTakePage } from './take.ts';

export interface UserPageDeps {
  accounts: Pick<Accounts, 'find' | 'list'>;
  services: Pick<AuthzServices, 'assignments' | 'grants' | 'effective'>;
}

const base = '/admin/users';
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** The people a caller may see; and of one of them what they may do, and why. */
export const mountUserPages = (shell: AdminShell, deps: UserPageDeps): void => {
  const { accounts, services } = deps;

  /** @throws not_found also for who is of another organization only (TN-01) */
  const find = async ({ caller, params }: AdminPage) => {
    const { id = '' } = params;
    await services.assignments.ofUser(callerOf(caller), id);
    const account = await accounts.find(id);
    if (!account) throw shared.not_found();
    const { claims, status } = account;
    return { id, status, email: textOf(claims.email), name: textOf(claims.name) };
  };

  shell.get(base, { permission: 'user:read' }, async (admin) => {
    const state = readList(admin, ['search']);
    const [before] = decodeCursor(state.cursor, 'uuid') ?? [];
    const { scope } = callerOf(admin.caller);
    const rows = await accounts.list(state.filters.search, state.limit + 1, { scope, before });
    const { items, nextCursor } = pageOfItems(
      rows,
      state.limit,
      ({ id }) => [id],
      (row) => row,
    );
    admin.show('users', { ...state, items, pager: state.pager(nextCursor) });
  });

  shell.get(`${base}/:id`, { permission: 'entitlement:read', person: 'id' }, async (admin) => {
    const user = await find(admin);
    const caller = callerOf(admin.caller);
    const can = {
      assign: await admin.may('role:assign'),
      grant: await admin.may('permission:grant', true),
      ask: await admin.may('authz:check'),
    };
    admin.show('user', {
      user,
      can,
      base: `${base}/${user.id}`,
      assignments: (await services.assignments.ofUser(caller, user.id)).map(assignmentView),
      direct: (await services.grants.ofUser(caller, user.id)).map(userPermissionView),
      effective: await services.effective(caller, user.id),
    });
  });

  mountGrantPages(shell, { services, find });
  mountTakePage(shell, { services, find });
};
