import { uuidv7 } from '../../platform/crypto/index.ts';
import { errors } from '../errors.ts';
import { organizationFor } from '../rbac/roles.ts';
import type { Caller, InWork, Work } from '../rbac/transaction.ts';
import { runCase } from './cases.ts';
import { compileCondition, conditionProblems } from './language.ts';
import type { Replay } from './replay.ts';
import { createPolicyRepository, type PolicyRepository, type PolicyRow, type VersionRow } from './repository.ts';
import type { DryRunView, PolicyCase, PolicyInput, PolicyView, TestView } from './schema.ts';
import { policyTag } from './source.ts';

interface Whole {
  policy: PolicyRow;
  /** The newest first. */
  versions: VersionRow[];
}

const iso = (time: Date | null): string | null => time?.toISOString() ?? null;

export const versionView = (row: VersionRow) => ({
  version: row.number,
  state: row.state,
  effect: row.effect,
  priority: row.priority,
  target: row.target,
  condition: row.condition,
  tests: row.tests,
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
  activatedAt: iso(row.activated_at),
});

/** A policy by its newest version. */
const viewOf = ({ policy, versions: [newest] }: Whole): PolicyView => ({
  id: policy.id,
  name: policy.name,
  organizationId: policy.organization_id,
  activeVersion: policy.active_version,
  ...versionView(newest as VersionRow),
  updatedAt: policy.updated_at.toISOString(),
});

const check = ({ condition }: PolicyInput): void => {
  const problems = conditionProblems(condition);
  if (problems.length > 0) throw errors.policy_invalid({ errors: problems });
  compileCondition(condition);
};

/** @throws organization_not_found for a policy that would move */
const requireSamePlace = ({ organizationId }: PolicyInput, policy: PolicyRow): void => {
  if (organizationId !== undefined && organizationId !== policy.organization_id) throw errors.organization_not_found();
};

const contentOf = ({ effect, target, condition, priority = 0, tests = [] }: PolicyInput) => ({
  effect,
  target,
  condition,
  priority,
  tests,
});

export interface PolicyDeps {
  inWork: InWork;
  replay: Replay;
}

export const createPolicies = ({ inWork, replay }: PolicyDeps) => {
  const within = <Result>(caller: Caller, run: (work: Work, policies: PolicyRepository) => Promise<Result>): Promise<Result> =>
    inWork(caller, (work) => run(work, createPolicyRepository(work.trx)));

  /** One that may be changed: an organization's administrator sees the deployment's policies, but leaves them alone (TN-02). */
  const locked = async ({ scope }: Caller, policies: PolicyRepository, id: string): Promise<Whole> => {
    const policy = await policies.lock(id);
    if (!policy || (scope !== 'all' && policy.organization_id === null)) throw errors.policy_not_found();
    return { policy, versions: await policies.versions(id) };
  };

  const whole = async (policies: PolicyRepository, id: string): Promise<Whole> => {
    const policy = await policies.find(id);
    if (!policy) throw errors.policy_not_found();
    return { policy, versions: await policies.versions(id) };
  };

  /** What a policy allows is given to whoever it fits: only by those who hold it (AZ-03). */
  const requireMayAllow = async (work: Work, { effect, target }: VersionRow, organizationId: string | null): Promise<void> => {
    if (effect === 'deny') return;
    const { resources = ['*'], actions = ['*'] } = target;
    const names = resources.flatMap((resource) => actions.map((action) => `${resource}:${action}:any`));
    await work.requireGift(names, organizationId);
  };

  const record = (
    work: Work,
    caller: Caller,
    policy: PolicyRow,
    event: { type: 'policy.created' | 'policy.activated'; version: number },
  ) =>
    work.audit.record({
      type: event.type,
      outcome: 'success',
      actor: caller.actor,
      organizationId: policy.organization_id ?? undefined,
      target: { type: 'policy', id: policy.id },
      details: { version: event.version },
    });

  const newVersion = (work: Work, caller: Caller, policyId: string, number: number, input: PolicyInput): VersionRow => ({
    policy_id: policyId,
    number,
    state: 'draft',
    ...contentOf(input),
    created_by: caller.actor.id ?? null,
    created_at: work.now,
    activated_at: null,
  });

  const draftOf = ({ versions }: Whole): VersionRow => {
    const [newest] = versions;
    if (newest?.state !== 'draft') throw errors.policy_not_draft();
    return newest;
  };

  return {
    list: (caller: Caller, limit: number, after: string | undefined): Promise<PolicyView[]> =>
      within(caller, async (_work, policies) => {
        const found = await policies.list(limit, after);
        const newest = await policies.newest(found.map(({ id }) => id));
        return found.map((policy) => viewOf({ policy, versions: newest.filter(({ policy_id: of }) => of === policy.id) }));
      }),
    get: (caller: Caller, id: string): Promise<{ view: PolicyView; version: number }> =>
      within(caller, async (_work, policies) => {
        const found = await whole(policies, id);
        return { view: viewOf(found), version: found.policy.version };
      }),
    versions: (caller: Caller, id: string) =>
      within(caller, async (_work, policies) => (await whole(policies, id)).versions.map(versionView)),
    /** A draft. @throws policy_invalid naming each place, policy_exists */
    create: (caller: Caller, input: PolicyInput): Promise<{ view: PolicyView; version: number }> => {
      check(input);
      return within(caller, async (work, policies) => {
        const id = uuidv7(work.now);
        const organizationId = organizationFor(caller, input.organizationId);
        if (organizationId !== null && !(await work.roles.organizationExists(organizationId)))
          throw errors.organization_not_found();
        const times = { created_at: work.now, updated_at: work.now };
        const policy = { id, organization_id: organizationId, name: input.name, active_version: null, version: 1, ...times };
        if (!(await policies.insert(policy))) throw errors.policy_exists();
        const version = newVersion(work, caller, id, 1, input);
        await policies.insertVersion(version);
        await record(work, caller, policy, { type: 'policy.created', version: 1 });
        return { view: viewOf({ policy, versions: [version] }), version: 1 };
      });
    },
    /** Replaces the draft, or begins one beside the version in force. @throws policy_invalid, policy_not_found, policy_exists */
    update: (caller: Caller, id: string, input: PolicyInput, match: (version: number) => void) => {
      check(input);
      return within(caller, async (work, policies) => {
        const { policy, versions } = await locked(caller, policies, id);
        match(policy.version);
        requireSamePlace(input, policy);
        const [newest] = versions;
        if (newest?.state === 'draft') await policies.updateVersion(id, newest.number, contentOf(input));
        else await policies.insertVersion(newVersion(work, caller, id, (newest?.number ?? 0) + 1, input));
        if (!(await policies.rename(id, input.name, work.now))) throw errors.policy_exists();
        const after = await whole(policies, id);
        await record(work, caller, policy, { type: 'policy.created', version: after.versions[0]?.number ?? 1 });
        return { view: viewOf(after), version: after.policy.version };
      });
    },
    /** Runs cases against the newest version; those stored with it where none are given. */
    test: (caller: Caller, id: string, cases: readonly PolicyCase[] | undefined): Promise<TestView> =>
      within(caller, async (_work, policies) => {
        const [newest] = (await whole(policies, id)).versions;
        const results = (cases ?? newest?.tests ?? []).map((given) => runCase(newest as VersionRow, given));
        return { passed: results.every(({ passed }) => passed), results };
      }),
    /** What would have been decided otherwise, of the decisions on record, by the rights of today. */
    dryRun: (caller: Caller, id: string, limit: number): Promise<DryRunView> =>
      within(caller, async (_work, policies) => {
        const found = await whole(policies, id);
        return { candidate: found.versions[0] as VersionRow, policy: found.policy, rows: await policies.decisions(limit) };
      }).then(replay),
    /** Puts the draft in force in every process. @throws policy_not_draft, policy_tests_failed, grant_not_yours */
    activate: (caller: Caller, id: string): Promise<{ view: PolicyView; version: number }> =>
      within(caller, async (work, policies) => {
        const found = await locked(caller, policies, id);
        const draft = draftOf(found);
        const { policy } = found;
        await requireMayAllow(work, draft, policy.organization_id);
        const broken = draft.tests.map((given) => runCase(draft, given)).findIndex(({ passed }) => !passed);
        if (broken >= 0) throw errors.policy_tests_failed({ errors: [{ path: `/tests/${broken}`, message: 'does not pass' }] });
        if (policy.active_version !== null) await policies.updateVersion(id, policy.active_version, { state: 'archived' });
        await policies.updateVersion(id, draft.number, { state: 'active', activated_at: work.now });
        await policies.update(id, { active_version: draft.number, updated_at: work.now });
        await record(work, caller, policy, { type: 'policy.activated', version: draft.number });
        await work.forget(policyTag(policy.organization_id));
        const after = await whole(policies, id);
        return { view: viewOf(after), version: after.policy.version };
      }),
    /** Takes the version in force out. */
    archive: (caller: Caller, id: string): Promise<{ view: PolicyView; version: number }> =>
      within(caller, async (work, policies) => {
        const { policy } = await locked(caller, policies, id);
        if (policy.active_version === null) throw errors.policy_not_draft({ title: 'No version of this policy is in force' });
        await policies.updateVersion(id, policy.active_version, { state: 'archived' });
        await policies.update(id, { active_version: null, updated_at: work.now });
        await work.audit.record({
          type: 'policy.archived',
          outcome: 'success',
          actor: caller.actor,
          organizationId: policy.organization_id ?? undefined,
          target: { type: 'policy', id },
        });
        await work.forget(policyTag(policy.organization_id));
        const after = await whole(policies, id);
        return { view: viewOf(after), version: after.policy.version };
      }),
  };
};

export type Policies = ReturnType<typeof createPolicies>;
