import type { Knex } from 'knex';

export type Requirement = 'off' | 'optional' | 'required' | 'denied';
export type PolicyScope = 'site' | 'role' | 'client' | 'organization' | 'risk';

export interface FactorPolicyRow {
  scope: PolicyScope;
  target: string;
  requirement: Requirement;
}

export interface FactorPolicyRepository {
  all(): Promise<FactorPolicyRow[]>;
  put(policy: FactorPolicyRow, now: Date): Promise<void>;
  remove(scope: PolicyScope, target: string): Promise<boolean>;
}

export const createFactorPolicyRepository = (db: Knex): FactorPolicyRepository => ({
  all: () => db('mfa_policies').select('scope', 'target', 'requirement').orderBy(['scope', 'target']),
  put: async (policy, now) => {
    await db('mfa_policies')
      .insert({ ...policy, updated_at: now })
      .onConflict(['scope', 'target'])
      .merge(['requirement', 'updated_at']);
  },
  remove: async (scope, target) => (await db('mfa_policies').where({ scope, target }).delete()) === 1,
});
