/**
 * What a subject holds, compiled so that a decision is a lookup. Roles are compiled once and shared by all who hold them, so that
 * a subject costs its assignments and the handful of questions asked about it.
 */
import { type Permission, parsePermission } from '../rbac/permission.ts';
import { indexOf, matching, type RoleIndex } from './role-index.ts';
import type { RoleRow, SubjectAssignment, SubjectGroup, SubjectRow } from './subjects-repository.ts';

/** By what a person holds a permission. */
export interface Via {
  kind: 'direct' | 'role' | 'group';
  /** Id of the direct grant, of the assignment, or of the group. */
  ref: string;
  /** From the role assigned up to the one that has the permission. */
  rolePath: readonly string[];
  /** From the group the person is in up to the one that has the role. */
  groupPath: readonly string[];
  roleId?: string | undefined;
}

/** One permission held, with its limits. */
export interface Rule {
  effect: 'allow' | 'deny';
  permission: Permission;
  organizationId: string | null;
  /** Milliseconds since the epoch; counts from its start to before its end (AZ-06). */
  startsAt: number;
  expiresAt: number;
  via: Via;
}

/** All that speaks of one resource and action. */
export interface Entry {
  denies: readonly Rule[];
  direct: readonly Rule[];
  byRole: readonly Rule[];
  /** An allow without any limit, where nothing denies: the answer at every moment, for every object. */
  certain: { allowed: true; kind: 'direct_allow' | 'role_allow'; rule: Rule } | undefined;
}

export interface HeldRole {
  id: string;
  name: string;
  assignment: SubjectAssignment;
  startsAt: number;
  expiresAt: number;
  /** From the role assigned to this one; a single name where it is assigned itself. */
  path: readonly string[];
}

export interface Snapshot {
  id: string;
  isActive: boolean;
  organizationIds: ReadonlySet<string>;
  groupIds: ReadonlySet<string>;
  /** Attributes for policies. */
  attributes: Readonly<Record<string, unknown>>;
  organizations: readonly { id: string; name: string }[];
  groups: readonly SubjectGroup[];
  roles: readonly HeldRole[];
  /** Roles as they were assigned for activation; they confer nothing. */
  eligible: readonly HeldRole[];
  /** Everything held, without order. */
  rules(): Rule[];
  entry(resource: string, action: string): Entry;
  /** What activation would bring. */
  eligibleFor(resource: string, action: string): Rule[];
}

const maxDepth = 10;

/** The role and all it inherits from, each once, with the path to it. */
export const inheritance = (first: string, roles: ReadonlyMap<string, RoleRow>): { role: RoleRow; path: readonly string[] }[] => {
  const found = new Map<string, { role: RoleRow; path: readonly string[] }>();
  let step: [string, readonly string[]][] = [[first, []]];
  for (let depth = 0; depth <= maxDepth && step.length > 0; depth += 1) {
    const next: typeof step = [];
    for (const [id, path] of step) {
      const role = roles.get(id);
      if (!role || found.has(id)) continue;
      const own = { role, path: [...path, role.name] };
      found.set(id, own);
      for (const parent of role.parents) next.push([parent, own.path]);
    }
    step = next;
  }
  return [...found.values()];
};

const isUnlimited = ({ permission, organizationId, startsAt, expiresAt }: Rule): boolean =>
  permission.scope === 'any' && organizationId === null && startsAt === 0 && expiresAt === Number.POSITIVE_INFINITY;

const windowOf = (row: { startsAt: number | null; expiresAt: number | null }): { startsAt: number; expiresAt: number } => ({
  startsAt: row.startsAt ?? 0,
  expiresAt: row.expiresAt ?? Number.POSITIVE_INFINITY,
});

const attributesOf = (row: SubjectRow): Record<string, unknown> => {
  const one = (type: string) => row.identifiers.find((identifier) => identifier.type === type);
  const email = one('email');
  return {
    ...row.claims,
    ...(email && { email: email.value, email_verified: email.verified }),
    id: row.id,
    type: 'user',
    organizations: row.organizations.map(({ id }) => id),
    groups: [...new Set(row.groups.map(({ name }) => name))],
  };
};

interface Source {
  index: RoleIndex;
  held: HeldRole;
  via: Via;
}

const directRules = (row: SubjectRow): Rule[] =>
  row.direct.flatMap((grant) => {
    const permission = parsePermission(grant.permission);
    if (!permission) return [];
    const via: Via = { kind: 'direct', ref: grant.id, rolePath: [], groupPath: [] };
    return [{ effect: grant.effect, permission, organizationId: null, ...windowOf(grant), via }];
  });

// How many different questions one snapshot remembers the answer's makings of.
const maxEntries = 2000;

const certainOf = (denies: readonly Rule[], direct: readonly Rule[], byRole: readonly Rule[]): Entry['certain'] => {
  if (denies.length > 0) return undefined;
  const own = direct.find(isUnlimited);
  if (own) return { allowed: true, kind: 'direct_allow', rule: own };
  const rule = byRole.find(isUnlimited);
  return rule && { allowed: true, kind: 'role_allow', rule };
};

/** @param roles every role of the assignments and all they inherit from */
export const compileSnapshot = (row: SubjectRow, roles: ReadonlyMap<string, RoleRow>): Snapshot => {
  const organizationIds = new Set(row.organizations.map(({ id }) => id));
  const groups = new Map(row.groups.map((group) => [group.id, group]));
  // TN-02: a right in an organization ends with the membership.
  const counts = ({ organizationId }: SubjectAssignment): boolean =>
    organizationId === null || organizationIds.has(organizationId);
  const sourcesOf = (assignment: SubjectAssignment): Source[] =>
    inheritance(assignment.roleId, roles).map(({ role, path }) => ({
      index: indexOf(role),
      held: { id: role.id, name: role.name, assignment, ...windowOf(assignment), path },
      via: {
        kind: assignment.groupId === null ? 'role' : 'group',
        ref: assignment.id,
        rolePath: path,
        groupPath: assignment.groupId === null ? [] : (groups.get(assignment.groupId)?.path ?? []),
        roleId: role.id,
      },
    }));
  const sources = row.assignments.filter(counts).flatMap(sourcesOf);
  const eligible = (row.eligible ?? []).filter(counts).flatMap(sourcesOf);
  const direct = directRules(row);
  const toRules = ({ held, via }: Source, permissions: readonly Permission[]): Rule[] =>
    permissions.map((permission) => ({
      effect: 'allow',
      permission,
      organizationId: held.assignment.organizationId,
      startsAt: held.startsAt,
      expiresAt: held.expiresAt,
      via,
    }));

  const rulesFor = (from: readonly Source[], resource: string, action: string): Rule[] =>
    from.flatMap((source) => toRules(source, matching(source.index, resource, action)));

  const build = (resource: string, action: string): Entry => {
    const speaks = ({ permission: { resource: r, action: a } }: Rule): boolean =>
      (r === resource || r === '*') && (a === action || a === '*');
    const own = direct.filter(speaks);
    const denies = own.filter(({ effect }) => effect === 'deny');
    const allows = own.filter(({ effect }) => effect === 'allow');
    const byRole = rulesFor(sources, resource, action);
    return { denies, direct: allows, byRole, certain: certainOf(denies, allows, byRole) };
  };

  const entries = new Map<string, Map<string, Entry>>();
  let count = 0;
  const entry = (resource: string, action: string): Entry => {
    const known = entries.get(resource)?.get(action);
    if (known !== undefined) return known;
    const made = build(resource, action);
    if (count >= maxEntries) return made;
    count += 1;
    const byAction = entries.get(resource) ?? new Map<string, Entry>();
    byAction.set(action, made);
    entries.set(resource, byAction);
    return made;
  };

  return {
    id: row.id,
    isActive: row.status === 'active',
    organizationIds,
    groupIds: new Set(groups.keys()),
    attributes: attributesOf(row),
    organizations: row.organizations,
    groups: row.groups,
    roles: sources.map(({ held }) => held),
    eligible: eligible.map(({ held }) => held).filter(({ id, assignment }) => id === assignment.roleId),
    eligibleFor: (resource, action) => rulesFor(eligible, resource, action),
    rules: () => [
      ...direct,
      ...sources.flatMap((source) =>
        toRules(
          source,
          [...source.index.values()].flatMap((byAction) => [...byAction.values()].flat()),
        ),
      ),
    ],
    entry,
  };
};

/** A subject that holds nothing: a client, somebody nobody knows, somebody only an application knows. */
export const emptySnapshot = (type: string, id: string, attributes: Record<string, unknown> = {}): Snapshot => ({
  ...compileSnapshot(
    { id, status: 'active', claims: attributes, identifiers: [], organizations: [], groups: [], assignments: [], direct: [] },
    new Map(),
  ),
  attributes: { ...attributes, id, type, organizations: [], groups: [], roles: [] },
});

export const isCurrent = ({ startsAt, expiresAt }: { startsAt: number; expiresAt: number }, now: number): boolean =>
  startsAt <= now && now < expiresAt;

/** Names of the roles held at this moment, each once. */
export const currentRoles = (snapshot: Snapshot, now: number): string[] =>
  snapshot.isActive ? [...new Set(snapshot.roles.filter((role) => isCurrent(role, now)).map(({ name }) => name))].sort() : [];
