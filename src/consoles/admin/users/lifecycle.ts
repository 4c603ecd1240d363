import { callerOf } from '../../../authz/index.ts';
import type { Directory } from '../../../identity/index.ts';
import { textOf } from '../shell/forms.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';

export interface LifecyclePageDeps {
  lifecycle: Directory['lifecycle'];
  find(admin: AdminPage): Promise<{ id: string; email: string | null; name: string | null }>;
}

/** The end of an account's access, and its return (FEATURES I7). */
export const mountLifecyclePages = (shell: AdminShell, { lifecycle, find }: LifecyclePageDeps): void => {
  const access = { permission: 'user:deactivate', everywhere: true, person: 'id' } as const;

  const show = async (admin: AdminPage, step: 'deactivate' | 'reactivate', problem?: Problem): Promise<void> => {
    const user = await find(admin);
    const back = `/admin/users/${user.id}`;
    const shown = { key: `user_${step}`, values: { person: user.email ?? user.name ?? user.id }, asksReason: true };
    const kind = step === 'reactivate' ? 'primary' : 'danger';
    admin.show('confirm', { ...shown, kind, action: `${back}/${step}`, back, problem }, problem?.status);
  };

  for (const step of ['deactivate', 'reactivate'] as const) {
    const path = `/admin/users/:id/${step}`;
    shell.get(path, access, (admin) => show(admin, step));
    shell.post(path, access, async (admin) => {
      const { id = '' } = admin.params;
      try {
        await lifecycle[step](id, callerOf(admin.caller), textOf(admin.form, 'reason'));
        admin.receipt(`/admin/users/${id}`, `user_${step}d`);
      } catch (error) {
        await show(admin, step, problemOf(error));
      }
    });
  }
};
