import { type AuthzServices, callerOf } from '../../../authz/index.ts';
import { type Directory, UserQuery, viewOfUserRecord } from '../../../identity/index.ts';
import { checkOf, decodeCursor, pageOfItems } from '../../../platform/http/index.ts';
import { readList } from '../shell/lists.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { mountBulkPages } from './bulk.ts';
import { createUserDetail, type UserDetailDeps, userTabOf, userTabs } from './detail.ts';
import { mountGrantPages } from './grants.ts';
import { mountLifecyclePages } from './lifecycle.ts';
import { mountTakePage } from './take.ts';

export interface UserPageDeps extends UserDetailDeps {
  directory: Pick<Directory, 'users' | 'groups' | 'organizations' | 'lifecycle'>;
  services: Pick<AuthzServices, 'assignments' | 'grants' | 'effective' | 'policies'>;
}

const base = '/admin/users';
const checkQuery = checkOf(UserQuery);
const groupsShown = 100;

/** The people a caller may see; and of one of them what they may do, and why. */
export const mountUserPages = (shell: AdminShell, deps: UserPageDeps): void => {
  const { directory, services } = deps;
  const { users, groups } = directory;
  const detail = createUserDetail(deps);

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
    const place = `${base}/${user.id}`;
    const tab = userTabOf(admin);
    const can = {
      assign: await admin.may('role:assign'),
      grant: await admin.may('permission:grant', true),
      ask: await admin.may('authz:check'),
      deactivate: await admin.may('user:deactivate', true),
    };
    const held = await admin.reach('group:read');
    admin.show('user', {
      user,
      can,
      base: place,
      tab,
      tabs: userTabs(place),
      groups: held ? await groups.list(callerOf(held), { userId: user.id }, groupsShown, undefined) : [],
      effective: await services.effective(callerOf(admin.caller), user.id),
      ...(await detail[tab](admin, user.id)),
    });
  });

  // Ahead of what has an id at that place.
  mountBulkPages(shell, deps);
  mountGrantPages(shell, { services, find });
  mountTakePage(shell, { services, find });
  mountLifecyclePages(shell, { lifecycle: directory.lifecycle, find });
};
