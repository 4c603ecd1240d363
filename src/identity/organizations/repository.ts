import type { Knex } from 'knex';
import { containing, type TenantScope } from '../../platform/db/index.ts';
import { createTree, membersOf, pageOfMembers } from '../tenancy/repository.ts';
import type { Tree } from '../tenancy/tree.ts';
import type { Branding } from './schema.ts';

export interface OrganizationRecord {
  id: string;
  name: string;
  slug: string;
  status: string;
  parent_id: string | null;
  /** Where it is of those that the transaction sees (TN-03). */
  parent: { id: string; name: string } | null;
  branding: Branding;
  memberCount: number;
  version: number;
  created_at: Date;
  updated_at: Date;
}

export interface OrganizationMember {
  user_id: string;
  created_at: Date;
  email: string | null;
  name: string | null;
}

interface Content {
  name: string;
  slug: string;
  parent_id: string | null;
  status: string;
  branding: Branding;
}

export interface OrganizationFilter {
  search?: string | undefined;
  parentId?: string | undefined;
  memberId?: string | undefined;
}

export interface OrganizationRepository extends Tree {
  /** By id or slug, of these. */
  find(idOrSlug: { id: string } | { slug: string }, scope: TenantScope): Promise<OrganizationRecord | undefined>;
  list(
    filter: OrganizationFilter,
    scope: TenantScope,
    limit: number,
    after: readonly string[] | undefined,
  ): Promise<OrganizationRecord[]>;
  /** False when the slug is taken. */
  insert(id: string, content: Content, now: Date): Promise<boolean>;
  /** Holds the row; its version. */
  lock(id: string): Promise<number | undefined>;
  /** Counts the version up. */
  update(id: string, content: Content, now: Date): Promise<void>;
  isSlugTaken(slug: string): Promise<boolean>;
  /** Serializes what changes the hierarchy. */
  lockHierarchy(): Promise<void>;
  members(id: string, limit: number, after: string | undefined): Promise<OrganizationMember[]>;
  memberIds(id: string): Promise<string[]>;
  member(id: string, userId: string): Promise<OrganizationMember | undefined>;
  /** False when the person is one. */
  addMember(id: string, userId: string, now: Date): Promise<boolean>;
  /** With the membership in its groups. */
  removeMember(id: string, userId: string): Promise<void>;
  /** Whether there is such a person, among the members of these. */
  isVisible(userId: string, scope: TenantScope): Promise<boolean>;
}

const columns = `o.id, o.name, o.slug, o.status, o.branding, o.version, o.created_at, o.updated_at, o.parent_id,
  (select json_build_object('id', p.id, 'name', p.name) from organizations p where p.id = o.parent_id) as parent,
  (select count(*)::int from organization_members m where m.organization_id = o.id) as "memberCount"`;

const hierarchyLock = 7_203_571;
const rowOf = ({ branding, ...content }: Content) => ({ ...content, branding: JSON.stringify(branding) });

/** @param trx with its tenants set */
export const createOrganizationRepository = (trx: Knex): OrganizationRepository => {
  const visible = (scope: TenantScope) => {
    const query = trx('organizations as o').select(trx.raw(columns));
    return scope === 'all' ? query : query.whereIn('o.id', [...scope]);
  };
  const members = (id: string) => membersOf(trx, 'organization_members', id);
  const membership = (id: string, userId: string) => ({ organization_id: id, user_id: userId });

  return {
    find: (wanted, scope) => {
      const [[column, value] = ['id', '']] = Object.entries(wanted);
      return visible(scope).where(`o.${column}`, value).first();
    },
    list: async ({ search, parentId, memberId }, scope, limit, after) => {
      const query = visible(scope).orderByRaw('lower(o.name), o.id').limit(limit);
      const pattern = containing(search ?? '');
      if (search !== undefined) query.where((either) => either.whereILike('o.name', pattern).orWhereILike('o.slug', pattern));
      if (parentId !== undefined) query.where('o.parent_id', parentId);
      if (memberId !== undefined)
        query.whereIn('o.id', trx('organization_members').where({ user_id: memberId }).select('organization_id'));
      if (after) query.whereRaw('(lower(o.name), o.id) > (lower(?), ?::uuid)', [...after]);
      return await query;
    },
    insert: async (id, content, now) => {
      const row = { id, ...rowOf(content), created_at: now, updated_at: now };
      return (await trx('organizations').insert(row).onConflict('slug').ignore().returning('id')).length === 1;
    },
    lock: async (id) => (await trx('organizations').where({ id }).forUpdate().first('version'))?.version,
    update: async (id, content, now) =>
      void (await trx('organizations')
        .where({ id })
        .update({ ...rowOf(content), updated_at: now, version: trx.raw('version + 1') })),
    isSlugTaken: async (slug) => (await trx('organizations').where({ slug }).first('id')) !== undefined,
    lockHierarchy: async () => void (await trx.raw('select pg_advisory_xact_lock(?)', [hierarchyLock])),
    ...createTree(trx, 'organizations'),
    members: async (id, limit, after) => pageOfMembers(members(id), limit, after),
    memberIds: (id) => trx('organization_members').where({ organization_id: id }).pluck('user_id'),
    member: (id, userId) => members(id).where('m.user_id', userId).first(),
    addMember: async (id, userId, now) => {
      const row = { ...membership(id, userId), created_at: now };
      return (await trx('organization_members').insert(row).onConflict().ignore().returning('user_id')).length === 1;
    },
    removeMember: async (id, userId) => {
      const groups = trx('groups').where({ organization_id: id }).select('id');
      await trx('group_members').where({ user_id: userId }).whereIn('group_id', groups).delete();
      await trx('organization_members').where(membership(id, userId)).delete();
    },
    isVisible: async (userId, scope) => {
      const query = trx('users').where({ id: userId }).whereNot({ status: 'deleted' });
      if (scope !== 'all')
        query.whereIn(
          'id',
          trx('organization_members')
            .whereIn('organization_id', [...scope])
            .select('user_id'),
        );
      return (await query.first('id')) !== undefined;
    },
  };
};
