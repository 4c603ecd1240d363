import { type AuthzServices, callerOf, PolicyBody } from '../../../authz/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import { checkOf, decodeCursor, type PageContext, pageOfItems } from '../../../platform/http/index.ts';
import { jsonOf, linesOf, textOf } from '../shell/forms.ts';
import { readList } from '../shell/lists.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';
import { mountPolicyLife } from './life.ts';
import { mountPolicyTester } from './tester.ts';

export interface PolicyPageDeps {
  policies: AuthzServices['policies'];
}

const base = '/admin/policies';
const checkBody = checkOf(PolicyBody);
const pretty = (value: unknown): string => JSON.stringify(value, null, 2);

const listed = ({ form }: PageContext, name: string): string[] | undefined => {
  const lines = linesOf(form, name);
  return lines.length === 0 ? undefined : lines;
};

const bodyOf = (page: PageContext) => {
  const { form } = page;
  const priority = textOf(form, 'priority');
  return checkBody({
    name: textOf(form, 'name'),
    effect: form.effect,
    target: { actions: listed(page, 'actions'), resources: listed(page, 'resources') },
    condition: jsonOf(form, 'condition') ?? true,
    priority: priority === undefined ? undefined : Number(priority),
    tests: jsonOf(form, 'tests'),
    organizationId: textOf(form, 'organizationId'),
  });
};

/** FEATURES Z4: policies with their editor, cases, versions and life. */
export const mountPolicyPages = (shell: AdminShell, { policies }: PolicyPageDeps): void => {
  shell.get(base, { permission: 'policy:read' }, async (admin) => {
    const state = readList(admin, []);
    const rows = await policies.list(callerOf(admin.caller), state.limit + 1, decodeCursor(state.cursor, 'uuid')?.[0]);
    const { items, nextCursor } = pageOfItems(
      rows,
      state.limit,
      ({ id }) => [id],
      (view) => view,
    );
    admin.show('policies', { items, pager: state.pager(nextCursor), canCreate: await admin.may('policy:create') });
  });

  const showForm = (admin: AdminPage, values: Record<string, unknown>, problem?: Problem): void =>
    admin.show('policy-form', { form: admin.form, back: base, ...values, problem }, problem?.status);

  const blank = { effect: 'deny', priority: '0', condition: pretty({ '==': [{ var: 'resource.status' }, 'closed'] }) };
  const start = { action: `${base}/new` };
  shell.get(`${base}/new`, { permission: 'policy:create' }, async (admin) => showForm(admin, { ...start, form: blank }));
  shell.post(`${base}/new`, { permission: 'policy:create' }, async (admin) => {
    try {
      const { view } = await policies.create(callerOf(admin.caller), bodyOf(admin));
      admin.receipt(`${base}/${view.id}`, 'policy_drafted');
    } catch (error) {
      showForm(admin, start, problemOf(error));
    }
  });

  shell.get(`${base}/:id`, { permission: 'policy:read' }, async (admin) => {
    const [caller, { id = '' }] = [callerOf(admin.caller), admin.params];
    const { view: policy } = await policies.get(caller, id);
    const versions = await policies.versions(caller, id);
    const can = { update: await admin.may('policy:update'), activate: await admin.may('policy:activate') };
    const shown = { ...policy, condition: pretty(policy.condition) };
    const { results } = await policies.test(caller, id, undefined);
    admin.show('policy', { policy: shown, versions, results, can, base: `${base}/${id}` });
  });

  const editing = async (admin: AdminPage) => {
    const { view: policy, version } = await policies.get(callerOf(admin.caller), admin.params.id ?? '');
    const place = `${base}/${policy.id}`;
    return { policy, version, action: `${place}/edit`, back: place };
  };
  shell.get(`${base}/:id/edit`, { permission: 'policy:update' }, async (admin) => {
    const { policy, version, ...rest } = await editing(admin);
    const { actions = [], resources = [] } = policy.target;
    const texts = {
      priority: String(policy.priority),
      condition: pretty(policy.condition),
      tests: policy.tests.length > 0 ? pretty(policy.tests) : '',
    };
    const form = { ...policy, ...texts, actions: actions.join('\n'), resources: resources.join('\n'), version };
    showForm(admin, { ...rest, policy, form });
  });
  shell.post(`${base}/:id/edit`, { permission: 'policy:update' }, async (admin) => {
    const { id = '' } = admin.params;
    try {
      await policies.update(callerOf(admin.caller), id, bodyOf(admin), (version) => {
        if (String(version) !== admin.form.version) throw shared.precondition_failed();
      });
      admin.receipt(`${base}/${id}`, 'policy_drafted');
    } catch (error) {
      const problem = problemOf(error);
      const { policy, action, back } = await editing(admin);
      showForm(admin, { policy, action, back }, problem);
    }
  });

  mountPolicyTester(shell, policies);
  mountPolicyLife(shell, policies);
};
