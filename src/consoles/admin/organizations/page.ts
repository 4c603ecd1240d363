import { callerOf } from '../../../authz/index.ts';
import { OrganizationBody, OrganizationQuery, organizationView } from '../../../identity/index.ts';
import { checkOf, decodeCursor, pageOfItems } from '../../../platform/http/index.ts';
import { contrastWithWhite } from '../../../platform/views/index.ts';
import { textOf } from '../shell/forms.ts';
import { readList } from '../shell/lists.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';
import { brandingOf, mountOrganizationChange } from './change.ts';
import { createMemberList, type MemberPageDeps, mountMemberPages } from './members.ts';

const base = '/admin/organizations';
const checkBody = checkOf(OrganizationBody);
const checkQuery = checkOf(OrganizationQuery);

/** FEATURES I4: organizations, one below another, and who belongs to them. */
export const mountOrganizationPages = (shell: AdminShell, deps: MemberPageDeps): void => {
  const { organizations } = deps.directory;
  const membersOf = createMemberList(deps);

  shell.get(base, { permission: 'organization:read' }, async (admin) => {
    const state = readList(admin, ['search', 'parent']);
    const after = decodeCursor(state.cursor, 'text', 'uuid');
    const rows = await organizations.list(callerOf(admin.caller), checkQuery(state.filters), state.limit + 1, after);
    const { items, nextCursor } = pageOfItems(rows, state.limit, ({ name, id }) => [name, id], organizationView);
    const canCreate = await admin.may('organization:create', true);
    admin.show('organizations', { ...state, items, pager: state.pager(nextCursor), canCreate });
  });

  const showForm = (admin: AdminPage, problem?: Problem): void =>
    admin.show(
      'organization-form',
      { form: admin.form, action: `${base}/new`, back: base, isPlaced: true, problem },
      problem?.status,
    );
  const making = { permission: 'organization:create', everywhere: true } as const;
  shell.get(`${base}/new`, making, async (admin) => showForm(admin));
  shell.post(`${base}/new`, making, async (admin) => {
    const { form } = admin;
    try {
      const place = { name: textOf(form, 'name'), slug: textOf(form, 'slug'), parent: textOf(form, 'parent') };
      const wish = checkBody({ ...place, branding: brandingOf(admin) });
      const { id } = await organizations.create(callerOf(admin.caller), wish);
      admin.receipt(`${base}/${id}`, 'organization_created');
    } catch (error) {
      showForm(admin, problemOf(error));
    }
  });

  shell.get(`${base}/:organization`, { permission: 'organization:read' }, async (admin) => {
    const organization = organizationView(await organizations.get(callerOf(admin.caller), admin.params.organization ?? ''));
    const { accentColor } = organization.branding;
    const can = {
      update: await admin.may('organization:update'),
      suspend: await admin.may('organization:update', true),
      assign: await admin.may('organization:assign'),
      give: await admin.may('role:assign'),
    };
    admin.show('organization', {
      organization,
      contrast: accentColor === undefined ? undefined : contrastWithWhite(accentColor).toFixed(1),
      ...(await membersOf(admin, organization.id, readList(admin, []))),
      can,
      base: `${base}/${organization.id}`,
    });
  });

  mountMemberPages(shell, deps);
  mountOrganizationChange(shell, deps.directory);
};
