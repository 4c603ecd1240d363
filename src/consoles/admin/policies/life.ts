import { type AuthzServices, callerOf } from '../../../authz/index.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';

/** Recorded decisions that the page decides anew. */
const replayed = 500;

/** Puts a policy in force, or takes it out: after showing what that would have changed (FEATURES Z4, dry run). */
export const mountPolicyLife = (shell: AdminShell, policies: AuthzServices['policies']): void => {
  const access = { permission: 'policy:activate' } as const;

  const show = async (admin: AdminPage, step: 'activate' | 'archive', problem?: Problem): Promise<void> => {
    const caller = callerOf(admin.caller);
    const { view: policy } = await policies.get(caller, admin.params.id ?? '');
    const dryRun = step === 'activate' ? await policies.dryRun(caller, policy.id, replayed) : undefined;
    const { results } = await policies.test(caller, policy.id, undefined);
    const place = `/admin/policies/${policy.id}`;
    admin.show(
      'policy-step',
      { step, policy, dryRun, results, action: `${place}/${step}`, back: place, problem },
      problem?.status,
    );
  };

  for (const step of ['activate', 'archive'] as const) {
    const path = `/admin/policies/:id/${step}`;
    shell.get(path, access, (admin) => show(admin, step));
    shell.post(path, access, async (admin) => {
      const { id = '' } = admin.params;
      try {
        await policies[step](callerOf(admin.caller), id);
        admin.receipt(`/admin/policies/${id}`, `policy_${step}d`);
      } catch (error) {
        await show(admin, step, problemOf(error));
      }
    });
  }
};
