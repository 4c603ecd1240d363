import { type AuthzServices, callerOf, RuleBody, ruleView } from '../../../authz/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import { checkOf, decodeCursor, type PageContext, pageOfItems } from '../../../platform/http/index.ts';
import { linesOf, textOf } from '../shell/forms.ts';
import { readList } from '../shell/lists.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';
import { type ConflictPageDeps, mountConflictPage } from './conflicts.ts';

export type DutyPageDeps = ConflictPageDeps & { duties: AuthzServices['duties'] };

const base = '/admin/duties';
const checkBody = checkOf(RuleBody);

const bodyOf = ({ form }: PageContext) => {
  const maxHeld = textOf(form, 'maxHeld');
  return checkBody({
    name: textOf(form, 'name'),
    description: textOf(form, 'description'),
    roles: linesOf(form, 'roles'),
    permissions: linesOf(form, 'permissions'),
    maxHeld: maxHeld === undefined ? undefined : Number(maxHeld),
    organizationId: textOf(form, 'organizationId'),
  });
};

/** FEATURES Z7: which roles and permissions are kept apart, and who holds them together. */
export const mountDutyPages = (shell: AdminShell, deps: DutyPageDeps): void => {
  const { duties } = deps;
  // Ahead of `:id`.
  mountConflictPage(shell, deps);

  shell.get(base, { permission: 'sod:read' }, async (admin) => {
    const state = readList(admin, []);
    const rows = await duties.list(callerOf(admin.caller), state.limit + 1, decodeCursor(state.cursor, 'text', 'uuid'));
    const { items, nextCursor } = pageOfItems(rows, state.limit, ({ name, id }) => [name, id], ruleView);
    admin.show('duties', { items, pager: state.pager(nextCursor), canCreate: await admin.may('sod:create') });
  });

  const showForm = (admin: AdminPage, values: Record<string, unknown>, problem?: Problem): void =>
    admin.show('duty-form', { form: admin.form, back: base, ...values, problem }, problem?.status);
  const start = { action: `${base}/new` };
  shell.get(`${base}/new`, { permission: 'sod:create' }, async (admin) => showForm(admin, { ...start, form: { maxHeld: 1 } }));
  shell.post(`${base}/new`, { permission: 'sod:create' }, async (admin) => {
    try {
      await duties.create(callerOf(admin.caller), bodyOf(admin));
      admin.receipt(base, 'duty_saved');
    } catch (error) {
      showForm(admin, start, problemOf(error));
    }
  });

  const editing = async (admin: AdminPage) => {
    const rule = await duties.get(callerOf(admin.caller), admin.params.id ?? '');
    const canDelete = await admin.may('sod:delete');
    return { rule, canDelete, action: `${base}/${rule.id}`, deleteHref: `${base}/${rule.id}/delete` };
  };
  shell.get(`${base}/:id`, { permission: 'sod:read' }, async (admin) => {
    const values = await editing(admin);
    const { rule } = values;
    const lists = { roles: rule.roles.map(({ name }) => name).join('\n'), permissions: rule.permissions.join('\n') };
    showForm(admin, { ...values, form: { ...rule, ...lists } });
  });
  shell.post(`${base}/:id`, { permission: 'sod:update' }, async (admin) => {
    try {
      await duties.update(callerOf(admin.caller), admin.params.id ?? '', bodyOf(admin), (version) => {
        if (String(version) !== admin.form.version) throw shared.precondition_failed();
      });
      admin.receipt(base, 'duty_saved');
    } catch (error) {
      showForm(admin, await editing(admin), problemOf(error));
    }
  });

  const confirm = async (admin: AdminPage, problem?: Problem): Promise<void> => {
    const { rule, action, deleteHref } = await editing(admin);
    const values = { rule: rule.name };
    admin.show('confirm', { key: 'duty_delete', values, action: deleteHref, back: action, problem }, problem?.status);
  };
  shell.get(`${base}/:id/delete`, { permission: 'sod:delete' }, (admin) => confirm(admin));
  shell.post(`${base}/:id/delete`, { permission: 'sod:delete' }, async (admin) => {
    try {
      await duties.remove(callerOf(admin.caller), admin.params.id ?? '');
      admin.receipt(base, 'duty_deleted');
    } catch (error) {
      await confirm(admin, problemOf(error));
    }
  });
};
