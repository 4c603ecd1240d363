import { callerOf } from '../../../authz/index.ts';
import { type Directory, GroupBody, GroupQuery, groupMemberView, groupView } from '../../../identity/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import { checkOf, decodeCursor, pageOfItems } from '../../../platform/http/index.ts';
import { overrideOf, textOf } from '../shell/forms.ts';
import { readList } from '../shell/lists.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';
import { type GroupGivingDeps, mountGroupGiving } from './giving.ts';

export type GroupPageDeps = GroupGivingDeps & { directory: Pick<Directory, 'groups' | 'members'> };

const base = '/admin/groups';
const checkBody = checkOf(GroupBody);
const checkQuery = checkOf(GroupQuery);

const bodyOf = ({ form }: AdminPage) =>
  checkBody({
    name: textOf(form, 'name'),
    description: textOf(form, 'description'),
    parent: textOf(form, 'parent'),
    organizationId: textOf(form, 'organizationId'),
    override: overrideOf(form),
  });

/** FEATURES I5, Z3: groups, who is in them, and the roles that come by them. */
export const mountGroupPages = (shell: AdminShell, deps: GroupPageDeps): void => {
  const { groups, members } = deps.directory;
  const find = ({ caller, params }: AdminPage) => groups.get(callerOf(caller), params.group ?? '');

  shell.get(base, { permission: 'group:read' }, async (admin) => {
    const state = readList(admin, ['search', 'organizationId', 'userId']);
    const after = decodeCursor(state.cursor, 'text', 'uuid');
    const rows = await groups.list(callerOf(admin.caller), checkQuery(state.filters), state.limit + 1, after);
    const { items, nextCursor } = pageOfItems(rows, state.limit, ({ name, id }) => [name, id], groupView);
    admin.show('groups', { ...state, items, pager: state.pager(nextCursor), canCreate: await admin.may('group:create') });
  });

  const showForm = (admin: AdminPage, values: Record<string, unknown>, problem?: Problem): void =>
    admin.show('group-form', { form: admin.form, back: base, ...values, problem }, problem?.status);
  const start = { action: `${base}/new` };
  shell.get(`${base}/new`, { permission: 'group:create' }, async (admin) => showForm(admin, start));
  shell.post(`${base}/new`, { permission: 'group:create' }, async (admin) => {
    try {
      const { id } = await groups.create(callerOf(admin.caller), bodyOf(admin));
      admin.receipt(`${base}/${id}`, 'group_created');
    } catch (error) {
      showForm(admin, start, problemOf(error));
    }
  });

  shell.get(`${base}/:group`, { permission: 'group:read' }, async (admin) => {
    const group = groupView(await find(admin));
    const state = readList(admin, []);
    const caller = callerOf(admin.caller);
    const rows = await members.list(caller, group.id, state.limit + 1, decodeCursor(state.cursor, 'uuid')?.[0]);
    const { items, nextCursor } = pageOfItems(rows, state.limit, ({ user_id: id }) => [id], groupMemberView);
    const can = {
      update: await admin.may('group:update'),
      add: await admin.may('group:assign'),
      give: await admin.may('role:assign'),
      delete: await admin.may('group:delete'),
    };
    const reader = await admin.reach('role:read');
    const roles = reader ? await deps.grants.ofGroup(callerOf(reader), group.id) : [];
    admin.show('group', { group, members: items, roles, can, base: `${base}/${group.id}`, pager: state.pager(nextCursor) });
  });

  shell.get(`${base}/:group/edit`, { permission: 'group:update' }, async (admin) => {
    const found = await find(admin);
    const group = groupView(found);
    const form = { ...group, parent: group.parent?.id, version: found.version };
    showForm(admin, { group, form, action: `${base}/${group.id}/edit`, back: `${base}/${group.id}` });
  });
  shell.post(`${base}/:group/edit`, { permission: 'group:update' }, async (admin) => {
    const place = `${base}/${admin.params.group}`;
    try {
      await groups.update(callerOf(admin.caller), admin.params.group ?? '', bodyOf(admin), (version) => {
        if (String(version) !== admin.form.version) throw shared.precondition_failed();
      });
      admin.receipt(place, 'group_changed');
    } catch (error) {
      const problem = problemOf(error);
      showForm(admin, { group: groupView(await find(admin)), action: `${place}/edit`, back: place }, problem);
    }
  });

  const confirm = async (admin: AdminPage, problem?: Problem): Promise<void> => {
    const group = await find(admin);
    const place = `${base}/${group.id}`;
    const facts = [['admin.groups.members', String(group.memberCount)]];
    const shown = { key: 'group_delete', values: { group: group.name }, facts, action: `${place}/delete`, back: place };
    admin.show('confirm', { ...shown, problem }, problem?.status);
  };
  shell.get(`${base}/:group/delete`, { permission: 'group:delete' }, (admin) => confirm(admin));
  shell.post(`${base}/:group/delete`, { permission: 'group:delete' }, async (admin) => {
    try {
      await groups.remove(callerOf(admin.caller), admin.params.group ?? '');
      admin.receipt(base, 'group_deleted');
    } catch (error) {
      await confirm(admin, problemOf(error));
    }
  });

  mountGroupGiving(shell, deps);
};
