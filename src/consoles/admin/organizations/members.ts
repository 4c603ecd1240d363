import { AssignmentBody, type AuthzServices, callerOf } from '../../../authz/index.ts';
import { type Directory, OrganizationMemberBody, organizationMemberView, organizationView } from '../../../identity/index.ts';
import { isUuid } from '../../../platform/crypto/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import { checkOf, decodeCursor, pageOfItems } from '../../../platform/http/index.ts';
import { overrideOf, textOf } from '../shell/forms.ts';
import type { ListState } from '../shell/lists.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { nobody } from '../shell/people.ts';
import { type Problem, problemOf } from '../shell/problems.ts';

export interface MemberPageDeps {
  directory: Pick<Directory, 'organizations' | 'organizationMembers'>;
  services: Pick<AuthzServices, 'assignments'>;
  /** Whose login name it is. */
  idOfLogin(login: string): Promise<string | undefined>;
}

const base = '/admin/organizations';
const checkWish = checkOf(AssignmentBody);
const checkMember = checkOf(OrganizationMemberBody);
const access = { permission: 'organization:assign' } as const;

/** Members, each with what they hold there, for who may read that. */
export const createMemberList =
  ({ directory, services }: MemberPageDeps) =>
  async (admin: AdminPage, organizationId: string, state: ListState<never>) => {
    const [after] = decodeCursor(state.cursor, 'uuid') ?? [];
    const rows = await directory.organizationMembers.list(callerOf(admin.caller), organizationId, state.limit + 1, after);
    const { items, nextCursor } = pageOfItems(rows, state.limit, ({ user_id: id }) => [id], organizationMemberView);
    const reader = await admin.reach('role:read');
    const ids = items.map(({ userId }) => userId);
    const held = reader ? await services.assignments.inOrganization(callerOf(reader), organizationId, ids) : [];
    const rolesOf = (userId: string) =>
      held.filter((row) => row.user_id === userId).map(({ id, role_id: roleId, role_name: name }) => ({ id, roleId, name }));
    return { members: items.map((one) => ({ ...one, roles: rolesOf(one.userId) })), pager: state.pager(nextCursor) };
  };

/** People into an organization and out of it, with a role that counts there (FEATURES I4). */
export const mountMemberPages = (shell: AdminShell, deps: MemberPageDeps): void => {
  const { organizations, organizationMembers } = deps.directory;
  const { assignments } = deps.services;
  const path = `${base}/:organization/members`;

  const find = async ({ caller, params }: AdminPage) =>
    organizationView(await organizations.get(callerOf(caller), params.organization ?? ''));

  const showAdd = async (admin: AdminPage, problem?: Problem): Promise<void> => {
    const organization = await find(admin);
    const back = `${base}/${organization.id}`;
    const canAssign = await admin.may('role:assign');
    const values = { organization, form: admin.form, action: `${back}/members/add`, back, canAssign, problem };
    admin.show('organization-add', values, problem?.status);
  };

  /** The role that goes with the membership, once it is known that it may be given: else nobody becomes a member. */
  const giftOf = async (admin: AdminPage, organizationId: string) => {
    const role = textOf(admin.form, 'role');
    if (role === undefined) return undefined;
    const giver = await admin.reach('role:assign');
    if (!giver) return undefined;
    const wish = checkWish({ role, organizationId, override: overrideOf(admin.form) });
    await assignments.requireGivable(callerOf(giver), wish);
    return (userId: string) => assignments.assign(callerOf(giver), userId, wish);
  };

  const add = async (admin: AdminPage): Promise<void> => {
    const { id } = await find(admin);
    const who = textOf(admin.form, 'person');
    if (who === undefined) throw shared.invalid_request({ errors: [{ path: '/person', message: 'is required' }] });
    const give = await giftOf(admin, id);
    const userId = isUuid(who) ? who : ((await deps.idOfLogin(who)) ?? nobody);
    await organizationMembers.add(callerOf(admin.caller), id, checkMember({ userId, override: overrideOf(admin.form) }));
    await give?.(userId);
  };

  shell.get(`${path}/add`, access, (admin) => showAdd(admin));
  shell.post(`${path}/add`, access, async (admin) => {
    try {
      await add(admin);
      admin.receipt(`${base}/${admin.params.organization}`, 'member_added');
    } catch (error) {
      await showAdd(admin, problemOf(error));
    }
  });

  const confirm = async (admin: AdminPage, problem?: Problem): Promise<void> => {
    const organization = await find(admin);
    const userId = admin.params.id ?? '';
    const { email } = organizationMemberView(await organizationMembers.get(callerOf(admin.caller), organization.id, userId));
    const reader = await admin.reach('role:read');
    const held = reader ? await assignments.inOrganization(callerOf(reader), organization.id, [userId]) : [];
    const back = `${base}/${organization.id}`;
    const facts = held.length > 0 ? [['admin.organizations.loses', held.map((row) => row.role_name).join(', ')]] : [];
    const values = { person: email ?? userId, organization: organization.name };
    const shown = { key: 'organization_member', values, facts, action: `${back}/members/${userId}/remove`, back };
    admin.show('confirm', { ...shown, problem }, problem?.status);
  };

  shell.get(`${path}/:id/remove`, access, (admin) => confirm(admin));
  shell.post(`${path}/:id/remove`, access, async (admin) => {
    try {
      await organizationMembers.remove(callerOf(admin.caller), admin.params.organization ?? '', admin.params.id ?? '');
      admin.receipt(`${base}/${admin.params.organization}`, 'member_removed');
    } catch (error) {
      await confirm(admin, problemOf(error));
    }
  });
};
