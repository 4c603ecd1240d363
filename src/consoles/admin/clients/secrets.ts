import { type Clients, managerOf, SecretBody } from '../../../oidc/index.ts';
import { checkOf } from '../../../platform/http/index.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';

const checkBody = checkOf(SecretBody);
/** For how long the secret before stays good, in seconds. */
const overlaps = [0, 3600, 86_400, 604_800];

/** A new secret beside the old one, shown once; and the end of one before its time. */
export const mountSecretPages = (shell: AdminShell, clients: Clients['admin']): void => {
  const access = { permission: 'client:update' } as const;
  const placeOf = ({ params }: AdminPage): string => `/admin/clients/${encodeURIComponent(params.client ?? '')}`;

  const ask = async (admin: AdminPage, problem?: Problem): Promise<void> => {
    const { view } = await clients.get(admin.params.client ?? '', managerOf(admin.caller));
    const back = placeOf(admin);
    admin.show(
      'client-rotate',
      { client: view, overlaps, form: admin.form, action: `${back}/secrets`, back, problem },
      problem?.status,
    );
  };
  shell.get('/admin/clients/:client/secrets', access, (admin) => ask(admin));
  shell.post('/admin/clients/:client/secrets', access, async (admin) => {
    const id = admin.params.client ?? '';
    const manager = managerOf(admin.caller);
    try {
      const { expiresInSeconds } = checkBody({ expiresInSeconds: Number(admin.form.overlap) });
      const { client_secret: secret } = await clients.rotateSecret(id, expiresInSeconds, manager);
      const { view } = await clients.get(id, manager);
      admin.show('client-secret', { client: view, secret, back: placeOf(admin) });
    } catch (error) {
      await ask(admin, problemOf(error));
    }
  });

  const confirm = async (admin: AdminPage, problem?: Problem): Promise<void> => {
    const { view } = await clients.get(admin.params.client ?? '', managerOf(admin.caller));
    const back = placeOf(admin);
    const action = `${back}/secrets/${admin.params.secret}/remove`;
    admin.show(
      'confirm',
      { key: 'secret_remove', values: { client: view.client_name ?? view.id }, facts: [], action, back, problem },
      problem?.status,
    );
  };
  shell.get('/admin/clients/:client/secrets/:secret/remove', access, (admin) => confirm(admin));
  shell.post('/admin/clients/:client/secrets/:secret/remove', access, async (admin) => {
    try {
      await clients.removeSecret(admin.params.client ?? '', admin.params.secret ?? '', managerOf(admin.caller));
      admin.receipt(placeOf(admin), 'secret_removed');
    } catch (error) {
      await confirm(admin, problemOf(error));
    }
  });
};
