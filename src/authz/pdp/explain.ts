/** Why a decision came out as it did, and what would change it (FEATURES Z6). */
import { type Failure, failureOf } from '../policies/language.ts';
import { nameOf } from '../rbac/permission.ts';
import { type ActivePolicy, applies, policyApplies, policyData } from './decide.ts';
import { notBecause, type Remedy, type RemedyInput, remediesOf } from './remedies.ts';
import { isCurrent, type Rule } from './snapshot.ts';

export interface Reason {
  /** `direct`, `role`, `group`, `policy` or `default`. */
  kind: string;
  ref: string;
  effect: 'allow' | 'deny';
  /** Whether this is what decided. */
  decided: boolean;
  permission?: string;
  rolePath?: readonly string[];
  groupPath?: readonly string[];
  organizationId?: string;
  startsAt?: string;
  expiresAt?: string;
  /** Why it did not count. */
  because?: string;
  policy?: { name: string; version: number; priority: number };
  failed?: Failure;
}

const moment = (at: number): string | undefined => (Number.isFinite(at) && at > 0 ? new Date(at).toISOString() : undefined);

const ofRule = (rule: Rule, decided: boolean, because?: string): Reason => {
  const [startsAt, expiresAt] = [moment(rule.startsAt), moment(rule.expiresAt)];
  return {
    kind: rule.via.kind,
    ref: rule.via.ref,
    effect: rule.effect,
    decided,
    permission: nameOf(rule.permission),
    ...(rule.via.rolePath.length > 0 && { rolePath: rule.via.rolePath }),
    ...(rule.via.groupPath.length > 0 && { groupPath: rule.via.groupPath }),
    ...(rule.organizationId !== null && { organizationId: rule.organizationId }),
    ...(startsAt !== undefined && { startsAt }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(because !== undefined && { because }),
  };
};

export interface Explained {
  reasons: Reason[];
  wouldAllow: Remedy[];
}

const ofPolicy = (policy: ActivePolicy, { snapshot, question, decision, now }: RemedyInput): Reason => {
  const data = policyData(snapshot, question, now);
  const isApplied = policyApplies(policy, question, data);
  const failed = failureOf(policy.condition, data);
  const { id, name, version, priority, effect } = policy;
  return {
    kind: 'policy',
    ref: id,
    effect,
    decided: decision.policy === policy,
    policy: { name, version, priority },
    ...(!isApplied && { because: failed === undefined ? 'other_organization' : 'condition' }),
    ...(failed !== undefined && { failed }),
  };
};

export const explain = (input: RemedyInput): Explained => {
  const { snapshot, policies, question, decision, now } = input;
  const { denies, direct, byRole } = snapshot.entry(question.resource.type, question.action);
  const rules = [...denies, ...direct, ...byRole].map((rule) =>
    ofRule(rule, decision.rule === rule, applies(rule, snapshot, question.resource, now) ? undefined : notBecause(rule, now)),
  );
  const dormant = snapshot
    .eligibleFor(question.resource.type, question.action)
    .map((rule) => ofRule(rule, false, isCurrent(rule, now) ? 'eligible' : notBecause(rule, now)));
  const considered = policies.matching(question.resource.type, question.action).map((policy) => ofPolicy(policy, input));
  const reasons = [...rules, ...dormant, ...considered];
  if (!reasons.some(({ decided }) => decided))
    reasons.push({ kind: 'default', ref: decision.kind, effect: 'deny', decided: true });
  reasons.sort((a, b) => Number(b.decided) - Number(a.decided));
  return { reasons: reasons.slice(0, 100), wouldAllow: remediesOf(input, reasons).slice(0, 20) };
};
