/**
 * On which objects a subject may do something, as one condition over their attributes: for applications that filter lists in their own
 * database (FEATURES Z9). Read in three-valued logic, as SQL does: a row on which it is not true is not shown. It never shows what a
 * decision would refuse; where a condition cannot be computed it may hide what one would allow.
 */
import { and, not, or, requiredOf, residualOf } from '../policies/residual.ts';
import { type ActivePolicy, type PolicySet, policyData, type Question } from './decide.ts';
import type { View } from './lookup.ts';
import { isCurrent, type Rule, type Snapshot } from './snapshot.ts';

export interface FilterInput {
  snapshot: Snapshot;
  policies: PolicySet;
  /** What is known of all the objects stands in the attributes. */
  question: Question;
  view: View;
  /** Milliseconds since the epoch. */
  now: number;
}

// An object without the attribute is nobody's: that is an answer, not something unknown.
const at = (name: string): unknown => ({ var: [`resource.${name}`, ''] });
const is = (name: string, value: string): unknown => ({ '==': [at(name), value] });
const isOneOf = (name: string, values: Iterable<string>): unknown => {
  const list = [...values];
  return list.length === 0 ? false : { in: [at(name), list] };
};

const reach = ({ permission: { scope }, organizationId }: Rule, { id, groupIds, organizationIds }: Snapshot): unknown => {
  const within = {
    any: true,
    own: is('ownerId', id),
    group: isOneOf('groupId', groupIds),
    organization: isOneOf('organizationId', organizationIds),
  };
  return and([organizationId === null ? true : is('organizationId', organizationId), within[scope]]);
};

/** @returns `true` for all objects, `false` for none, else a condition in JSON Logic over `resource.*` */
export const filterOf = ({ snapshot, policies, question, view, now }: FilterInput): unknown => {
  if (!snapshot.isActive) return false;
  const { action, resource } = question;
  const known = new Set(['resource.type', ...Object.keys(resource.attributes ?? {}).map((name) => `resource.${name}`)]);
  const isOpen = (path: string): boolean =>
    path.startsWith('resource.') && ![...known].some((name) => path === name || path.startsWith(`${name}.`));
  const data = policyData(snapshot, question, now);
  const entry = snapshot.entry(resource.type, action);
  const anyOf = (rules: readonly Rule[]): unknown =>
    or(rules.filter((rule) => isCurrent(rule, now)).map((rule) => residualOf(reach(rule, snapshot), data, isOpen) ?? false));
  const holds = ({ condition, effect, organizationId }: ActivePolicy): unknown => {
    const place = organizationId === null ? true : (residualOf(is('organizationId', organizationId), data, isOpen) ?? false);
    const rest = residualOf(condition, data, isOpen) ?? effect === 'deny';
    const required = [...new Set(requiredOf(condition, isOpen))].map((path) => ({ var: path }));
    // AZ-07: without an attribute it needs an allow does not count, and a deny does.
    const computed =
      effect === 'deny'
        ? or([...required.map((name) => ({ '==': [name, null] })), rest])
        : and([...required.map((name) => ({ '!=': [name, null] })), rest]);
    return and([place, computed]);
  };
  let allowed = or([anyOf(entry.direct), anyOf(entry.byRole)]);
  // From the lowest to the highest: each settles what those below it left open.
  for (const policy of [...policies.matching(resource.type, action)].reverse()) {
    const condition = holds(policy);
    allowed = policy.effect === 'deny' ? and([not(condition), allowed]) : or([condition, allowed]);
  }
  const visible =
    view.scope === 'all' ? true : residualOf(or([is('organizationId', ''), isOneOf('organizationId', view.scope)]), data, isOpen);
  return and([not(anyOf(entry.denies)), allowed, visible ?? true]);
};
