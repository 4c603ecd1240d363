import type { AuditSink, Clock, InTransaction } from '../../platform/ports.ts';
import type { RiskLevel } from '../../risk/index.ts';
import { errors } from '../errors.ts';
import type { FactorPolicyRepository, FactorPolicyRow, PolicyScope, Requirement } from './repository.ts';

/** What a person holds that a policy may speak of. */
export interface Holdings {
  roles: readonly string[];
  /** Ids. */
  organizations: readonly string[];
}

export interface FactorPolicyDeps {
  policies: Pick<FactorPolicyRepository, 'all'>;
  /** All rules, which every sign-in asks for. @param load as they are stored */
  cached(load: () => Promise<FactorPolicyRow[]>): Promise<readonly FactorPolicyRow[]>;
  inTransaction: InTransaction<{ policies: FactorPolicyRepository; audit: AuditSink; policiesChanged(): Promise<void> }>;
  clock: Clock;
  holdingsOf(userId: string): Promise<Holdings>;
}

const strength: Record<Requirement, number> = { off: 0, optional: 1, required: 2, denied: 3 };

const height: Readonly<Record<string, number>> = { low: 0, medium: 1, high: 2 };
/** Of a rule's target; what is no level is never reached. */
const from = (target: string): number => height[target] ?? Number.POSITIVE_INFINITY;

/** A refusal is for risk only, and a rule for risk asks for a factor or refuses. */
const isRiskRule = ({ scope, target, requirement }: FactorPolicyRow): boolean => {
  if (scope !== 'risk') return requirement !== 'denied';
  return (target === 'medium' || target === 'high') && (requirement === 'required' || requirement === 'denied');
};

/**
 * A9: who needs a second factor. The site's rule is `optional` until somebody says otherwise; of all rules that speak of the person
 * or the client the strictest counts, and only the site's may be `off`. A rule for a risk counts from that level on.
 */
export const createFactorPolicy = ({ policies, cached, inTransaction, clock, holdingsOf }: FactorPolicyDeps) => {
  const personal = async (rules: readonly FactorPolicyRow[], userId: string): Promise<FactorPolicyRow[]> => {
    if (!rules.some(({ scope }) => scope === 'role' || scope === 'organization')) return [];
    const { roles, organizations } = await holdingsOf(userId);
    const held: Partial<Record<PolicyScope, readonly string[]>> = { role: roles, organization: organizations };
    return rules.filter(({ scope, target }) => held[scope]?.includes(target));
  };

  return {
    /** @param clients for which application, and for which other at the same time */
    requirementOf: async (
      userId: string,
      clients: string | readonly (string | undefined)[] | undefined,
      risk: RiskLevel = 'low',
    ): Promise<Requirement> => {
      const asking = [clients].flat();
      const rules = await cached(policies.all);
      const site = rules.find(({ scope }) => scope === 'site')?.requirement ?? 'optional';
      const client = rules.filter(({ scope, target }) => scope === 'client' && asking.includes(target));
      const risky = rules.filter(({ scope, target }) => scope === 'risk' && from(target) <= from(risk));
      const all = [...client, ...risky, ...(await personal(rules, userId))];
      return all.reduce<Requirement>(
        (most, { requirement }) => (strength[requirement] > strength[most] ? requirement : most),
        site,
      );
    },
    list: () => policies.all(),
    put: (policy: FactorPolicyRow, actorId: string): Promise<FactorPolicyRow> =>
      inTransaction(async ({ policies: rules, audit, policiesChanged }) => {
        if ((policy.scope === 'site') !== (policy.target === '')) throw errors.factor_policy_target();
        if (!isRiskRule(policy)) throw errors.factor_policy_risk();
        await rules.put(policy, clock.now());
        await policiesChanged();
        const { requirement } = policy;
        const target = { type: `mfa_policy_${policy.scope}`, id: policy.target };
        const actor = { type: 'user', id: actorId } as const;
        await audit.record({ type: 'mfa.policy_changed', outcome: 'success', actor, target, details: { requirement } });
        return policy;
      }),
    remove: (scope: PolicyScope, target: string, actorId: string): Promise<void> =>
      inTransaction(async ({ policies: rules, audit, policiesChanged }) => {
        if (!(await rules.remove(scope, target))) throw errors.factor_policy_not_found();
        await policiesChanged();
        const actor = { type: 'user', id: actorId } as const;
        const about = { type: `mfa_policy_${scope}`, id: target };
        const details = { requirement: 'none' };
        await audit.record({ type: 'mfa.policy_changed', outcome: 'success', actor, target: about, details });
      }),
  };
};

export type FactorPolicy = ReturnType<typeof createFactorPolicy>;
