import { type AuthzServices, callerOf, GroupRoleBody } from '../../../authz/index.ts';
import { type Directory, GroupMemberBody } from '../../../identity/index.ts';
import { isUuid } from '../../../platform/crypto/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import { checkOf } from '../../../platform/http/index.ts';
import { overrideOf, textOf } from '../shell/forms.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { nobody } from '../shell/people.ts';
import { type Problem, problemOf } from '../shell/problems.ts';

export interface GroupGivingDeps {
  directory: Pick<Directory, 'groups' | 'members'>;
  grants: AuthzServices['grants'];
  /** Whose login name it is. */
  idOfLogin(login: string): Promise<string | undefined>;
}

const base = '/admin/groups';
const checkMember = checkOf(GroupMemberBody);
const checkRole = checkOf(GroupRoleBody);

/** People into a group and out of it, roles to it and from it: each gives or takes what the group holds (AZ-04). */
export const mountGroupGiving = (shell: AdminShell, { directory, grants, idOfLogin }: GroupGivingDeps): void => {
  const { groups, members } = directory;
  const find = ({ caller, params }: AdminPage) => groups.get(callerOf(caller), params.group ?? '');
  const place = ({ params }: AdminPage): string => `${base}/${params.group}`;

  const show = async (admin: AdminPage, what: 'add' | 'give', problem?: Problem): Promise<void> => {
    const group = await find(admin);
    const back = `${base}/${group.id}`;
    admin.show('group-give', { what, group, form: admin.form, action: `${back}/${what}`, back, problem }, problem?.status);
  };

  shell.get(`${base}/:group/add`, { permission: 'group:assign' }, (admin) => show(admin, 'add'));
  shell.post(`${base}/:group/add`, { permission: 'group:assign' }, async (admin) => {
    try {
      const who = textOf(admin.form, 'person') ?? '';
      const userId = isUuid(who) ? who : ((await idOfLogin(who)) ?? nobody);
      const wish = checkMember({ userId, role: textOf(admin.form, 'role'), override: overrideOf(admin.form) });
      await members.add(callerOf(admin.caller), admin.params.group ?? '', wish);
      admin.receipt(place(admin), 'member_added');
    } catch (error) {
      await show(admin, 'add', problemOf(error));
    }
  });

  shell.get(`${base}/:group/give`, { permission: 'role:assign' }, (admin) => show(admin, 'give'));
  shell.post(`${base}/:group/give`, { permission: 'role:assign' }, async (admin) => {
    try {
      const wish = checkRole({ role: textOf(admin.form, 'role'), override: overrideOf(admin.form) });
      await grants.giveGroup(callerOf(admin.caller), admin.params.group ?? '', wish);
      admin.receipt(place(admin), 'role_given');
    } catch (error) {
      await show(admin, 'give', problemOf(error));
    }
  });

  const confirm = async (admin: AdminPage, kind: 'member' | 'role', id: string, problem?: Problem): Promise<void> => {
    const group = await find(admin);
    const back = `${base}/${group.id}`;
    const values = { group: group.name, name: admin.query.name ?? id };
    const shown = { key: `group_${kind}`, values, action: `${back}/take/${kind}`, hidden: { [kind]: id }, back };
    admin.show('confirm', { ...shown, problem }, problem?.status);
  };
  const mountTake = (
    kind: 'member' | 'role',
    permission: 'group:assign' | 'role:assign',
    run: (admin: AdminPage, id: string) => Promise<void>,
  ): void => {
    const path = `${base}/:group/take/${kind}`;
    const idOf = (given: Record<string, string>): string => {
      const id = given[kind] ?? '';
      if (!isUuid(id)) throw shared.not_found();
      return id;
    };
    shell.get(path, { permission }, (admin) => confirm(admin, kind, idOf(admin.query)));
    shell.post(path, { permission }, async (admin) => {
      const id = idOf(admin.form);
      try {
        await run(admin, id);
        admin.receipt(place(admin), 'taken');
      } catch (error) {
        await confirm(admin, kind, id, problemOf(error));
      }
    });
  };
  mountTake('member', 'group:assign', ({ caller, params }, id) => members.remove(callerOf(caller), params.group ?? '', id));
  mountTake('role', 'role:assign', ({ caller, params }, id) => grants.takeGroup(callerOf(caller), params.group ?? '', id));
};
