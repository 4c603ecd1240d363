import { type Authz, CheckOne, type Explained } from '../../../authz/index.ts';
import { checkOf } from '../../../platform/http/index.ts';
import { jsonOf, textOf } from '../shell/forms.ts';
import type { AdminPage, AdminShell } from '../shell/page.ts';
import { type Problem, problemOf } from '../shell/problems.ts';

export interface DecisionPageDeps {
  check: Authz['check'];
}

const checkBody = checkOf(CheckOne);

/** The question is the address, so that it can be sent to somebody. */
const questionOf = ({ query }: AdminPage) =>
  checkBody({
    subject: { id: textOf(query, 'subject'), type: query.kind === 'client' ? 'client' : 'user' },
    action: textOf(query, 'action'),
    resource: { type: textOf(query, 'type'), id: textOf(query, 'object'), attributes: jsonOf(query, 'attributes') },
    context: jsonOf(query, 'context'),
    explain: true,
  });

/** What a remedy speaks of, by the name that the reasons give it. */
const nameIn = (reasons: Explained['reasons'], ref: string): string => {
  const reason = reasons.find((one) => ref.startsWith(one.ref));
  const name = reason?.policy?.name ?? reason?.rolePath?.[0];
  return reason && name !== undefined ? `${name}${ref.slice(reason.ref.length)}` : ref;
};

/** Why can, or why can't, somebody do something (FEATURES Z6). */
export const mountDecisionPages = (shell: AdminShell, { check }: DecisionPageDeps): void =>
  shell.get('/admin/decisions', { permission: 'authz:check' }, async (admin) => {
    const { query } = admin;
    const show = (values: Record<string, unknown>, problem?: Problem): void =>
      admin.show('decisions', { form: query, ...values, problem }, problem?.status);
    if (query.subject === undefined || query.action === undefined) return show({});
    try {
      const { allowed, decision, explained } = await check(admin.caller.principal, questionOf(admin));
      const { reasons = [], wouldAllow = [] } = explained ?? {};
      const deciding = reasons.filter(({ decided }) => decided);
      const considered = reasons.filter(({ decided }) => !decided);
      const remedies = wouldAllow.map(({ value, ref, ...remedy }) => ({
        ...remedy,
        ref: nameIn(reasons, ref),
        value: value === undefined ? undefined : JSON.stringify(value),
      }));
      show({ asked: true, allowed, kind: decision.kind, deciding, considered, remedies });
    } catch (error) {
      show({}, problemOf(error));
    }
  });
