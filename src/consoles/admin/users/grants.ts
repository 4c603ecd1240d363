import { AssignmentBody, type AuthzServices, callerOf, UserPermissionBody } from '../../../authz/index.ts';
import { checkOf } from '../../../platform/http/index.ts';
import { overrideOf, textOf, timeOf } from '../shell/forms.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';

export interface GrantPageDeps {
  services: Pick<AuthzServices, 'assignments' | 'grants'>;
  find(admin: AdminPage): Promise<{ id: string }>;
}

const checkAssignment = checkOf(AssignmentBody);
const checkPermission = checkOf(UserPermissionBody);

const spanOf = ({ form }: AdminPage) => ({
  startsAt: timeOf(form, 'startsAt'),
  expiresAt: timeOf(form, 'expiresAt'),
  reason: textOf(form, 'reason'),
  override: overrideOf(form),
});

/** A role for one person; one thing allowed or denied directly, over all roles (FEATURES Z3). */
export const mountGrantPages = (shell: AdminShell, { services, find }: GrantPageDeps): void => {
  const place = ({ params }: AdminPage): string => `/admin/users/${params.id}?tab=access`;
  const show = async (admin: AdminPage, what: string, form: Record<string, unknown>, problem?: Problem): Promise<void> => {
    const user = await find(admin);
    const action = `/admin/users/${user.id}/${what === 'direct' ? 'permission' : 'assign'}`;
    const back = place(admin);
    admin.show('user-grant', { what, user, form, action, back, problem }, problem?.status);
  };

  const assign = { permission: 'role:assign', person: 'id' } as const;
  shell.get('/admin/users/:id/assign', assign, (admin) =>
    show(admin, 'assign', { role: admin.query.role, organizationId: admin.query.organizationId }),
  );
  shell.post('/admin/users/:id/assign', assign, async (admin) => {
    const { form } = admin;
    try {
      const organizationId = textOf(form, 'organizationId');
      const eligible = form.eligible === undefined ? undefined : true;
      const wish = checkAssignment({ role: textOf(form, 'role'), organizationId, eligible, ...spanOf(admin) });
      await services.assignments.assign(callerOf(admin.caller), admin.params.id ?? '', wish);
      admin.receipt(place(admin), 'role_assigned');
    } catch (error) {
      await show(admin, 'assign', form, problemOf(error));
    }
  });

  const grant = { permission: 'permission:grant', person: 'id' } as const;
  shell.get('/admin/users/:id/permission', grant, (admin) => show(admin, 'direct', { permission: admin.query.permission }));
  shell.post('/admin/users/:id/permission', grant, async (admin) => {
    const { form } = admin;
    try {
      const wish = checkPermission({ permission: textOf(form, 'permission'), effect: form.effect, ...spanOf(admin) });
      await services.grants.give(callerOf(admin.caller), admin.params.id ?? '', wish);
      admin.receipt(place(admin), 'permission_granted');
    } catch (error) {
      await show(admin, 'direct', form, problemOf(error));
    }
  });
};
