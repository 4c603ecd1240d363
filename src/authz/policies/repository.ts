import type { Knex } from 'knex';
import { isUniqueViolation } from '../../platform/db/index.ts';
import type { PolicyCase, PolicyTarget } from './schema.ts';

export interface PolicyContent {
  effect: 'allow' | 'deny';
  priority: number;
  target: PolicyTarget;
  condition: unknown;
  tests: PolicyCase[];
}

export interface PolicyRow {
  id: string;
  organization_id: string | null;
  name: string;
  active_version: number | null;
  version: number;
  created_at: Date;
  updated_at: Date;
}

export interface VersionRow extends PolicyContent {
  policy_id: string;
  number: number;
  state: 'draft' | 'active' | 'archived';
  created_by: string | null;
  created_at: Date;
  activated_at: Date | null;
}

export type ActiveRow = PolicyContent & { id: string; name: string; number: number; organization_id: string | null };

export interface RecordedDecision {
  occurred_at: Date;
  subject_id: string | null;
  target_id: string | null;
  details: {
    action: string;
    resource: string;
    allowed: boolean;
    request?: Partial<Record<'attributes' | 'context' | 'actionProperties', Record<string, unknown>>>;
  };
}

export interface PolicyRepository {
  find(id: string): Promise<PolicyRow | undefined>;
  lock(id: string): Promise<PolicyRow | undefined>;
  list(limit: number, after: string | undefined): Promise<PolicyRow[]>;
  /** False when the name is taken. */
  insert(row: PolicyRow): Promise<boolean>;
  update(id: string, change: { active_version: number | null; updated_at: Date }): Promise<void>;
  /** False when the name is taken; the transaction is then lost. */
  rename(id: string, name: string, now: Date): Promise<boolean>;
  /** The newest first. */
  versions(policyId: string): Promise<VersionRow[]>;
  /** The newest of each. */
  newest(policyIds: readonly string[]): Promise<VersionRow[]>;
  insertVersion(row: VersionRow): Promise<void>;
  updateVersion(policyId: string, number: number, change: Partial<VersionRow>): Promise<void>;
  /** In force for everything, for the objects of one organization, or wherever. */
  active(organizationId: string | null | 'all'): Promise<ActiveRow[]>;
  /** Decisions of the log, the newest first. */
  decisions(limit: number): Promise<RecordedDecision[]>;
}

const json = ({ target, condition, tests, ...rest }: Partial<VersionRow>): Record<string, unknown> => ({
  ...rest,
  ...(target !== undefined && { target: JSON.stringify(target) }),
  ...(condition !== undefined && { condition: JSON.stringify(condition) }),
  ...(tests !== undefined && { tests: JSON.stringify(tests) }),
});

const update = async (trx: Knex, id: string, change: Partial<PolicyRow>): Promise<void> => {
  await trx('policies')
    .where({ id })
    .update({ ...change, version: trx.raw('version + 1') });
};

/** @param trx with its tenants set */
export const createPolicyRepository = (trx: Knex): PolicyRepository => ({
  find: (id) => trx('policies').where({ id }).first(),
  lock: (id) => trx('policies').where({ id }).forUpdate().first(),
  list: async (limit, after) => {
    const query = trx('policies').orderBy('id').limit(limit);
    if (after !== undefined) query.where('id', '>', after);
    return await query;
  },
  insert: async (row) => (await trx('policies').insert(row).onConflict().ignore().returning('id')).length === 1,
  update: (id, change) => update(trx, id, change),
  rename: async (id, name, now) => {
    try {
      await update(trx, id, { name, updated_at: now });
      return true;
    } catch (error) {
      if (isUniqueViolation(error, 'policies_name')) return false;
      throw error;
    }
  },
  versions: (policyId) => trx('policy_versions').where({ policy_id: policyId }).orderBy('number', 'desc'),
  newest: (policyIds) =>
    trx('policy_versions')
      .distinctOn('policy_id')
      .whereIn('policy_id', [...policyIds])
      .orderBy([{ column: 'policy_id' }, { column: 'number', order: 'desc' }]),
  insertVersion: async (row) => void (await trx('policy_versions').insert(json(row))),
  updateVersion: async (policyId, number, change) =>
    void (await trx('policy_versions').where({ policy_id: policyId, number }).update(json(change))),
  active: async (organizationId) => {
    const query = trx('policy_versions')
      .join('policies', 'policies.id', 'policy_versions.policy_id')
      .where({ state: 'active' })
      .select('policies.id', 'policies.name', 'policies.organization_id', 'policy_versions.*');
    if (organizationId === 'all') return await query;
    return await (organizationId === null
      ? query.whereNull('organization_id')
      : query.where({ organization_id: organizationId }));
  },
  decisions: async (limit) => {
    const rows = await trx('audit_events')
      .where({ type: 'authz.decision' })
      .orderByRaw('occurred_at desc, id desc')
      .limit(limit)
      .select('occurred_at', 'subject_id', 'target_id', 'payload');
    return rows.map(({ payload, ...row }) => ({ ...row, details: payload.details }));
  },
});
