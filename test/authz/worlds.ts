/** Random worlds of authorization, reproducible by seed; small vocabularies, so that things meet. */
import { compileSnapshot, type Snapshot } from '../../src/authz/pdp/snapshot.ts';
import type { RoleRow, SubjectRow } from '../../src/authz/pdp/subjects-repository.ts';
import { policySetOf, targeted } from '../../src/authz/policies/source.ts';
import type { World, WorldCondition, WorldGroup, WorldPolicy, WorldQuestion, WorldRole } from './reference.ts';

export interface Dice {
  /** From 0 to before `below`. */
  number(below: number): number;
  chance(of: number): boolean;
  one<Value>(values: readonly Value[]): Value;
  some<Value>(values: readonly Value[], most: number): Value[];
  times<Value>(most: number, make: (index: number) => Value): Value[];
}

/** mulberry32: small, fast, and the same everywhere. */
export const createDice = (seed: number): Dice => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const number = (below: number): number => Math.floor(next() * below);
  const one = <Value>(values: readonly Value[]): Value => values[number(values.length)] as Value;
  return {
    number,
    one,
    chance: (of) => next() < of,
    some: (values, most) => (values.length === 0 ? [] : Array.from({ length: number(most + 1) }, () => one(values))),
    times: (most, make) => Array.from({ length: number(most + 1) }, (_, index) => make(index)),
  };
};

const types = ['invoice', 'order', 'door'];
const actions = ['read', 'pay', 'open'];
const permissionScopes = ['own', 'group', 'organization', 'any', 'any', '*'];
const organizations = ['org-a', 'org-b', 'org-c'];
const people = ['me', 'somebody'];
// Few moments, so that starts, ends and questions meet exactly.
const moments = [1000, 2000, 3000, 4000, 5000];

const permission = (dice: Dice): string => {
  const part = (names: readonly string[]): string => (dice.chance(0.2) ? '*' : dice.one(names));
  return `${part(types)}:${part(actions)}:${dice.one(permissionScopes)}`;
};

const window = (dice: Dice) => {
  if (dice.chance(0.6)) return { startsAt: null, expiresAt: null };
  const [a, b] = [dice.number(moments.length), dice.number(moments.length)];
  const startsAt = dice.chance(0.7) ? (moments[Math.min(a, b)] as number) : null;
  const end = (moments[Math.max(a, b)] as number) + (a === b ? 500 : 0);
  return { startsAt, expiresAt: dice.chance(0.7) ? end : null };
};

const condition = (dice: Dice, roles: readonly string[], depth = 0): WorldCondition => {
  if (depth < 2 && dice.chance(0.3)) {
    const parts = [condition(dice, roles, depth + 1), condition(dice, roles, depth + 1)];
    return { kind: dice.one(['both', 'either'] as const), parts };
  }
  switch (dice.number(6)) {
    case 0:
      return { kind: 'never' };
    case 1:
      return { kind: 'holds role', role: dice.one([...roles, 'nobody-has-it']) };
    case 2:
      return { kind: 'risk above', limit: dice.one([10, 50]) };
    case 3:
      return { kind: 'owner' };
    default:
      return { kind: 'always' };
  }
};

const targets = (dice: Dice, names: readonly string[]): string[] | null =>
  dice.chance(0.3) ? null : [dice.one([...names, '*']), ...dice.some(names, 1)];

export const createWorld = (dice: Dice): World => {
  // A role inherits from roles before it: no cycles, which creation refuses.
  const roles: WorldRole[] = [];
  for (const index of Array.from({ length: 1 + dice.number(6) }, (_, place) => place)) {
    const parents = [
      ...new Set(
        dice.some(
          roles.map(({ id }) => id),
          2,
        ),
      ),
    ];
    roles.push({ id: `role-${index}`, parents, permissions: [...new Set(dice.times(3, () => permission(dice)))] });
  }
  const names = roles.map(({ id }) => id);
  const groups: WorldGroup[] = [];
  for (const index of Array.from({ length: dice.number(5) }, (_, place) => place)) {
    const above = dice.chance(0.6) ? dice.one([null, ...groups.map(({ id }) => id)]) : null;
    const organization = dice.chance(0.3) ? dice.one(organizations) : null;
    groups.push({ id: `group-${index}`, parent: above, organization, roles: [...new Set(dice.some(names, 2))] });
  }
  const policy = (index: number): WorldPolicy => ({
    id: `policy-${index}`,
    effect: dice.one(['allow', 'deny'] as const),
    priority: dice.number(3),
    organization: dice.chance(0.2) ? dice.one(organizations) : null,
    actions: targets(dice, actions),
    resources: targets(dice, types),
    condition: condition(dice, names),
  });
  return {
    user: 'me',
    isActive: !dice.chance(0.03),
    organizations: [...new Set(dice.some(organizations, 2))],
    memberOf: [
      ...new Set(
        dice.some(
          groups.map(({ id }) => id),
          2,
        ),
      ),
    ],
    groups,
    roles,
    assignments: dice.times(3, () => ({
      role: dice.one(names),
      organization: dice.chance(0.3) ? dice.one(organizations) : null,
      ...window(dice),
    })),
    direct: dice.times(2, () => ({
      permission: permission(dice),
      effect: dice.chance(0.6) ? ('allow' as const) : ('deny' as const),
      ...window(dice),
    })),
    policies: dice.chance(0.4) ? [] : dice.times(4, policy),
  };
};

export const createQuestion = (dice: Dice): WorldQuestion => {
  const attributes = {
    ...(dice.chance(0.5) && { ownerId: dice.one(people) }),
    ...(dice.chance(0.5) && { groupId: `group-${dice.number(5)}` }),
    ...(dice.chance(0.5) && { organizationId: dice.one(organizations) }),
  };
  return {
    action: dice.one([...actions, 'fly']),
    resource: { type: dice.one([...types, 'cloud']), ...(dice.chance(0.9) && { attributes }) },
    ...(dice.chance(0.6) && { context: { risk: dice.one([0, 20, 60, 'high']) } }),
    now: dice.one(moments) + dice.one([-1, 0, 1]),
  };
};

/** Somebody else in the same world, before and after he came to one more organization or group. */
export const createMove = (dice: Dice, { roles, groups }: World): [World, World] => {
  const other = createWorld(dice);
  const known = (id: string): boolean => groups.some((group) => group.id === id);
  const before: World = { ...other, user: 'somebody', roles, groups, policies: [], memberOf: other.memberOf.filter(known) };
  const group = dice.chance(0.5) && groups.length > 0 ? [dice.one(groups).id] : [];
  const place = group.length === 0 ? [dice.one(organizations)] : [];
  const organizationsAfter = [...new Set([...before.organizations, ...place])];
  return [before, { ...before, organizations: organizationsAfter, memberOf: [...new Set([...before.memberOf, ...group])] }];
};

/** What belongs to a group belongs to the group's organization. */
export const consistent = ({ groups }: World, { type, attributes }: WorldQuestion['resource']): WorldQuestion['resource'] => {
  const group = groups.find(({ id }) => id === attributes?.groupId);
  if (!group || group.organization === null) return { type, ...(attributes && { attributes }) };
  return { type, attributes: { ...attributes, organizationId: group.organization } };
};

const logic = (condition: WorldCondition): unknown => {
  switch (condition.kind) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'holds role':
      return { in: [condition.role, { var: 'subject.roles' }] };
    case 'risk above':
      return { '>': [{ var: 'env.risk' }, condition.limit] };
    case 'owner':
      return { '==': [{ var: 'resource.ownerId' }, { var: 'subject.id' }] };
    default:
      return { [condition.kind === 'both' ? 'and' : 'or']: condition.parts.map(logic) };
  }
};

/** What `pdp/subjects-repository` reads of such a world. */
export const rowsOf = (world: World): { row: SubjectRow; roles: Map<string, RoleRow> } => {
  const closure = (id: string, path: readonly string[]): SubjectRow['groups'] => {
    const group = world.groups.find((one) => one.id === id) as WorldGroup;
    const own = { id, name: id, organizationId: group.organization, path: [...path, id] };
    return [own, ...(group.parent === null ? [] : closure(group.parent, own.path))];
  };
  const groups = world.memberOf.flatMap((id) => closure(id, []));
  const byGroup = [...new Set(groups.map(({ id }) => id))].flatMap((id) => {
    const group = world.groups.find((one) => one.id === id) as WorldGroup;
    return group.roles.map((roleId) => ({
      id,
      roleId,
      organizationId: group.organization,
      groupId: id,
      startsAt: null,
      expiresAt: null,
    }));
  });
  const own = world.assignments.map(({ role, organization, ...rest }, index) => ({
    id: `assignment-${index}`,
    roleId: role,
    organizationId: organization,
    groupId: null,
    ...rest,
  }));
  return {
    row: {
      id: world.user,
      status: world.isActive ? 'active' : 'deactivated',
      claims: {},
      identifiers: [],
      organizations: world.organizations.map((id) => ({ id, name: id })),
      groups,
      assignments: [...own, ...byGroup],
      direct: world.direct.map((grant, index) => ({ id: `direct-${index}`, ...grant })),
    },
    roles: new Map(
      world.roles.map(({ id, parents, permissions }) => [id, { id, name: id, organizationId: null, parents, permissions }]),
    ),
  };
};

/** The world as the decision point has it. */
export const compiled = (world: World): { snapshot: Snapshot; policies: ReturnType<typeof policySetOf> } => {
  const { row, roles } = rowsOf(world);
  const policies = world.policies.map(({ id, organization, actions: verbs, resources, condition: when, ...rest }) =>
    targeted({
      ...rest,
      id,
      name: id,
      number: 1,
      organization_id: organization,
      target: { ...(verbs && { actions: verbs }), ...(resources && { resources }) },
      condition: logic(when),
      tests: [],
    }),
  );
  return { snapshot: compileSnapshot(row, roles), policies: policySetOf(policies) };
};
