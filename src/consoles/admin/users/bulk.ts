import { AssignmentBody, type AuthzServices, callerOf } from '../../../authz/index.ts';
import { type Directory, viewOfUserRecord } from '../../../identity/index.ts';
import { isUuid } from '../../../platform/crypto/index.ts';
import { checkOf } from '../../../platform/http/index.ts';
import { overrideOf, textOf, timeOf } from '../shell/forms.ts';
import { pageSize } from '../shell/lists.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';

export interface BulkPageDeps {
  directory: Pick<Directory, 'users' | 'lifecycle'>;
  services: Pick<AuthzServices, 'assignments'>;
}

type Step = 'deactivate' | 'assign';
interface Person {
  id: string;
  name: string;
}
/** Somebody with whom it was not done; words `admin.problem.<code>`. */
interface Failure extends Person {
  code: string;
  title: string;
}

const base = '/admin/users';
const checkAssignment = checkOf(AssignmentBody);

/** Boxes of the list, `person-<id>`: a form names each field once (RU-04). */
const chosenIn = ({ form }: AdminPage): string[] =>
  Object.keys(form)
    .filter((name) => name.startsWith('person-'))
    .map((name) => name.slice('person-'.length))
    .filter(isUuid)
    .slice(0, pageSize);

/** What is done with many people at once: chosen in the list, said on a page of its own, and only then done. */
export const mountBulkPages = (shell: AdminShell, { directory, services }: BulkPageDeps): void => {
  /** Whoever the caller may not see was not chosen (TN-01). */
  const peopleOf = async (admin: AdminPage): Promise<Person[]> => {
    const reader = await admin.reach('user:read');
    const ids = chosenIn(admin);
    if (!reader || ids.length === 0) return [];
    const found = await directory.users.list(callerOf(reader), { ids }, pageSize, undefined);
    return found.map(viewOfUserRecord).map(({ id, name, email }) => ({ id, name: email ?? name ?? id }));
  };

  const show = (
    admin: AdminPage,
    step: Step,
    people: readonly Person[],
    problem?: Problem,
    failed: readonly Failure[] = [],
  ): void => {
    const values = { step, people, failed, form: admin.form, action: `${base}/chosen/${step}`, back: base, problem };
    admin.show('users-chosen', values, problem?.status ?? (failed.length > 0 ? 409 : undefined));
  };

  /** Each by itself, as one by one: whose access cannot end does not keep the others in. @returns of whom it did not */
  const deactivate = async (admin: AdminPage, people: readonly Person[]): Promise<Failure[]> => {
    const { caller, form } = admin;
    const failed: Failure[] = [];
    for (const { id, name } of people) {
      // Nobody locks themselves out by choosing all.
      if (id === caller.principal.id) {
        failed.push({ id, name, code: 'oneself', title: 'This is your own account' });
        continue;
      }
      try {
        await directory.lifecycle.deactivate(id, callerOf(caller), textOf(form, 'reason'));
      } catch (error) {
        const { code, title } = problemOf(error);
        failed.push({ id, name, code, title });
      }
    }
    return failed;
  };

  const assign = async (admin: AdminPage, people: readonly Person[]): Promise<Failure[]> => {
    const { form } = admin;
    const wish = checkAssignment({
      role: textOf(form, 'role'),
      organizationId: textOf(form, 'organizationId'),
      startsAt: timeOf(form, 'startsAt'),
      expiresAt: timeOf(form, 'expiresAt'),
      reason: textOf(form, 'reason'),
      override: overrideOf(form),
    });
    const ids = people.map(({ id }) => id);
    await services.assignments.assignMany(callerOf(admin.caller), ids, wish);
    return [];
  };

  const mount = (step: Step, run: typeof assign, done: string): void => {
    const access = step === 'assign' ? { permission: 'role:assign' } : { permission: 'user:deactivate', everywhere: true };
    shell.post(`${base}/chosen/${step}`, access as Parameters<AdminShell['post']>[1], async (admin) => {
      const people = await peopleOf(admin);
      if (people.length === 0 || admin.form.sure === undefined) return show(admin, step, people);
      try {
        const failed = await run(admin, people);
        if (failed.length === 0) admin.receipt(base, done);
        else show(admin, step, failed, undefined, failed);
      } catch (error) {
        show(admin, step, people, problemOf(error));
      }
    });
  };
  mount('deactivate', deactivate, 'users_deactivated');
  mount('assign', assign, 'roles_assigned');
};
