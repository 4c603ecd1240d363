import type { Caches } from '../../platform/cache/index.ts';
import { isUuid } from '../../platform/crypto/index.ts';
import { type Database, setTenants } from '../../platform/db/index.ts';
import { compileSnapshot, type Snapshot } from './snapshot.ts';
import { createSubjectRepository, type RoleRow, type SubjectRepository, type SubjectRow } from './subjects-repository.ts';

type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

export const tags = {
  user: (id: string): string => `user:${id}`,
  role: (id: string): string => `role:${id}`,
  group: (id: string): string => `group:${id}`,
  organization: (id: string): string => `organization:${id}`,
};

/** Held by every account without an assignment. */
const everybody = 'USER';

type Roles = Map<string, RoleRow>;
type FindRole = (id: string) => Promise<RoleRow | undefined>;

const rolesOf = async (row: SubjectRow, findRole: FindRole): Promise<Roles> => {
  const roles: Roles = new Map();
  let next = [...new Set([...row.assignments, ...(row.eligible ?? [])].map(({ roleId }) => roleId))];
  while (next.length > 0) {
    const read: RoleRow[] = [];
    // One after the other: in a transaction they share its connection.
    for (const id of next) read.push(...[await findRole(id)].flatMap((role) => role ?? []));
    for (const role of read) roles.set(role.id, role);
    next = [...new Set(read.flatMap(({ parents }) => parents))].filter((id) => !roles.has(id));
  }
  return roles;
};

const withDefault = (row: SubjectRow, roleId: string | undefined): SubjectRow =>
  roleId === undefined || row.assignments.some((assignment) => assignment.roleId === roleId && assignment.organizationId === null)
    ? row
    : {
        ...row,
        assignments: [
          ...row.assignments,
          { id: 'default', roleId, organizationId: null, groupId: null, startsAt: null, expiresAt: null },
        ],
      };

const tagsOf = (row: SubjectRow, roles: Roles): string[] => [
  tags.user(row.id),
  ...row.groups.map(({ id }) => tags.group(id)),
  ...row.organizations.map(({ id }) => tags.organization(id)),
  ...[...roles.keys()].map(tags.role),
];

export interface SubjectDeps {
  database: Database;
  caches: Pick<Caches, 'cache'>;
}

export interface Subjects {
  /** From cache; `undefined` for nobody. Roles are the same objects as long as they have not changed. */
  find(id: string): Promise<Snapshot | undefined>;
  /** As the transaction sees it, past every cache: what a change is judged by. */
  findIn(trx: Transaction, id: string): Promise<Snapshot | undefined>;
  /** The same with memberships in suspended organizations. */
  holderIn(trx: Transaction, id: string): Promise<Snapshot | undefined>;
}

export const createSubjects = ({ database, caches }: SubjectDeps): Subjects => {
  // FEATURES S2: users 60 s and 15 minutes, roles 60 s and 5 minutes, both told of changes at once.
  const rows = caches.cache<SubjectRow>({ name: 'authz-subjects', l1Seconds: 60, l2Seconds: 300, maxEntries: 20_000 });
  const roles = caches.cache<RoleRow>({ name: 'authz-roles', l1Seconds: 60, l2Seconds: 300, maxEntries: 10_000 });
  const compiled = new WeakMap<SubjectRow, Snapshot>();
  let defaultRoleId: string | undefined;

  /** We look by an unguessable id, on behalf of whoever it is: all tenants. */
  const reading = <Result>(work: (subjects: SubjectRepository) => Promise<Result>): Promise<Result> =>
    database.transaction(async (trx) => {
      await setTenants(trx, 'all');
      return await work(createSubjectRepository(trx));
    });

  const findRole: FindRole = (id) =>
    roles.get(id, async () => {
      const role = await reading((subjects) => subjects.role(id));
      return role && { value: role, tags: [tags.role(id)] };
    });

  const read = async (subjects: SubjectRepository, id: string): Promise<SubjectRow | undefined> => {
    const row = await subjects.find(id);
    if (!row) return undefined;
    defaultRoleId ??= await subjects.globalRoleId(everybody);
    return withDefault(row, defaultRoleId);
  };

  const load = async (id: string) => {
    const row = await reading((subjects) => read(subjects, id));
    // A change of any role in the closure makes another row, so a row and its roles stay together.
    return row && { value: row, tags: tagsOf(row, await rolesOf(row, findRole)) };
  };

  return {
    find: async (id) => {
      if (!isUuid(id)) return undefined;
      const row = await rows.get(id, () => load(id));
      if (!row) return undefined;
      const known = compiled.get(row);
      if (known) return known;
      const snapshot = compileSnapshot(row, await rolesOf(row, findRole));
      compiled.set(row, snapshot);
      return snapshot;
    },
    findIn: async (trx, id) => {
      if (!isUuid(id)) return undefined;
      const subjects = createSubjectRepository(trx);
      const row = await read(subjects, id);
      return row && compileSnapshot(row, await rolesOf(row, subjects.role));
    },
    holderIn: async (trx, id) => {
      const subjects = createSubjectRepository(trx);
      const row = await read(subjects, id);
      if (!row) return undefined;
      return compileSnapshot({ ...row, organizations: await subjects.memberships(id) }, await rolesOf(row, subjects.role));
    },
  };
};
