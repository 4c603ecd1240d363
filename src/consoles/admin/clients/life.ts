import { type Clients, managerOf } from '../../../oidc/index.ts';
import { errors } from '../../../platform/errors/index.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';

type Step = 'disable' | 'enable' | 'delete';

/** Disabling, enabling and removing, with what ends by it said before. */
export const mountClientLife = (shell: AdminShell, clients: Clients['admin']): void => {
  const confirm = async (admin: AdminPage, step: Step, problem?: Problem): Promise<void> => {
    const manager = managerOf(admin.caller);
    const { view } = await clients.get(admin.params.client ?? '', manager);
    const { people, tokens } = await clients.holdings(view.id, manager);
    const back = `/admin/clients/${encodeURIComponent(view.id)}`;
    const name = String(view.client_name ?? view.id);
    const facts = [
      ['admin.clients.people', String(people)],
      ['admin.clients.tokens', String(tokens)],
    ];
    const what = { key: `client_${step}`, values: { client: name }, facts: step === 'enable' ? [] : facts };
    const how = { action: `${back}/${step}`, back, kind: step === 'enable' ? 'primary' : 'danger' };
    // What cannot be undone is done by who has read what it is.
    admin.show('confirm', { ...what, ...how, ask: step === 'delete' ? name : undefined, problem }, problem?.status);
  };

  const act = async (admin: AdminPage, step: Step): Promise<void> => {
    const [id, manager] = [admin.params.client ?? '', managerOf(admin.caller)];
    if (step !== 'delete') return void (await clients.setDisabled(id, step === 'disable', manager));
    const { view } = await clients.get(id, manager);
    const isRead = admin.form.confirmation?.trim() === String(view.client_name ?? view.id);
    if (!isRead) throw errors.invalid_request({ errors: [{ path: '/confirmation', message: 'is not the name' }] });
    await clients.remove(id, manager);
  };

  for (const step of ['disable', 'enable', 'delete'] as const) {
    const path = `/admin/clients/:client/${step}`;
    const access = { permission: step === 'delete' ? 'client:delete' : 'client:update' } as const;
    shell.get(path, access, (admin) => confirm(admin, step));
    shell.post(path, access, async (admin) => {
      try {
        await act(admin, step);
        admin.receipt(
          step === 'delete' ? '/admin/clients' : `/admin/clients/${encodeURIComponent(admin.params.client ?? '')}`,
          `client_${step}d`,
        );
      } catch (error) {
        await confirm(admin, step, problemOf(error));
      }
    });
  }
};
