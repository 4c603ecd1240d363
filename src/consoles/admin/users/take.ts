import { type AuthzServices, callerOf } from '../../../authz/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';

export interface TakePageDeps {
  services: Pick<AuthzServices, 'assignments' | 'grants'>;
  find(admin: AdminPage): Promise<{ id: string; email: string | null }>;
}

interface Held {
  kind: 'assignment' | 'permission';
  id: string;
  name: string;
  reason: string | null;
}

/** Takes a role or a direct permission back, once it was said what that means. */
export const mountTakePage = (shell: AdminShell, { services, find }: TakePageDeps): void => {
  const { assignments, grants } = services;
  const path = '/admin/users/:id/take';

  const heldOf = async ({ caller, params: { id = '' } }: AdminPage, kind: Held['kind'], wanted: string | undefined) => {
    const named = async (): Promise<Held[]> => {
      if (kind === 'permission') {
        const direct = await grants.ofUser(callerOf(caller), id);
        return direct.map((row) => ({ kind, id: row.id, name: row.permission_name, reason: row.reason }));
      }
      const assigned = await assignments.ofUser(callerOf(caller), id);
      return assigned.map((row) => ({ kind, id: row.id, name: row.role_name, reason: row.reason }));
    };
    const held = (await named()).find((one) => one.id === wanted);
    if (!held) throw shared.not_found();
    return held;
  };

  const show = async (admin: AdminPage, held: Held, problem?: Problem): Promise<void> => {
    const user = await find(admin);
    const back = `/admin/users/${user.id}?tab=access`;
    const values = { name: held.name, person: user.email ?? user.id };
    const facts = held.reason === null ? [] : [['admin.reason', held.reason]];
    const action = `/admin/users/${user.id}/take/${held.kind}`;
    const hidden = { [held.kind]: held.id };
    admin.show('confirm', { key: `take_${held.kind}`, values, facts, action, hidden, back, problem }, problem?.status);
  };

  const take = (
    kind: Held['kind'],
    permission: 'role:assign' | 'permission:grant',
    run: (admin: AdminPage, held: Held) => Promise<void>,
  ): void => {
    shell.get(`${path}/${kind}`, { permission, person: 'id' }, async (admin) =>
      show(admin, await heldOf(admin, kind, admin.query[kind])),
    );
    shell.post(`${path}/${kind}`, { permission, person: 'id' }, async (admin) => {
      const held = await heldOf(admin, kind, admin.form[kind]);
      try {
        await run(admin, held);
        admin.receipt(`/admin/users/${admin.params.id}?tab=access`, 'taken');
      } catch (error) {
        await show(admin, held, problemOf(error));
      }
    });
  };
  take('assignment', 'role:assign', ({ caller, params }, { id }) =>
    assignments.unassign(callerOf(caller), params.id ?? '', id, undefined),
  );
  take('permission', 'permission:grant', ({ caller, params }, { id }) => grants.take(callerOf(caller), params.id ?? '', id));
};
