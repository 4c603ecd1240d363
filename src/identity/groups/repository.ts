import type { Knex } from 'knex';
import { containing, type TenantScope } from '../../platform/db/index.ts';
import { createTree, membersOf, pageOfMembers } from '../tenancy/repository.ts';
import type { Tree } from '../tenancy/tree.ts';

export interface GroupRecord {
  id: string;
  organization_id: string | null;
  name: string;
  description: string | null;
  parent: { id: string; name: string } | null;
  memberCount: number;
  version: number;
  created_at: Date;
  updated_at: Date;
}

export interface GroupMember {
  user_id: string;
  role: string;
  created_at: Date;
  email: string | null;
  name: string | null;
}

export interface GroupFilter {
  ids?: readonly string[] | undefined;
  organizationId?: string | undefined;
  search?: string | undefined;
  /** Id of the group above. */
  parentId?: string | undefined;
  /** Groups that this person is in. */
  memberId?: string | undefined;
}

interface GroupChange {
  name: string;
  description: string | null;
  parent_id: string | null;
  updated_at: Date;
}

export interface GroupRepository extends Tree {
  /** By id or name, of these organizations; the deployment's own only where the scope is `all`, and first among equals. */
  find(idOrName: { id: string } | { name: string }, scope: TenantScope): Promise<GroupRecord | undefined>;
  list(filter: GroupFilter, scope: TenantScope, limit: number, after: readonly string[] | undefined): Promise<GroupRecord[]>;
  /** False when the name is taken in that organization. */
  insert(group: Omit<GroupChange, 'updated_at'> & { id: string; organization_id: string | null }, now: Date): Promise<boolean>;
  /** Holds the row: one change after the other. */
  lock(id: string): Promise<void>;
  /** Counts the version up. */
  update(id: string, change: GroupChange): Promise<void>;
  isNamed(name: string, organizationId: string | null): Promise<boolean>;
  remove(id: string): Promise<void>;
  members(id: string, limit: number, after: string | undefined): Promise<GroupMember[]>;
  member(id: string, userId: string): Promise<GroupMember | undefined>;
  /** False when the person is in it. */
  addMember(id: string, userId: string, role: string, now: Date): Promise<boolean>;
  setRole(id: string, userId: string, role: string): Promise<void>;
  removeMember(id: string, userId: string): Promise<boolean>;
  organizationExists(id: string): Promise<boolean>;
  /** Whether the person is there, and of that organization. */
  personIn(userId: string, organizationId: string | null): Promise<'here' | 'elsewhere' | 'nobody'>;
}

const columns = `groups.id, groups.organization_id, groups.name, groups.description, groups.version, groups.created_at, groups.updated_at,
  (select json_build_object('id', p.id, 'name', p.name) from groups p where p.id = groups.parent_id) as parent,
  (select count(*)::int from group_members m where m.group_id = groups.id) as "memberCount"`;

/** @param trx with its tenants set */
export const createGroupRepository = (trx: Knex): GroupRepository => {
  const visible = (scope: TenantScope) => {
    const query = trx('groups').select(trx.raw(columns));
    return scope === 'all' ? query : query.whereIn('groups.organization_id', [...scope]);
  };
  const members = (id: string) => membersOf(trx, 'group_members', id);
  return {
    find: (wanted, scope) => {
      const query = visible(scope);
      if ('id' in wanted) query.where('groups.id', wanted.id);
      else query.whereRaw('lower(groups.name) = lower(?)', [wanted.name]);
      return query.orderByRaw('groups.organization_id nulls first').first();
    },
    list: async ({ ids, organizationId, search, parentId, memberId }, scope, limit, after) => {
      const query = visible(scope).orderByRaw('lower(groups.name), groups.id').limit(limit);
      if (ids !== undefined) query.whereIn('groups.id', [...ids]);
      if (organizationId !== undefined) query.where('groups.organization_id', organizationId);
      if (search !== undefined) query.whereILike('groups.name', containing(search));
      if (parentId !== undefined) query.where('groups.parent_id', parentId);
      if (memberId !== undefined)
        query.whereIn('groups.id', trx('group_members').where({ user_id: memberId }).select('group_id'));
      if (after) query.whereRaw('(lower(groups.name), groups.id) > (lower(?), ?::uuid)', [...after]);
      return await query;
    },
    insert: async (group, now) => {
      const row = { ...group, created_at: now, updated_at: now };
      return (await trx('groups').insert(row).onConflict().ignore().returning('id')).length === 1;
    },
    lock: async (id) => void (await trx('groups').where({ id }).forUpdate().first('id')),
    update: async (id, change) =>
      void (await trx('groups')
        .where({ id })
        .update({ ...change, version: trx.raw('version + 1') })),
    isNamed: async (name, organizationId) => {
      const query = trx('groups').whereRaw('lower(name) = lower(?)', [name]);
      if (organizationId === null) query.whereNull('organization_id');
      else query.where({ organization_id: organizationId });
      return (await query.first('id')) !== undefined;
    },
    remove: async (id) => void (await trx('groups').where({ id }).delete()),
    ...createTree(trx, 'groups'),
    members: async (id, limit, after) => pageOfMembers(members(id), limit, after),
    member: (id, userId) => members(id).where('m.user_id', userId).first(),
    addMember: async (id, userId, role, now) => {
      const row = { group_id: id, user_id: userId, role, created_at: now };
      return (await trx('group_members').insert(row).onConflict().ignore().returning('user_id')).length === 1;
    },
    setRole: async (id, userId, role) =>
      void (await trx('group_members').where({ group_id: id, user_id: userId }).update({ role })),
    removeMember: async (id, userId) => (await trx('group_members').where({ group_id: id, user_id: userId }).delete()) === 1,
    organizationExists: async (id) => (await trx('organizations').where({ id }).first('id')) !== undefined,
    personIn: async (userId, organizationId) => {
      if ((await trx('users').where({ id: userId }).whereNot({ status: 'deleted' }).first('id')) === undefined) return 'nobody';
      if (organizationId === null) return 'here';
      const row = { organization_id: organizationId, user_id: userId };
      return (await trx('organization_members').where(row).first('user_id')) === undefined ? 'elsewhere' : 'here';
    },
  };
};
