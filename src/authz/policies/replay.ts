import { decide, type PolicySet, type Question } from '../pdp/decide.ts';
import type { Snapshot } from '../pdp/snapshot.ts';
import type { PolicyRow, RecordedDecision, VersionRow } from './repository.ts';
import type { DryRunView } from './schema.ts';
import { inOrder, type PolicySource, policySetOf, targeted } from './source.ts';

export interface ReplayDeps {
  policiesFor: PolicySource;
  subjectOf(id: string): Promise<Snapshot | undefined>;
  /** Milliseconds since the epoch. */
  now(): number;
}

export interface Candidate {
  candidate: VersionRow;
  policy: PolicyRow;
  rows: readonly RecordedDecision[];
}

const questionOf = ({ target_id: id, details: { action, resource, request } }: RecordedDecision): Question => ({
  action,
  actionProperties: request?.actionProperties,
  resource: { type: resource, id: id ?? undefined, attributes: request?.attributes },
  context: request?.context,
});

const tenantOf = ({ resource }: Question): string | undefined => {
  const { organizationId } = resource.attributes ?? {};
  return typeof organizationId === 'string' ? organizationId : undefined;
};

/** Decides recorded questions with and without the candidate, by the rights of today (FEATURES Z4, dry run). */
export const createReplay =
  ({ policiesFor, subjectOf, now }: ReplayDeps) =>
  async ({ candidate, policy, rows }: Candidate): Promise<DryRunView> => {
    const { id, name, organization_id: organizationId } = policy;
    const mine = policySetOf([targeted({ ...candidate, id, name, organization_id: organizationId })]);
    const changes: DryRunView['changes'] = [];
    let examined = 0;
    for (const row of rows) {
      const subject = row.subject_id === null ? undefined : await subjectOf(row.subject_id);
      if (!subject) continue;
      examined += 1;
      const question = questionOf(row);
      const current = await policiesFor(tenantOf(question));
      const next: PolicySet = {
        actions: () => [],
        matching: (type, action) =>
          [...current.matching(type, action).filter((other) => other.id !== id), ...mine.matching(type, action)].sort(inOrder),
      };
      const before = decide(subject, current, question, now()).allowed;
      const after = decide(subject, next, question, now()).allowed;
      const at = row.occurred_at.toISOString();
      const { action, resource } = row.details;
      if (before !== after) changes.push({ at, subjectId: row.subject_id, action, resource, before, after });
    }
    return { examined, changes };
  };

export type Replay = ReturnType<typeof createReplay>;
