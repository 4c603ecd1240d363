import type { Knex } from 'knex';
import { prepared, statement } from '../../platform/db/index.ts';

/** Times in milliseconds since the epoch. */
interface Window {
  startsAt: number | null;
  expiresAt: number | null;
}

export interface SubjectGroup {
  id: string;
  name: string;
  organizationId: string | null;
  /** From the group the person is in up to this one. */
  path: string[];
}

export interface SubjectAssignment extends Window {
  id: string;
  roleId: string;
  /** The organization in which the role counts; everywhere where `null`. */
  organizationId: string | null;
  /** The group by which it comes. */
  groupId: string | null;
}

export interface DirectGrant extends Window {
  id: string;
  permission: string;
  effect: 'allow' | 'deny';
}

/** What is stored about a person, as far as decisions need it. Plain data: it goes through caches. */
export interface SubjectRow {
  id: string;
  status: string;
  claims: Record<string, unknown>;
  identifiers: { type: string; value: string; verified: boolean }[];
  organizations: { id: string; name: string }[];
  groups: SubjectGroup[];
  assignments: SubjectAssignment[];
  /** What confers nothing until it is activated. */
  eligible?: SubjectAssignment[];
  direct: DirectGrant[];
}

export interface RoleRow {
  id: string;
  name: string;
  organizationId: string | null;
  parents: string[];
  permissions: string[];
}

export interface SubjectRepository {
  find(id: string): Promise<SubjectRow | undefined>;
  role(id: string): Promise<RoleRow | undefined>;
  /** Also in organizations that are suspended. */
  memberships(id: string): Promise<SubjectRow['organizations']>;
  /** The deployment's own role with this name. */
  globalRoleId(name: string): Promise<string | undefined>;
}

const time = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`;
const list = (select: string): string => `(select coalesce(json_agg(row_to_json(x)), '[]') from (${select}) x)`;

// Eligible assignments count only while activated, and an activation is an assignment of its own (FEATURES G3).
const findSubject = statement(
  'authz-subject',
  `with recursive mine as (
     select g.id, g.name, g.parent_id, g.organization_id, 1 as depth, array[g.name] as path
     from group_members m join groups g on g.id = m.group_id where m.user_id = $1
     union all
     select p.id, p.name, p.parent_id, p.organization_id, mine.depth + 1, mine.path || p.name
     from mine join groups p on p.id = mine.parent_id where mine.depth < 10
   )
   select u.id, u.status, coalesce(up.claims, '{}') || coalesce(up.custom, '{}') as claims,
     ${list('select type, value, verified_at is not null as verified from identifiers where user_id = u.id and is_primary')} as identifiers,
     ${list(`select o.id, o.name from organization_members m join organizations o on o.id = m.organization_id
             where m.user_id = u.id and o.status = 'active' order by o.name, o.id`)} as organizations,
     ${list('select id, name, organization_id as "organizationId", path from mine order by depth, id')} as groups,
     ${list(`select id, role_id as "roleId", organization_id as "organizationId", null::uuid as "groupId",
               ${time('starts_at')} as "startsAt", ${time('expires_at')} as "expiresAt"
             from user_roles where user_id = u.id and not is_eligible
             union all
             select distinct on (gr.group_id, gr.role_id) gr.group_id, gr.role_id, mine.organization_id, gr.group_id, null::float8, null::float8
             from mine join group_roles gr on gr.group_id = mine.id`)} as assignments,
     ${list(`select id, role_id as "roleId", organization_id as "organizationId", null::uuid as "groupId",
               ${time('starts_at')} as "startsAt", ${time('expires_at')} as "expiresAt"
             from user_roles where user_id = u.id and is_eligible`)} as eligible,
     ${list(`select d.id, p.name as permission, d.effect, ${time('d.starts_at')} as "startsAt", ${time('d.expires_at')} as "expiresAt"
             from user_permissions d join permissions p on p.id = d.permission_id where d.user_id = u.id`)} as direct
   from users u left join user_profiles up on up.user_id = u.id where u.id = $1`,
);

const findRole = statement(
  'authz-role',
  `select r.id, r.name, r.organization_id as "organizationId",
     array(select parent_id from role_parents where role_id = r.id order by parent_id)::text[] as parents,
     array(select p.name from role_permissions rp join permissions p on p.id = rp.permission_id
           where rp.role_id = r.id order by p.name)::text[] as permissions
   from roles r where r.id = $1`,
);

/** @param trx with its tenants set: the statements see all assignments only then */
export const createSubjectRepository = (trx: Knex): SubjectRepository => ({
  find: async (id) => (await prepared<SubjectRow>(trx, findSubject, [id])).rows[0],
  role: async (id) => (await prepared<RoleRow>(trx, findRole, [id])).rows[0],
  memberships: (id) =>
    trx('organization_members as m')
      .join('organizations as o', 'o.id', 'm.organization_id')
      .where('m.user_id', id)
      .select('o.id', 'o.name'),
  globalRoleId: async (name) => (await trx('roles').where({ name }).whereNull('organization_id').first('id'))?.id,
});
