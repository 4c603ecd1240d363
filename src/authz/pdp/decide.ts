/**
 * The decision (FEATURES Z3), a pure function of snapshot, policies, question and time: direct deny, policy deny, direct allow, role,
 * group or policy allow, default deny; among policies the highest priority decides, deny on ties.
 */
import type { ResourceReference } from '../../platform/ports.ts';
import { isCurrent, type Rule, type Snapshot } from './snapshot.ts';

export interface Question {
  action: string;
  /** Properties of the action (AuthZEN 1.0 §5.3). */
  actionProperties?: Record<string, unknown> | undefined;
  resource: ResourceReference;
  context?: Record<string, unknown> | undefined;
}

const has = (ids: ReadonlySet<string>, id: unknown): boolean => typeof id === 'string' && ids.has(id);

const reaches = (rule: Rule, { id, organizationIds, groupIds }: Snapshot, attributes: Record<string, unknown>): boolean => {
  if (rule.organizationId !== null && attributes.organizationId !== rule.organizationId) return false;
  switch (rule.permission.scope) {
    case 'any':
      return true;
    case 'organization':
      return has(organizationIds, attributes.organizationId);
    case 'group':
      return has(groupIds, attributes.groupId);
    case 'own':
      return attributes.ownerId === id;
  }
};

const none: Record<string, unknown> = {};

/** Whether the rule counts at this moment for this object. */
export const applies = (rule: Rule, snapshot: Snapshot, resource: ResourceReference, now: number): boolean =>
  isCurrent(rule, now) && reaches(rule, snapshot, resource.attributes ?? none);

/** A policy in force, compiled. */
export interface ActivePolicy {
  id: string;
  name: string;
  version: number;
  effect: 'allow' | 'deny';
  priority: number;
  /** The organization about whose objects it speaks; everything where `null`. */
  organizationId: string | null;
  condition: unknown;
  /** @throws when the condition cannot be computed: an attribute is missing or of the wrong type */
  holds(data: PolicyData): boolean;
}

/** What conditions may look at. */
export interface PolicyData {
  subject: Record<string, unknown>;
  resource: Record<string, unknown>;
  action: string;
  actionProperties: Record<string, unknown>;
  env: Record<string, unknown>;
}

export interface PolicySet {
  /** Those that speak of it, the highest priority first, deny before allow. */
  matching(resource: string, action: string): readonly ActivePolicy[];
  /** Actions that policies name for a resource. */
  actions(resource: string): readonly string[];
}

export type DecisionKind =
  | 'subject_inactive'
  | 'direct_deny'
  | 'policy_deny'
  | 'direct_allow'
  | 'role_allow'
  | 'policy_allow'
  | 'default_deny';

export interface Decision {
  allowed: boolean;
  kind: DecisionKind;
  rule?: Rule | undefined;
  policy?: ActivePolicy | undefined;
}

const inactive: Decision = { allowed: false, kind: 'subject_inactive' };
const byDefault: Decision = { allowed: false, kind: 'default_deny' };

/** @param now milliseconds since the epoch */
export const policyData = (
  snapshot: Snapshot,
  { action, actionProperties, resource, context }: Question,
  now: number,
): PolicyData => ({
  subject: { ...snapshot.attributes, roles: snapshot.roles.filter((role) => isCurrent(role, now)).map(({ name }) => name) },
  resource: { ...resource.attributes, type: resource.type, id: resource.id },
  action,
  actionProperties: actionProperties ?? none,
  env: { ...context, time: now / 1000 },
});

/** AZ-07: a condition that fails denies: an allow does not count, a deny does. */
export const policyApplies = (policy: ActivePolicy, question: Question, data: PolicyData): boolean => {
  if (policy.organizationId !== null && question.resource.attributes?.organizationId !== policy.organizationId) return false;
  try {
    return policy.holds(data);
  } catch {
    return policy.effect === 'deny';
  }
};

const decidingPolicy = (
  candidates: readonly ActivePolicy[],
  snapshot: Snapshot,
  question: Question,
  now: number,
): ActivePolicy | undefined => {
  if (candidates.length === 0) return undefined;
  const data = policyData(snapshot, question, now);
  return candidates.find((policy) => policyApplies(policy, question, data));
};

/** @param now milliseconds since the epoch */
export const decide = (snapshot: Snapshot, policies: PolicySet, question: Question, now: number): Decision => {
  if (!snapshot.isActive) return inactive;
  const { action, resource } = question;
  const entry = snapshot.entry(resource.type, action);
  const candidates = policies.matching(resource.type, action);
  if (entry.certain && candidates.length === 0) return entry.certain;
  const counts = (rule: Rule): boolean => applies(rule, snapshot, resource, now);
  const denied = entry.denies.find(counts);
  if (denied) return { allowed: false, kind: 'direct_deny', rule: denied };
  const policy = decidingPolicy(candidates, snapshot, question, now);
  if (policy?.effect === 'deny') return { allowed: false, kind: 'policy_deny', policy };
  const direct = entry.direct.find(counts);
  if (direct) return { allowed: true, kind: 'direct_allow', rule: direct };
  const role = entry.byRole.find(counts);
  if (role) return { allowed: true, kind: 'role_allow', rule: role };
  return policy ? { allowed: true, kind: 'policy_allow', policy } : byDefault;
};
