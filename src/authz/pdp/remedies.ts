/** What would allow it (FEATURES Z6): each proposal is tried out on the decision itself, so that none is told as enough that is not. */
import type { Failure } from '../policies/language.ts';
import { type Decision, decide, type PolicySet, type Question } from './decide.ts';
import { isCurrent, type Rule, type Snapshot } from './snapshot.ts';

export interface Remedy {
  kind: 'role' | 'permission' | 'attribute' | 'remove' | 'condition' | 'activate' | 'renew';
  /** What is to be given, changed, taken away, activated or renewed. */
  ref: string;
  value?: unknown;
  /** Whether this alone allows it; absent where that depends on who does it how. */
  sufficient?: boolean;
}

export interface RemedyInput {
  snapshot: Snapshot;
  policies: PolicySet;
  question: Question;
  decision: Decision;
  /** Milliseconds since the epoch. */
  now: number;
}

/** Of a reason what proposals go by. */
interface Considered {
  kind: string;
  ref: string;
  effect: 'allow' | 'deny';
  decided: boolean;
  failed?: Failure;
}

/** Why a rule did not count. */
export const notBecause = (rule: Rule, now: number): string => {
  if (now < rule.startsAt) return 'not_started';
  if (now >= rule.expiresAt) return 'expired';
  const { scope } = rule.permission;
  if (rule.organizationId !== null || scope === 'organization') return 'other_organization';
  return scope === 'own' ? 'not_owner' : 'other_group';
};

type Entries = ReturnType<Snapshot['entry']>;

/** The subject with other rules about the question's resource and action. */
const withEntry = ({ snapshot, question }: RemedyInput, change: (entry: Entries) => Partial<Entries>): Snapshot => {
  const entry = snapshot.entry(question.resource.type, question.action);
  const changed = { ...entry, certain: undefined, ...change(entry) };
  return { ...snapshot, entry: () => changed };
};

const allows = (input: RemedyInput, change: Partial<RemedyInput>): boolean => {
  const { snapshot, policies, question, now } = { ...input, ...change };
  return decide(snapshot, policies, question, now).allowed;
};

const withAttribute = (question: Question, name: string, value: unknown): Question => ({
  ...question,
  resource: { ...question.resource, attributes: { ...question.resource.attributes, [name]: value } },
});

const attribute = (input: RemedyInput, name: string, values: readonly string[]): Remedy[] => {
  const [first] = values;
  if (first === undefined) return [];
  const sufficient = allows(input, { question: withAttribute(input.question, name, first) });
  return [{ kind: 'attribute', ref: `resource.${name}`, value: values.length === 1 ? first : values, sufficient }];
};

const renewed = (input: RemedyInput, rule: Rule): Snapshot =>
  withEntry(input, ({ direct, byRole }) => {
    const fresh = { ...rule, startsAt: 0, expiresAt: Number.POSITIVE_INFINITY };
    return rule.via.kind === 'direct' ? { direct: [...direct, fresh] } : { byRole: [...byRole, fresh] };
  });

/** What this rule lacks. */
const forRule = (input: RemedyInput, rule: Rule): Remedy[] => {
  const { snapshot, now } = input;
  switch (notBecause(rule, now)) {
    case 'not_started':
      return [
        { kind: 'attribute', ref: 'env.time', value: rule.startsAt / 1000, sufficient: allows(input, { now: rule.startsAt }) },
      ];
    case 'expired':
      return [{ kind: 'renew', ref: rule.via.ref, sufficient: allows(input, { snapshot: renewed(input, rule) }) }];
    case 'not_owner':
      return attribute(input, 'ownerId', [snapshot.id]);
    case 'other_group':
      return attribute(input, 'groupId', [...snapshot.groupIds]);
    default:
      return attribute(
        input,
        'organizationId',
        rule.organizationId === null ? [...snapshot.organizationIds] : [rule.organizationId],
      );
  }
};

const withoutRule = (input: RemedyInput, rule: Rule): Remedy => ({
  kind: 'remove',
  ref: rule.via.ref,
  sufficient: allows(input, {
    snapshot: withEntry(input, ({ denies }) => ({ denies: denies.filter((other) => other !== rule) })),
  }),
});

const withoutPolicy = (input: RemedyInput, id: string): Remedy => {
  const { policies } = input;
  const others: PolicySet = {
    ...policies,
    matching: (resource, action) => policies.matching(resource, action).filter((policy) => policy.id !== id),
  };
  return { kind: 'remove', ref: id, sufficient: allows(input, { policies: others }) };
};

/** Parts of conditions that would have to hold, or not to. */
const conditionsOf = ({ decision }: RemedyInput, reasons: readonly Considered[]): Remedy[] => {
  const { policy } = decision;
  const failed = reasons.flatMap((reason): Remedy[] =>
    reason.kind === 'policy' && reason.failed && (reason.effect === 'allow' || reason.decided)
      ? [{ kind: 'condition', ref: `${reason.ref}${reason.failed.path}`, value: reason.failed.expression }]
      : [],
  );
  const held = policy && !reasons.some(({ decided, failed: failure }) => decided && failure);
  return held ? [{ kind: 'condition', ref: policy.id, value: { '!': [policy.condition] } }, ...failed] : failed;
};

const eligibleOf = (input: RemedyInput): Remedy[] => {
  const { snapshot, question, now } = input;
  return snapshot
    .eligibleFor(question.resource.type, question.action)
    .filter((rule) => isCurrent(rule, now))
    .map((rule) => ({
      kind: 'activate',
      ref: rule.via.ref,
      sufficient: allows(input, { snapshot: withEntry(input, ({ byRole }) => ({ byRole: [...byRole, rule] })) }),
    }));
};

const once = (remedies: readonly Remedy[]): Remedy[] => [
  ...new Map(remedies.map((remedy) => [JSON.stringify([remedy.kind, remedy.ref, remedy.value]), remedy])).values(),
];

/** @param reasons those of the same decision */
export const remediesOf = (input: RemedyInput, reasons: readonly Considered[]): Remedy[] => {
  const { snapshot, question, decision } = input;
  if (decision.allowed) return [];
  if (decision.kind === 'subject_inactive') return [{ kind: 'activate', ref: snapshot.id }];
  if (decision.rule) return [withoutRule(input, decision.rule)];
  const byPolicy = conditionsOf(input, reasons);
  if (decision.policy) return [withoutPolicy(input, decision.policy.id), ...byPolicy];
  const { direct, byRole } = snapshot.entry(question.resource.type, question.action);
  const nearly = [...direct, ...byRole].flatMap((rule) => forRule(input, rule));
  const missing = `${question.resource.type}:${question.action}:any`;
  return once([...eligibleOf(input), ...nearly, ...byPolicy, { kind: 'permission', ref: missing, sufficient: true }]);
};
