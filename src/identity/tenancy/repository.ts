import type { Knex } from 'knex';
import { maxDepth, type Tree } from './tree.ts';

const walk = (table: string, from: string, to: string): string => `with recursive tree(id, depth) as (
    select ?::uuid, 0
    union
    select t.${to}, tree.depth + 1 from tree join ${table} t on t.${from} = tree.id where t.${to} is not null and tree.depth <= ${maxDepth}
  ) select id, max(depth) as depth from tree group by id`;

export const createTree = (trx: Knex, table: 'groups' | 'organizations'): Tree => ({
  above: async (id) => (await trx.raw(walk(table, 'id', 'parent_id'), [id])).rows,
  below: async (id) => (await trx.raw(walk(table, 'parent_id', 'id'), [id])).rows,
});

const owners = { group_members: 'group_id', organization_members: 'organization_id' } as const;

/** Who is in a group or organization, with primary address and name. */
export const membersOf = (trx: Knex, table: keyof typeof owners, id: string): Knex.QueryBuilder =>
  trx(`${table} as m`)
    .leftJoin('user_profiles as p', 'p.user_id', 'm.user_id')
    .leftJoin('identifiers as i', (join) =>
      join.on('i.user_id', 'm.user_id').andOnVal('i.type', 'email').andOnVal('i.is_primary', true),
    )
    .where({ [owners[table]]: id })
    .select('m.*', 'i.value as email', trx.raw(`p.claims->>'name' as name`));

export const pageOfMembers = (members: Knex.QueryBuilder, limit: number, after: string | undefined): Knex.QueryBuilder => {
  const query = members.orderBy('m.user_id').limit(limit);
  return after === undefined ? query : query.where('m.user_id', '>', after);
};
