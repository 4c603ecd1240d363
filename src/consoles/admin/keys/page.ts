import type { Keys, KeyView } from '../../../oidc/index.ts';
import { errors } from '../../../platform/errors/index.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';

export interface KeyPageDeps {
  keys: Pick<Keys, 'list' | 'rotate' | 'retire' | 'withdraw'>;
}

const base = '/admin/keys';
const order: readonly string[] = ['active', 'next', 'retired', 'withdrawn'];

/** FEATURES P6: the keys that tokens are signed with, and what can be done about them. Private parts have no way out. */
export const mountKeyPages = (shell: AdminShell, { keys }: KeyPageDeps): void => {
  const actorOf = ({ caller: { principal } }: AdminPage) => ({ type: principal.type, id: principal.id });
  const sorted = async (): Promise<KeyView[]> =>
    (await keys.list()).sort((a, b) => a.alg.localeCompare(b.alg) || order.indexOf(a.state) - order.indexOf(b.state));

  shell.get(base, { permission: 'key:read', everywhere: true }, async (admin) => {
    const [rotate, withdraw] = [await admin.may('key:rotate', true), await admin.may('key:withdraw', true)];
    admin.show('keys', { items: await sorted(), can: { rotate, withdraw } });
  });

  const rotation = async (admin: AdminPage, problem?: Problem): Promise<void> => {
    const alg = admin.query.alg ?? admin.form.alg ?? '';
    const rows = (await sorted()).filter((key) => alg === '' || key.alg === alg);
    const facts = rows
      .filter(({ state }) => state === 'active')
      .map(({ alg: name, kid }) => ['admin.keys.active_of', kid, { alg: name }]);
    const what = { key: alg === '' ? 'key_rotate_all' : 'key_rotate', values: { alg }, facts, hidden: alg === '' ? {} : { alg } };
    admin.show('confirm', { ...what, kind: 'primary', action: `${base}/rotate`, back: base, problem }, problem?.status);
  };
  shell.get(`${base}/rotate`, { permission: 'key:rotate', everywhere: true }, (admin) => rotation(admin));
  shell.post(`${base}/rotate`, { permission: 'key:rotate', everywhere: true }, async (admin) => {
    try {
      await keys.rotate(admin.form.alg === '' ? undefined : admin.form.alg, actorOf(admin));
      admin.receipt(base, 'keys_rotated');
    } catch (error) {
      await rotation(admin, problemOf(error));
    }
  });

  const confirm = async (admin: AdminPage, step: 'retire' | 'withdraw', problem?: Problem): Promise<void> => {
    const key = (await keys.list()).find(({ kid }) => kid === admin.params.kid);
    if (!key) throw errors.not_found();
    const facts = [
      ['admin.keys.kid', key.kid],
      ['admin.keys.alg', key.alg],
    ];
    const what = { key: `key_${step}`, values: { alg: key.alg }, facts, ask: step === 'withdraw' ? key.alg : undefined };
    admin.show('confirm', { ...what, action: `${base}/${key.kid}/${step}`, back: base, problem }, problem?.status);
  };
  const act = async (admin: AdminPage, step: 'retire' | 'withdraw'): Promise<void> => {
    const kid = admin.params.kid ?? '';
    if (step === 'retire') return keys.retire(kid, actorOf(admin));
    const key = (await keys.list()).find((one) => one.kid === kid);
    if (key && admin.form.confirmation?.trim() !== key.alg) {
      throw errors.invalid_request({ errors: [{ path: '/confirmation', message: 'is not the name' }] });
    }
    await keys.withdraw(kid, actorOf(admin));
  };
  for (const [step, permission] of [
    ['retire', 'key:rotate'],
    ['withdraw', 'key:withdraw'],
  ] as const) {
    const path = `${base}/:kid/${step}`;
    shell.get(path, { permission, everywhere: true }, (admin) => confirm(admin, step));
    shell.post(path, { permission, everywhere: true }, async (admin) => {
      try {
        await act(admin, step);
        admin.receipt(base, `key_${step}`);
      } catch (error) {
        await confirm(admin, step, problemOf(error));
      }
    });
  }
};
