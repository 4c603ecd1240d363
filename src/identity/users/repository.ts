import type { Knex } from 'knex';
import { containing, type TenantScope } from '../../platform/db/index.ts';
import type { IdentifierRow } from '../accounts/repository.ts';

export interface UserRecord {
  id: string;
  status: string;
  version: number;
  created_at: Date;
  updated_at: Date;
  last_sign_in_at: Date | null;
  claims: Record<string, unknown>;
  identifiers: (Omit<IdentifierRow, 'verified_at'> & { verified_at: string | null })[];
  organizations: { id: string; name: string }[];
}

export interface UserFilter {
  /** Of these; others are not there for the list. */
  ids?: readonly string[] | undefined;
  search?: string | undefined;
  /** Canonical. */
  canonical?: string | undefined;
  status?: string | undefined;
  organizationId?: string | undefined;
  groupId?: string | undefined;
  createdAfter?: string | undefined;
  createdBefore?: string | undefined;
  isOldestFirst?: boolean | undefined;
}

export interface UserRepository {
  /** Of these organizations' members; anybody where the scope is `all`. */
  find(id: string, scope: TenantScope): Promise<UserRecord | undefined>;
  /** By time of creation. @param after id of the last one seen */
  list(filter: UserFilter, scope: TenantScope, limit: number, after: string | undefined): Promise<UserRecord[]>;
  /** Holds the account; its version. */
  lock(id: string): Promise<number | undefined>;
  /** Claims of the profile alone, without identifiers. */
  profile(id: string): Promise<Record<string, unknown>>;
  setProfile(id: string, claims: Record<string, unknown>, now: Date): Promise<void>;
  addToOrganization(id: string, organizationId: string, now: Date): Promise<void>;
  organizationExists(id: string): Promise<boolean>;
  /** With everything that hangs on the account. */
  remove(id: string): Promise<boolean>;
}

const columns = `u.id, u.status, u.version, u.created_at, u.updated_at, u.last_sign_in_at, coalesce(p.claims, '{}') as claims,
  (select coalesce(json_agg(json_build_object('type', i.type, 'value', i.value, 'verified_at', i.verified_at, 'is_primary', i.is_primary)), '[]')
   from identifiers i where i.user_id = u.id and (i.is_primary or i.login_allowed)) as identifiers,
  (select coalesce(json_agg(json_build_object('id', o.id, 'name', o.name) order by o.name, o.id), '[]')
   from organization_members m join organizations o on o.id = m.organization_id where m.user_id = u.id) as organizations`;

/** @param trx with its tenants set: of other organizations nobody's membership is there */
export const createUserRepository = (trx: Knex): UserRepository => {
  const members = (organizationIds: readonly string[]) =>
    trx('organization_members')
      .whereIn('organization_id', [...organizationIds])
      .select('user_id');
  const visible = (scope: TenantScope) => {
    const query = trx('users as u').leftJoin('user_profiles as p', 'p.user_id', 'u.id').select(trx.raw(columns));
    return scope === 'all' ? query : query.whereIn('u.id', members(scope));
  };

  type Query = ReturnType<typeof visible>;

  const searched = (query: Query, { search, canonical }: UserFilter): void => {
    if (search !== undefined) {
      const pattern = containing(search.normalize('NFKC').toLowerCase());
      const known = trx('identifiers').where('canonical', 'like', pattern).select('user_id');
      query.where((either) => either.whereIn('u.id', known).orWhereRaw(`lower(p.claims->>'name') like ?`, [pattern]));
    }
    if (canonical !== undefined) query.whereIn('u.id', trx('identifiers').where({ canonical }).select('user_id'));
  };
  const narrow = (query: Query, filter: UserFilter): void => {
    const { ids, status, organizationId, groupId, createdAfter, createdBefore } = filter;
    if (ids !== undefined) query.whereIn('u.id', [...ids]);
    if (status !== undefined) query.where('u.status', status);
    if (organizationId !== undefined) query.whereIn('u.id', members([organizationId]));
    if (groupId !== undefined) query.whereIn('u.id', trx('group_members').where({ group_id: groupId }).select('user_id'));
    if (createdAfter !== undefined) query.where('u.created_at', '>=', createdAfter);
    if (createdBefore !== undefined) query.where('u.created_at', '<', createdBefore);
  };

  return {
    find: (id, scope) => visible(scope).where('u.id', id).first(),
    list: async (filter, scope, limit, after) => {
      const { isOldestFirst = false } = filter;
      // Ids tell the time (UUIDv7).
      const query = visible(scope)
        .orderBy('u.id', isOldestFirst ? 'asc' : 'desc')
        .limit(limit);
      searched(query, filter);
      narrow(query, filter);
      if (after !== undefined) query.where('u.id', isOldestFirst ? '>' : '<', after);
      return await query;
    },
    lock: async (id) => (await trx('users').where({ id }).forUpdate().first('version'))?.version,
    profile: async (id) => (await trx('user_profiles').where({ user_id: id }).first('claims'))?.claims ?? {},
    setProfile: async (id, claims, now) => {
      const row = { user_id: id, claims: JSON.stringify(claims), updated_at: now };
      await trx('user_profiles').insert(row).onConflict('user_id').merge(['claims', 'updated_at']);
      await trx('users')
        .where({ id })
        .update({ updated_at: now, version: trx.raw('version + 1') });
    },
    addToOrganization: async (id, organizationId, now) => {
      const row = { organization_id: organizationId, user_id: id, created_at: now };
      await trx('organization_members').insert(row).onConflict().ignore();
    },
    organizationExists: async (id) => (await trx('organizations').where({ id }).first('id')) !== undefined,
    remove: async (id) => (await trx('users').where({ id }).delete()) === 1,
  };
};
