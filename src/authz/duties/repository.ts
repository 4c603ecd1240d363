import type { Knex } from 'knex';
import { prepared, statement } from '../../platform/db/index.ts';
import type { Holding, Rule } from './conflicts.ts';

export interface RuleRecord extends Rule {
  description: string | null;
  roles: { id: string; name: string }[];
  permissions: string[];
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

export interface RuleContent {
  name: string;
  description: string | null;
  maxHeld: number;
  roleIds: readonly string[];
  permissions: readonly string[];
}

export interface ExceptionRow {
  rule_id: string;
  user_id: string;
  members: string[];
  reason: string;
  granted_by: string | null;
  created_at: Date;
}

export interface SuspectQuery {
  userIds?: readonly string[] | undefined;
  ruleId?: string | undefined;
  /** People who are members of one of these. */
  memberOf?: readonly string[] | undefined;
  /** How many pairs of person and rule; all where absent. */
  limit?: number | undefined;
  /** Person and rule of the last pair seen. */
  after?: readonly string[] | undefined;
}

export interface DutyRepository {
  /** One change of what people hold after the other: of two that give the halves of a conflict, the second sees the first (AZ-11). */
  lock(): Promise<void>;
  find(idOrName: { id: string } | { name: string }): Promise<RuleRecord | undefined>;
  list(limit: number, after: readonly string[] | undefined): Promise<RuleRecord[]>;
  all(): Promise<Rule[]>;
  /** False when the name is taken in that organization. */
  insert(id: string, organizationId: string | null, content: RuleContent, now: Date): Promise<boolean>;
  /** Counts the version up. False when the name is taken. */
  update(id: string, content: RuleContent, now: Date): Promise<boolean>;
  remove(id: string): Promise<void>;
  /** What people hold of a rule, who hold more of it than they may, at whatever time from now on; by person and rule. */
  suspects(query: SuspectQuery, now: Date): Promise<Holding[]>;
  except(row: ExceptionRow): Promise<void>;
  exceptions(userIds: readonly string[]): Promise<ExceptionRow[]>;
}

const dutiesLock = 7_203_571;
const scopes = `array['own', 'group', 'organization', 'any']`;
const part = (name: string, number: number): string => `split_part(${name}, ':', ${number})`;
const meets = (number: number): string =>
  `(${part('p.name', number)} in ('*', ${part('w.permission', number)}) or ${part('w.permission', number)} = '*')`;
const ms = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`;

// From the rule's members to the roles that give them, to the groups and people who have those. Inheritance and nesting are as deep
// as decisions follow them. Eligible assignments confer nothing; what nobody may use at the moment (a suspended organization, a
// deactivated account, a direct deny) counts all the same, so that its return is no way around the rule.
/** @param mine which people: a condition on their id, by which an index finds what a few of them hold */
const suspectsSql = (mine: (userId: string) => string): string => `with recursive wanted as (
     select m.rule_id, m.role_id, m.permission, coalesce('role:' || m.role_id, 'permission:' || m.permission) as member
     from sod_rule_members m where ($3::uuid is null or m.rule_id = $3)
   ),
   speaking as (
     select w.rule_id, w.member, w.permission as label, p.id as permission_id from wanted w join permissions p
       on ${meets(1)} and ${meets(2)}
       and array_position(${scopes}, ${part('p.name', 3)}) >= array_position(${scopes}, ${part('w.permission', 3)})
   ),
   reach(rule_id, member, label, role_id, path, depth) as (
     select * from (
       select w.rule_id, w.member, r.name as label, r.id as role_id, array[r.name] as path, 0 as depth from wanted w join roles r on r.id = w.role_id
       union all
       select s.rule_id, s.member, s.label, r.id, array[r.name], 0
       from speaking s join role_permissions rp on rp.permission_id = s.permission_id join roles r on r.id = rp.role_id
     ) first
     union all
     select reach.rule_id, reach.member, reach.label, r.id, array[r.name] || reach.path, reach.depth + 1
     from reach join role_parents c on c.parent_id = reach.role_id join roles r on r.id = c.role_id where reach.depth < 10
   ),
   reached as (
     select distinct on (rule_id, member, role_id) rule_id, member, label, role_id, path
     from reach order by rule_id, member, role_id, depth
   ),
   bound as (
     select gr.group_id, gr.role_id, g.organization_id, g.name from group_roles gr join groups g on g.id = gr.group_id
     where gr.role_id in (select role_id from reached)
   ),
   under(bound_id, group_id, path, depth) as (
     select distinct group_id, group_id, array[name], 1 from bound
     union all
     select under.bound_id, g.id, array[g.name] || under.path, under.depth + 1
     from under join groups g on g.parent_id = under.group_id where under.depth < 10
   ),
   held as (
     select user_id, role_id, organization_id, starts_at, expires_at, 'role' as kind, id as ref, '{}'::text[] as path
     from user_roles where not is_eligible and role_id in (select role_id from reached) and ${mine('user_id')}
     union all
     select m.user_id, b.role_id, b.organization_id, null, null, 'group', b.group_id, u.path
     from bound b join under u on u.bound_id = b.group_id join group_members m on m.group_id = u.group_id
     where ${mine('m.user_id')}
     union all
     select u.id, r.id, null, null, null, 'default', r.id, '{}'
     from users u cross join roles r where r.name = 'USER' and r.organization_id is null
       and r.id in (select role_id from reached) and ${mine('u.id')}
   ),
   holdings as (
     select r.rule_id, h.user_id, r.member, r.label, h.organization_id, h.starts_at, h.expires_at, h.kind, h.ref, r.path as role_path, h.path as group_path
     from held h join reached r on r.role_id = h.role_id
     union all
     select s.rule_id, d.user_id, s.member, s.label, null, d.starts_at, d.expires_at, 'direct', d.id, '{}', '{}'
     from speaking s join user_permissions d on d.permission_id = s.permission_id
     where d.effect = 'allow' and ${mine('d.user_id')}
   ),
   counted as (
     select h.*, s.max_held from holdings h join sod_rules s on s.id = h.rule_id
     where (h.expires_at is null or h.expires_at > $2)
       and (s.organization_id is null or h.organization_id = s.organization_id
         or (h.organization_id is null and exists (select 1 from organization_members o
             where o.organization_id = s.organization_id and o.user_id = h.user_id)))
       and ($4::uuid[] is null or exists (select 1 from organization_members o
            where o.organization_id = any($4) and o.user_id = h.user_id))
   ),
   -- Windows instead of joins: how many members meet in one pair of person and rule, and which pair it is.
   numbered as (
     select *, dense_rank() over (partition by user_id, rule_id order by member) as member_number from counted
     where $5::uuid is null or (user_id, rule_id) > ($5, $6::uuid)
   ),
   suspected as (
     select *, max(member_number) over (partition by user_id, rule_id) as members from numbered
   ),
   paged as (
     select *, dense_rank() over (order by user_id, rule_id) as pair from suspected where members > max_held
   )
   select rule_id as "ruleId", user_id as "userId", member, label, organization_id as "organizationId",
     ${ms('starts_at')} as "startsAt", ${ms('expires_at')} as "expiresAt", kind, ref, role_path as "rolePath", group_path as "groupPath"
   from paged where $7::int is null or pair <= $7
   order by user_id, rule_id, member, kind, ref`;

const suspectsAmong = statement(
  'authz-duty-suspects-among',
  suspectsSql((userId) => `${userId} = any($1::uuid[])`),
);
const suspectsOfAll = statement(
  'authz-duty-suspects',
  suspectsSql(() => '$1::uuid[] is null'),
);

type HoldingRow = Omit<Holding, 'startsAt' | 'expiresAt'> & { startsAt: number | null; expiresAt: number | null };

const columns = {
  id: 'id',
  name: 'name',
  description: 'description',
  organizationId: 'organization_id',
  maxHeld: 'max_held',
  version: 'version',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
};

const members = `
  (select coalesce(json_agg(json_build_object('id', r.id, 'name', r.name) order by r.name, r.id), '[]')
   from sod_rule_members m join roles r on r.id = m.role_id where m.rule_id = sod_rules.id) as roles,
  array(select m.permission from sod_rule_members m where m.rule_id = sod_rules.id and m.permission is not null order by 1)::text[] as permissions`;

/** @param trx with its tenants set */
export const createDutyRepository = (trx: Knex): DutyRepository => {
  const records = () => trx('sod_rules').select(columns).select(trx.raw(members));
  const setMembers = async (ruleId: string, { roleIds, permissions }: RuleContent): Promise<void> => {
    await trx('sod_rule_members').where({ rule_id: ruleId }).delete();
    const rows = [...roleIds.map((id) => ({ role_id: id })), ...permissions.map((permission) => ({ permission }))];
    await trx('sod_rule_members').insert(rows.map((row) => ({ rule_id: ruleId, role_id: null, permission: null, ...row })));
  };
  const isTaken = async (id: string, name: string): Promise<boolean> =>
    (await trx('sod_rules')
      .where({ name })
      .whereNot({ id })
      .whereRaw('organization_id is not distinct from (select organization_id from sod_rules where id = ?)', [id])
      .first('id')) !== undefined;
  return {
    lock: async () => void (await trx.raw('select pg_advisory_xact_lock(?)', [dutiesLock])),
    find: (wanted) => records().where(wanted).orderByRaw('organization_id nulls first').first(),
    list: async (limit, after) => {
      const query = records().orderBy(['name', 'id']).limit(limit);
      if (after) query.whereRaw('(name, id) > (?, ?::uuid)', [...after]);
      return await query;
    },
    all: () =>
      trx('sod_rules').select({ id: 'id', name: 'name', organizationId: 'organization_id', maxHeld: 'max_held' }).orderBy('id'),
    insert: async (id, organizationId, content, now) => {
      const { name, description, maxHeld } = content;
      const row = { id, organization_id: organizationId, name, description, max_held: maxHeld, created_at: now, updated_at: now };
      const isNew = (await trx('sod_rules').insert(row).onConflict().ignore().returning('id')).length === 1;
      if (isNew) await setMembers(id, content);
      return isNew;
    },
    update: async (id, content, now) => {
      const { name, description, maxHeld } = content;
      if (await isTaken(id, name)) return false;
      const change = { name, description, max_held: maxHeld, updated_at: now, version: trx.raw('version + 1') };
      await trx('sod_rules').where({ id }).update(change);
      await setMembers(id, content);
      return true;
    },
    remove: async (id) => void (await trx('sod_rules').where({ id }).delete()),
    suspects: async ({ userIds, ruleId, memberOf, limit, after }, now) => {
      const [lastUser = null, lastRule = null] = after ?? [];
      const values = [userIds ?? null, now, ruleId ?? null, memberOf ?? null, lastUser, lastRule, limit ?? null];
      const { rows } = await prepared<HoldingRow>(trx, userIds ? suspectsAmong : suspectsOfAll, values);
      return rows.map((row) => ({
        ...row,
        startsAt: row.startsAt ?? 0,
        expiresAt: row.expiresAt ?? Number.POSITIVE_INFINITY,
      }));
    },
    except: async (row) => void (await trx('sod_exceptions').insert(row).onConflict(['rule_id', 'user_id']).merge()),
    exceptions: (userIds) => trx('sod_exceptions').whereIn('user_id', [...userIds]),
  };
};
