import { AssignmentBody, type AuthzServices, callerOf } from '../../../authz/index.ts';
import { isUuid } from '../../../platform/crypto/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import { checkOf } from '../../../platform/http/index.ts';
import { linesOf, overrideOf, textOf, timeOf } from '../shell/forms.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { nobody } from '../shell/people.ts';
import { type Problem, problemOf } from '../shell/problems.ts';

export interface RoleAssignmentDeps {
  services: Pick<AuthzServices, 'roles' | 'assignments'>;
  /** Whose login name it is. */
  idOfLogin(login: string): Promise<string | undefined>;
}

const checkBody = checkOf(AssignmentBody);
const maxPeople = 1000;

/** One role for many people, for good or for a time (FEATURES Z1, bulk). */
export const mountRoleAssignment = (shell: AdminShell, { services, idOfLogin }: RoleAssignmentDeps): void => {
  const { roles, assignments } = services;
  const path = '/admin/roles/:role/assign';
  const access = { permission: 'role:assign' } as const;

  const idsOf = async (people: readonly string[]): Promise<string[]> => {
    const isCounted = people.length > 0 && people.length <= maxPeople;
    if (!isCounted)
      throw shared.invalid_request({ errors: [{ path: '/people', message: `must name 1 to ${maxPeople} people` }] });
    const ids: string[] = [];
    for (const one of people) ids.push(isUuid(one) ? one : ((await idOfLogin(one)) ?? nobody));
    return ids;
  };

  const show = async (admin: AdminPage, problem?: Problem): Promise<void> => {
    const role = await roles.get(callerOf(admin.caller), admin.params.role ?? '');
    const place = `/admin/roles/${role.id}`;
    admin.show('role-assign', { role, form: admin.form, action: `${place}/assign`, back: place, problem }, problem?.status);
  };

  shell.get(path, access, (admin) => show(admin));
  shell.post(path, access, async (admin) => {
    const { form } = admin;
    try {
      const wish = checkBody({
        role: admin.params.role,
        organizationId: textOf(form, 'organizationId'),
        eligible: form.eligible === undefined ? undefined : true,
        startsAt: timeOf(form, 'startsAt'),
        expiresAt: timeOf(form, 'expiresAt'),
        reason: textOf(form, 'reason'),
        override: overrideOf(form),
      });
      await assignments.assignMany(callerOf(admin.caller), await idsOf(linesOf(form, 'people')), wish);
      admin.receipt(`/admin/roles/${admin.params.role}`, 'role_assigned');
    } catch (error) {
      await show(admin, problemOf(error));
    }
  });
};
