import type { Knex } from 'knex';
import { prepared, statement } from '../../platform/db/index.ts';

/** A right that a group brings to those in it, and where it then counts. */
export interface GroupGift {
  /** Id of the group. */
  subject: string;
  permission: string;
  organizationId: string | null;
  /** Of a right of scope `group` that its members have from elsewhere: the group, itself or above, in which it counts. */
  groupId: string | null;
}

// Roles of the group and of those above it; and, of scope `group`, whatever its members and those of the groups below hold anyhow, since
// nesting makes the groups above theirs. Inheritance and nesting are as deep as decisions follow them.
const findGifts = statement(
  'authz-group-gifts',
  `with recursive above(subject, group_id, parent_id, organization_id, depth) as (
     select g.id, g.id, g.parent_id, g.organization_id, 1 from groups g where g.id = any($1)
     union all
     select a.subject, p.id, p.parent_id, p.organization_id, a.depth + 1
     from above a join groups p on p.id = a.parent_id where a.depth < 10
   ),
   below(subject, group_id, depth) as (
     select g.id, g.id, 1 from groups g where g.id = any($1)
     union all
     select b.subject, g.id, b.depth + 1 from below b join groups g on g.parent_id = b.group_id where b.depth < 10
   ),
   people as (select distinct b.subject, m.user_id from below b join group_members m on m.group_id = b.group_id),
   theirs(user_id, group_id, depth) as (
     select m.user_id, m.group_id, 1 from group_members m where m.user_id in (select user_id from people)
     union
     select t.user_id, g.parent_id, t.depth + 1 from theirs t join groups g on g.id = t.group_id
     where g.parent_id is not null and t.depth < 10
   ),
   held as (
     select p.subject, a.role_id, a.organization_id from people p join user_roles a on a.user_id = p.user_id where not a.is_eligible
     union
     select p.subject, gr.role_id, g.organization_id from people p join theirs t on t.user_id = p.user_id
       join groups g on g.id = t.group_id join group_roles gr on gr.group_id = g.id
     union
     select p.subject, r.id, null from people p cross join roles r where r.name = 'USER' and r.organization_id is null
   ),
   closed(subject, role_id, organization_id, depth) as (
     select subject, role_id, organization_id, 0 from held
     union
     select c.subject, rp.parent_id, c.organization_id, c.depth + 1
     from closed c join role_parents rp on rp.role_id = c.role_id where c.depth < 10
   ),
   narrow as (
     select c.subject, p.name, c.organization_id from closed c join role_permissions rp on rp.role_id = c.role_id
       join permissions p on p.id = rp.permission_id where p.name like '%:group'
     union
     select p.subject, n.name, null from people p join user_permissions d on d.user_id = p.user_id
       join permissions n on n.id = d.permission_id where n.name like '%:group'
   ),
   bound(subject, role_id, organization_id, depth) as (
     select a.subject, gr.role_id, a.organization_id, 0 from above a join group_roles gr on gr.group_id = a.group_id
     union
     select b.subject, rp.parent_id, b.organization_id, b.depth + 1
     from bound b join role_parents rp on rp.role_id = b.role_id where b.depth < 10
   )
   select b.subject, p.name as permission, b.organization_id as "organizationId", null::uuid as "groupId"
   from bound b join role_permissions rp on rp.role_id = b.role_id join permissions p on p.id = rp.permission_id
   union
   select n.subject, n.name, a.organization_id, a.group_id from narrow n join above a on a.subject = n.subject
     and (n.organization_id is null or n.organization_id = a.organization_id)`,
);

/** What groups give to those in them. @param trx with all tenants set */
export const giftsOfGroups = async (trx: Knex, groupIds: readonly string[]): Promise<GroupGift[]> =>
  groupIds.length === 0 ? [] : (await prepared<GroupGift>(trx, findGifts, [groupIds])).rows;
