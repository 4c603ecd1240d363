/** The world of rows 15 and 17: 10,000 users, 50 roles, 500 permissions; three roles a user, fifty permissions a role. */
import { compileSnapshot, type Snapshot } from '../../../src/authz/pdp/snapshot.ts';
import type { RoleRow, SubjectRow } from '../../../src/authz/pdp/subjects-repository.ts';

export interface GeneratedWorld {
  users: { id: string; roles: string[] }[];
  roles: Map<string, RoleRow>;
  questions: { user: string; resource: string; action: string }[];
}

const random = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * below);
  };
};

const some = <Value>(values: readonly Value[], count: number, below: (limit: number) => number): Value[] => {
  const found = new Set<Value>();
  while (found.size < count) found.add(values[below(values.length)] as Value);
  return [...found];
};

export const generateWorld = (): GeneratedWorld => {
  const below = random(42);
  const permissions = Array.from({ length: 500 }, (_, index) => `resource${Math.floor(index / 10)}:action${index % 10}:any`);
  const names = Array.from({ length: 50 }, (_, index) => `role${index}`);
  const roles = new Map(
    names.map((name) => [name, { id: name, name, organizationId: null, parents: [], permissions: some(permissions, 50, below) }]),
  );
  const users = Array.from({ length: 10_000 }, (_, index) => ({ id: `user${index}`, roles: some(names, 3, below) }));
  const questions = Array.from({ length: 8192 }, () => {
    const user = users[below(users.length)] as GeneratedWorld['users'][number];
    // Every other one is allowed.
    const held = roles.get(user.roles[below(3)] as string)?.permissions ?? [];
    const asked = below(2) === 0 ? held[below(held.length)] : permissions[below(permissions.length)];
    const [resource = '', action = ''] = (asked as string).split(':');
    return { user: user.id, resource, action };
  });
  return { users, roles, questions };
};

const rowOf = ({ id, roles }: GeneratedWorld['users'][number]): SubjectRow => ({
  id,
  status: 'active',
  claims: {},
  identifiers: [],
  organizations: [],
  groups: [],
  assignments: roles.map((roleId, index) => ({
    id: `${id}-${index}`,
    roleId,
    organizationId: null,
    groupId: null,
    startsAt: null,
    expiresAt: null,
  })),
  direct: [],
});

export const compileWorld = ({ users, roles }: GeneratedWorld): Map<string, Snapshot> =>
  new Map(users.map((user) => [user.id, compileSnapshot(rowOf(user), roles)]));
