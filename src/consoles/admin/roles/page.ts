import { type AuthzServices, callerOf, RoleBody, RoleQuery, roleView } from '../../../authz/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import { checkOf, decodeCursor, type PageContext, pageOfItems } from '../../../platform/http/index.ts';
import { linesOf, overrideOf, textOf } from '../shell/forms.ts';
import { readList } from '../shell/lists.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';
import { mountRoleAssignment, type RoleAssignmentDeps } from './assignment.ts';
import { membersOf } from './members.ts';

export interface RolePageDeps extends RoleAssignmentDeps {
  services: Pick<AuthzServices, 'roles' | 'assignments'>;
}

const base = '/admin/roles';
const checkBody = checkOf(RoleBody);
const checkQuery = checkOf(RoleQuery);
const byName = ({ name, id }: { name: string; id: string }): string[] => [name, id];

const bodyOf = ({ form }: PageContext) =>
  checkBody({
    name: textOf(form, 'name'),
    description: textOf(form, 'description'),
    permissions: linesOf(form, 'permissions'),
    parents: linesOf(form, 'parents'),
    organizationId: textOf(form, 'organizationId'),
    createPermissions: form.createPermissions === undefined ? undefined : true,
    override: overrideOf(form),
  });

/** FEATURES Z1: roles, their permissions, what they inherit, who has them. */
export const mountRolePages = (shell: AdminShell, deps: RolePageDeps): void => {
  const { roles } = deps.services;
  const members = membersOf(deps.services.assignments);
  const find = async ({ caller, params }: AdminPage) => roles.get(callerOf(caller), params.role ?? '');

  shell.get(base, { permission: 'role:read' }, async (admin) => {
    const state = readList(admin, ['search', 'organizationId']);
    const rows = await roles.list(
      callerOf(admin.caller),
      checkQuery(state.filters),
      state.limit + 1,
      decodeCursor(state.cursor, 'text', 'uuid'),
    );
    const { items, nextCursor } = pageOfItems(rows, state.limit, byName, roleView);
    const canCreate = await admin.may('role:create');
    admin.show('roles', { ...state, items, pager: state.pager(nextCursor), canCreate });
  });

  const showForm = (admin: AdminPage, values: Record<string, unknown>, problem?: Problem): void =>
    admin.show('role-form', { form: admin.form, back: base, ...values, problem }, problem?.status);

  shell.get(`${base}/new`, { permission: 'role:create' }, async (admin) => showForm(admin, { action: `${base}/new` }));
  shell.post(`${base}/new`, { permission: 'role:create' }, async (admin) => {
    try {
      const { id } = await roles.create(callerOf(admin.caller), bodyOf(admin));
      admin.receipt(`${base}/${id}`, 'role_created');
    } catch (error) {
      showForm(admin, { action: `${base}/new` }, problemOf(error));
    }
  });

  shell.get(`${base}/:role`, { permission: 'role:read' }, async (admin) => {
    const role = roleView(await find(admin));
    const state = readList(admin, []);
    const { items, nextCursor } = await members(admin.caller, role.id, state.limit, state.cursor);
    const [update, assign, remove] = [
      await admin.may('role:update'),
      await admin.may('role:assign'),
      await admin.may('role:delete'),
    ];
    const can = { update: update && !role.isSystem, assign, delete: remove };
    admin.show('role', { role, members: items, can, base: `${base}/${role.id}`, pager: state.pager(nextCursor) });
  });

  shell.get(`${base}/:role/edit`, { permission: 'role:update' }, async (admin) => {
    const found = await find(admin);
    const role = roleView(found);
    const form = {
      ...role,
      permissions: role.permissions.join('\n'),
      parents: role.parents.map(({ name }) => name).join('\n'),
      version: found.version,
    };
    showForm(admin, { role, form, action: `${base}/${role.id}/edit`, back: `${base}/${role.id}` });
  });
  shell.post(`${base}/:role/edit`, { permission: 'role:update' }, async (admin) => {
    const place = `${base}/${admin.params.role}`;
    try {
      await roles.update(callerOf(admin.caller), admin.params.role ?? '', bodyOf(admin), (version) => {
        if (String(version) !== admin.form.version) throw shared.precondition_failed();
      });
      admin.receipt(place, 'role_changed');
    } catch (error) {
      const problem = problemOf(error);
      showForm(admin, { role: roleView(await find(admin)), action: `${place}/edit`, back: place }, problem);
    }
  });

  const confirm = async (admin: AdminPage, problem?: Problem): Promise<void> => {
    const role = await find(admin);
    const place = `${base}/${role.id}`;
    const { items, nextCursor } = await members(admin.caller, role.id, 200, undefined);
    const count = nextCursor === null ? String(items.length) : `${items.length}+`;
    const facts = [
      ['admin.roles.members', count],
      ['admin.roles.permissions', String(role.permissions.length)],
    ];
    const values = { role: role.name };
    admin.show(
      'confirm',
      { key: 'role_delete', values, facts, action: `${place}/delete`, back: place, problem },
      problem?.status,
    );
  };
  shell.get(`${base}/:role/delete`, { permission: 'role:delete' }, (admin) => confirm(admin));
  shell.post(`${base}/:role/delete`, { permission: 'role:delete' }, async (admin) => {
    try {
      await roles.remove(callerOf(admin.caller), admin.params.role ?? '');
      admin.receipt(base, 'role_deleted');
    } catch (error) {
      await confirm(admin, problemOf(error));
    }
  });

  mountRoleAssignment(shell, deps);
};
