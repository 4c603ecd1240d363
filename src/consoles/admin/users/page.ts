import { type AuthzServices, assignmentView, callerOf, userPermissionView } from '../../../authz/index.ts';
import { type Directory, UserQuery, viewOfUserRecord } from '../../../identity/index.ts';
import { checkOf, decodeCursor, pageOfItems } from '../../../platform/http/index.ts';
import { readList } from '../shell/lists.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { mountBulkPages } from './bulk.ts';
import { mountGrantPages } from './grants.ts';
import { mountLifecyclePages } from './lifecycle.ts';
import { mountTakePage } from './take.ts';

export interface UserPageDeps {
  directory: Pick<Directory, 'users' | 'groups' | 'lifecycle'>;
  services: Pick<AuthzServices, 'assignments' | 'grants' | 'effective'>;
}

const base = '/admin/users';
const checkQuery = checkOf(UserQuery);
const groupsShown = 100;
type Caller = ReturnType<typeof callerOf>;

/** The people a caller may see; and of one of them what they may do, and why. */
export const mountUserPages = (shell: AdminShell, deps: UserPageDeps): void => {
  const { directory, services } = deps;
  const { users, groups } = directory;

  /** @throws account_not_found also for who is of another organization only (TN-01) */
  const find = async ({ caller, params }: AdminPage) =>
    viewOfUserRecord(await users.get({ ...callerOf(caller), selfId: undefined }, params.id ?? ''));

  shell.get(base, { permission: 'user:read' }, async (admin) => {
    const state = readList(admin, ['search', 'status', 'organizationId', 'groupId']);
    const [after] = decodeCursor(state.cursor, 'uuid') ?? [];
    const rows = await users.list(callerOf(admin.caller), checkQuery(state.filters), state.limit + 1, after);
    const { items, nextCursor } = pageOfItems(rows, state.limit, ({ id }) => [id], viewOfUserRecord);
    const can = { assign: await admin.may('role:assign'), deactivate: await admin.may('user:deactivate', true) };
    admin.show('users', { ...state, items, pager: state.pager(nextCursor), can });
  });

  shell.get(`${base}/:id`, { permission: 'entitlement:read', person: 'id' }, async (admin) => {
    const user = await find(admin);
    // Each part for who may read it by itself.
    const reader = async <Row>(
      permission: 'group:read' | 'role:read' | 'permission:read',
      read: (caller: Caller) => Promise<Row[]>,
    ) => {
      const held = await admin.reach(permission);
      return held ? await read(callerOf(held)) : [];
    };
    const can = {
      assign: await admin.may('role:assign'),
      grant: await admin.may('permission:grant', true),
      ask: await admin.may('authz:check'),
      deactivate: await admin.may('user:deactivate', true),
    };
    admin.show('user', {
      user,
      can,
      base: `${base}/${user.id}`,
      groups: await reader('group:read', (caller) => groups.list(caller, { userId: user.id }, groupsShown, undefined)),
      assignments: (await reader('role:read', (caller) => services.assignments.ofUser(caller, user.id))).map(assignmentView),
      direct: (await reader('permission:read', (caller) => services.grants.ofUser(caller, user.id))).map(userPermissionView),
      effective: await services.effective(callerOf(admin.caller), user.id),
    });
  });

  // Ahead of what has an id at that place.
  mountBulkPages(shell, deps);
  mountGrantPages(shell, { services, find });
  mountTakePage(shell, { services, find });
  mountLifecyclePages(shell, { lifecycle: directory.lifecycle, find });
};
