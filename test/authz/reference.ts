/**
 * The decision again, slow and obvious, written from FEATURES Z2-Z4 alone: what the fast one is compared with. It shares no code with
 * it, only the shape of a world.
 */

export interface Window {
  startsAt: number | null;
  expiresAt: number | null;
}

export interface WorldRole {
  id: string;
  parents: string[];
  permissions: string[];
}

export interface WorldGroup {
  id: string;
  parent: string | null;
  organization: string | null;
  roles: string[];
}

export interface WorldPolicy {
  id: string;
  effect: 'allow' | 'deny';
  priority: number;
  organization: string | null;
  actions: string[] | null;
  resources: string[] | null;
  condition: WorldCondition;
}

export type WorldCondition =
  | { kind: 'always' | 'never' }
  | { kind: 'holds role'; role: string }
  | { kind: 'risk above'; limit: number }
  | { kind: 'owner' }
  | { kind: 'both' | 'either'; parts: WorldCondition[] };

export interface World {
  user: string;
  isActive: boolean;
  organizations: string[];
  /** Groups the person is in; those above follow from the tree. */
  memberOf: string[];
  groups: WorldGroup[];
  roles: WorldRole[];
  assignments: (Window & { role: string; organization: string | null })[];
  direct: (Window & { permission: string; effect: 'allow' | 'deny' })[];
  policies: WorldPolicy[];
}

export interface WorldQuestion {
  action: string;
  resource: { type: string; attributes?: Record<string, unknown> };
  context?: Record<string, unknown>;
  now: number;
}

interface Held {
  permission: string;
  organization: string | null;
}

const isNow = ({ startsAt, expiresAt }: Window, now: number): boolean =>
  (startsAt === null || now >= startsAt) && (expiresAt === null || now < expiresAt);

const groupsOf = ({ groups, memberOf }: World): WorldGroup[] => {
  const found: WorldGroup[] = [];
  for (const first of memberOf) {
    let id: string | null = first;
    while (id !== null) {
      const group: WorldGroup | undefined = groups.find((one) => one.id === id);
      if (!group) break;
      found.push(group);
      id = group.parent;
    }
  }
  return found;
};

const withParents = (world: World, role: string, seen: string[] = []): WorldRole[] => {
  const found = world.roles.find(({ id }) => id === role);
  if (!found || seen.includes(role)) return [];
  return [found, ...found.parents.flatMap((parent) => withParents(world, parent, [...seen, role]))];
};

/** Roles that count at this moment, with where they count: those of one's organizations end with the membership. */
const rolesOf = (world: World, now: number): { role: WorldRole; organization: string | null }[] => {
  const own = world.assignments.filter((assignment) => isNow(assignment, now));
  const byGroup = groupsOf(world).flatMap(({ roles, organization }) => roles.map((role) => ({ role, organization })));
  return [...own, ...byGroup]
    .filter(({ organization }) => organization === null || world.organizations.includes(organization))
    .flatMap(({ role, organization }) => withParents(world, role).map((one) => ({ role: one, organization })));
};

const counts = (world: World, { permission, organization }: Held, { action, resource }: WorldQuestion): boolean => {
  const [type, verb, scope] = permission.split(':');
  const attributes = resource.attributes ?? {};
  if (type !== '*' && type !== resource.type) return false;
  if (verb !== '*' && verb !== action) return false;
  if (organization !== null && attributes.organizationId !== organization) return false;
  if (scope === 'own') return attributes.ownerId === world.user;
  if (scope === 'group') return groupsOf(world).some(({ id }) => id === attributes.groupId);
  if (scope === 'organization') return world.organizations.some((id) => id === attributes.organizationId);
  return true;
};

/** @returns `unknown` where an attribute is missing or of the wrong type */
const truth = (world: World, condition: WorldCondition, question: WorldQuestion): boolean | 'unknown' => {
  const { resource, context = {}, now } = question;
  switch (condition.kind) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'holds role':
      return rolesOf(world, now).some(({ role }) => role.id === condition.role);
    case 'risk above':
      return typeof context.risk === 'number' ? context.risk > condition.limit : 'unknown';
    case 'owner':
      return resource.attributes?.ownerId === undefined ? 'unknown' : resource.attributes.ownerId === world.user;
    default: {
      // In order, and no further than needed: a part that is not looked at cannot fail.
      const settles = condition.kind === 'either';
      for (const part of condition.parts) {
        const result = truth(world, part, question);
        if (result === 'unknown' || result === settles) return result;
      }
      return !settles;
    }
  }
};

const policyCounts = (world: World, policy: WorldPolicy, question: WorldQuestion): boolean => {
  const { actions, resources, organization } = policy;
  const { action, resource } = question;
  if (actions && !actions.includes('*') && !actions.includes(action)) return false;
  if (resources && !resources.includes('*') && !resources.includes(resource.type)) return false;
  if (organization !== null && resource.attributes?.organizationId !== organization) return false;
  const result = truth(world, policy.condition, question);
  // A condition that cannot be computed denies: it takes nothing from a deny and gives nothing to an allow.
  return result === 'unknown' ? policy.effect === 'deny' : result;
};

/** Of the policies that count those of the highest priority decide together: deny if any of them denies. */
const policyEffect = (world: World, question: WorldQuestion): 'allow' | 'deny' | undefined => {
  const counting = world.policies.filter((policy) => policyCounts(world, policy, question));
  const highest = Math.max(...counting.map(({ priority }) => priority));
  const deciding = counting.filter(({ priority }) => priority === highest);
  if (deciding.length === 0) return undefined;
  return deciding.some(({ effect }) => effect === 'deny') ? 'deny' : 'allow';
};

/** FEATURES Z3: direct deny, policy deny, direct allow, role, group or policy allow, default deny. */
export const referenceDecision = (world: World, question: WorldQuestion): boolean => {
  if (!world.isActive) return false;
  const direct = world.direct
    .filter((grant) => isNow(grant, question.now))
    .filter(({ permission }) => counts(world, { permission, organization: null }, question));
  if (direct.some(({ effect }) => effect === 'deny')) return false;
  const policy = policyEffect(world, question);
  if (policy === 'deny') return false;
  if (direct.length > 0) return true;
  const held = rolesOf(world, question.now).flatMap(({ role, organization }) =>
    role.permissions.map((permission) => ({ permission, organization })),
  );
  if (held.some((one) => counts(world, one, question))) return true;
  return policy === 'allow';
};
