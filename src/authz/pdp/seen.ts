import type { PolicySet } from './decide.ts';
import type { View } from './lookup.ts';
import type { Entry, Rule, Snapshot } from './snapshot.ts';

/**
 * A subject as who administers some organizations may see it: with what it holds in them and everywhere, and nothing else, not even in
 * the reasons of a decision (TN-03).
 */
export const seenFrom = (snapshot: Snapshot, scope: readonly string[]): Snapshot => {
  const isSeen = (organizationId: string | null): boolean => organizationId === null || scope.includes(organizationId);
  const only = (rules: readonly Rule[]): Rule[] => rules.filter(({ organizationId }) => isSeen(organizationId));
  const entry = (resource: string, action: string): Entry => {
    const { denies, direct, byRole, certain } = snapshot.entry(resource, action);
    return { denies: only(denies), direct: only(direct), byRole: only(byRole), certain };
  };
  return {
    ...snapshot,
    organizationIds: new Set([...snapshot.organizationIds].filter(isSeen)),
    organizations: snapshot.organizations.filter(({ id }) => isSeen(id)),
    groups: snapshot.groups.filter(({ organizationId }) => isSeen(organizationId)),
    groupIds: new Set(snapshot.groups.filter(({ organizationId }) => isSeen(organizationId)).map(({ id }) => id)),
    roles: snapshot.roles.filter(({ assignment }) => isSeen(assignment.organizationId)),
    eligible: snapshot.eligible.filter(({ assignment }) => isSeen(assignment.organizationId)),
    rules: () => only(snapshot.rules()),
    entry,
    eligibleFor: (resource, action) => only(snapshot.eligibleFor(resource, action)),
  };
};

const policiesFrom = (policies: PolicySet, scope: readonly string[]): PolicySet => ({
  ...policies,
  matching: (resource, action) =>
    policies.matching(resource, action).filter(({ organizationId }) => organizationId === null || scope.includes(organizationId)),
});

/** What an answer in words or conditions may be made from. */
export const seenIn = ({ scope }: View, snapshot: Snapshot, policies: PolicySet): { snapshot: Snapshot; policies: PolicySet } =>
  scope === 'all' ? { snapshot, policies } : { snapshot: seenFrom(snapshot, scope), policies: policiesFrom(policies, scope) };
