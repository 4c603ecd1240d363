/** Why a decision came out as it did, and what would change it (FEATURES Z6). */
import { type Failure, failureOf } from '../policies/language.ts';
import { nameOf } from '../rbac/permission.ts';
import { type ActivePolicy, applies, type Decision, type PolicySet, policyApplies, policyData, type Question } from './decide.ts';
import { isCurrent, type Rule, type Snapshot } from './snapshot.ts';

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

export interface Remedy {
  kind: 'role' | 'permission' | 'attribute' | 'remove' | 'condition' | 'activate';
  ref: string;
  value?: unknown;
}

const moment = (at: number): string | undefined => (Number.isFinite(at) && at > 0 ? new Date(at).toISOString() : undefined);

const notBecause = (rule: Rule, now: number): string => {
  if (now < rule.startsAt) return 'not_started';
  if (now >= rule.expiresAt) return 'expired';
  const { scope } = rule.permission;
  if (rule.organizationId !== null || scope === 'organization') return 'other_organization';
  return scope === 'own' ? 'not_owner' : 'other_group';
};

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

export interface ExplainInput {
  snapshot: Snapshot;
  policies: PolicySet;
  question: Question;
  decision: Decision;
  /** Milliseconds since the epoch. */
  now: number;
}

const ofPolicy = (policy: ActivePolicy, { snapshot, question, decision, now }: ExplainInput): Reason => {
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

const attributeOf: Record<string, (snapshot: Snapshot, rule: Rule) => Remedy | undefined> = {
  not_owner: ({ id }) => ({ kind: 'attribute', ref: 'resource.ownerId', value: id }),
  other_group: ({ groupIds }) => ({ kind: 'attribute', ref: 'resource.groupId', value: [...groupIds] }),
  other_organization: ({ organizationIds }, { organizationId }) => ({
    kind: 'attribute',
    ref: 'resource.organizationId',
    value: organizationId === null ? [...organizationIds] : [organizationId],
  }),
  not_started: (_snapshot, { startsAt }) => ({ kind: 'attribute', ref: 'env.time', value: startsAt / 1000 }),
};

const remediesOf = (input: ExplainInput, reasons: readonly Reason[]): Remedy[] => {
  const { snapshot, question, decision, now } = input;
  if (decision.allowed) return [];
  if (decision.kind === 'subject_inactive') return [{ kind: 'activate', ref: snapshot.id }];
  if (decision.rule) return [{ kind: 'remove', ref: decision.rule.via.ref }];
  const byPolicy = reasons.flatMap((reason): Remedy[] =>
    reason.kind === 'policy' && reason.failed && (reason.effect === 'allow' || reason.decided)
      ? [{ kind: 'condition', ref: `${reason.ref}${reason.failed.path}`, value: reason.failed.expression }]
      : [],
  );
  if (decision.policy) return [{ kind: 'remove', ref: decision.policy.id }, ...byPolicy];
  const { direct, byRole } = snapshot.entry(question.resource.type, question.action);
  const nearly = [...direct, ...byRole].flatMap((rule) => attributeOf[notBecause(rule, now)]?.(snapshot, rule) ?? []);
  const activations = reasons
    .filter(({ because }) => because === 'eligible')
    .map(({ ref }): Remedy => ({ kind: 'activate', ref }));
  const missing: Remedy = { kind: 'permission', ref: `${question.resource.type}:${question.action}:any` };
  return [...activations, ...nearly, ...byPolicy, missing];
};

export const explain = (input: ExplainInput): Explained => {
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
