import { type AuthzServices, callerOf, TestBody } from '../../../authz/index.ts';
import { checkOf } from '../../../platform/http/index.ts';
import { jsonOf, textOf } from '../shell/forms.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { problemOf } from '../shell/problems.ts';

const path = '/admin/policies/:id/try';
const checkBody = checkOf(TestBody);

const caseOf = ({ form }: AdminPage) =>
  checkBody({
    subject: jsonOf(form, 'subject'),
    action: textOf(form, 'action'),
    resource: { type: textOf(form, 'type'), id: textOf(form, 'object'), attributes: jsonOf(form, 'attributes') },
    context: jsonOf(form, 'context'),
  });

/** Tries the newest version of a policy on a made-up question, without anybody's rights (FEATURES Z4). */
export const mountPolicyTester = (shell: AdminShell, policies: AuthzServices['policies']): void => {
  const show = async (admin: AdminPage, values: Record<string, unknown>, status?: number): Promise<void> => {
    const { view: policy } = await policies.get(callerOf(admin.caller), admin.params.id ?? '');
    const place = `/admin/policies/${policy.id}`;
    admin.show('policy-try', { policy, form: admin.form, action: `${place}/try`, back: place, ...values }, status);
  };

  shell.get(path, { permission: 'policy:read' }, (admin) => show(admin, {}));
  shell.post(path, { permission: 'policy:read' }, async (admin) => {
    try {
      const { action = '', resource, ...rest } = caseOf(admin);
      const given = { ...rest, action, resource: resource ?? { type: '' } };
      const [result] = (await policies.test(callerOf(admin.caller), admin.params.id ?? '', [given])).results;
      const failed = result?.failed ? JSON.stringify(result.failed, null, 2) : undefined;
      await show(admin, { result, failed });
    } catch (error) {
      const problem = problemOf(error);
      await show(admin, { problem }, problem.status);
    }
  });
};
