import { callerOf } from '../../../authz/index.ts';
import {
  type Directory,
  OrganizationBody,
  OrganizationQuery,
  organizationMemberView,
  organizationView,
} from '../../../identity/index.ts';
import { checkOf, decodeCursor, pageOfItems } from '../../../platform/http/index.ts';
import { textOf } from '../shell/forms.ts';
import { readList } from '../shell/lists.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';

export interface OrganizationPageDeps {
  directory: Pick<Directory, 'organizations' | 'organizationMembers'>;
}

const base = '/admin/organizations';
const checkBody = checkOf(OrganizationBody);
const checkQuery = checkOf(OrganizationQuery);

/** FEATURES I4: organizations, one below another, and who belongs to them. */
export const mountOrganizationPages = (shell: AdminShell, { directory }: OrganizationPageDeps): void => {
  const { organizations, organizationMembers } = directory;

  shell.get(base, { permission: 'organization:read' }, async (admin) => {
    const state = readList(admin, ['search', 'parent']);
    const after = decodeCursor(state.cursor, 'text', 'uuid');
    const rows = await organizations.list(callerOf(admin.caller), checkQuery(state.filters), state.limit + 1, after);
    const { items, nextCursor } = pageOfItems(rows, state.limit, ({ name, id }) => [name, id], organizationView);
    const canCreate = await admin.may('organization:create', true);
    admin.show('organizations', { ...state, items, pager: state.pager(nextCursor), canCreate });
  });

  const showForm = (admin: AdminPage, problem?: Problem): void =>
    admin.show('organization-form', { form: admin.form, action: `${base}/new`, back: base, problem }, problem?.status);
  const making = { permission: 'organization:create', everywhere: true } as const;
  shell.get(`${base}/new`, making, async (admin) => showForm(admin));
  shell.post(`${base}/new`, making, async (admin) => {
    const { form } = admin;
    try {
      const wish = checkBody({ name: textOf(form, 'name'), slug: textOf(form, 'slug'), parent: textOf(form, 'parent') });
      const { id } = await organizations.create(callerOf(admin.caller), wish);
      admin.receipt(`${base}/${id}`, 'organization_created');
    } catch (error) {
      showForm(admin, problemOf(error));
    }
  });

  shell.get(`${base}/:organization`, { permission: 'organization:read' }, async (admin) => {
    const caller = callerOf(admin.caller);
    const organization = organizationView(await organizations.get(caller, admin.params.organization ?? ''));
    const state = readList(admin, []);
    const [after] = decodeCursor(state.cursor, 'uuid') ?? [];
    const rows = await organizationMembers.list(caller, organization.id, state.limit + 1, after);
    const { items, nextCursor } = pageOfItems(rows, state.limit, ({ user_id: id }) => [id], organizationMemberView);
    admin.show('organization', { organization, members: items, pager: state.pager(nextCursor) });
  });
};
