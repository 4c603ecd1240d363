import type { Knex } from 'knex';

export interface SearchRepository {
  /** Active accounts by id, of these organizations or of all. */
  people(organizationIds: readonly string[] | 'all', limit: number, after: string | undefined): Promise<string[]>;
  /** Actions that registered permissions know of a resource. */
  actions(resource: string): Promise<string[]>;
  /** The deployment's roles that give one of the permissions. */
  rolesWith(permissions: readonly string[], limit: number): Promise<string[]>;
  clientOrganization(clientId: string): Promise<string | null | undefined>;
}

export const createSearchRepository = (db: Knex): SearchRepository => ({
  people: async (organizationIds, limit, after) => {
    const query = db('users').where({ status: 'active' }).orderBy('id').limit(limit);
    if (after !== undefined) query.where('id', '>', after);
    if (organizationIds !== 'all') {
      query.whereIn(
        'id',
        db('organization_members')
          .whereIn('organization_id', [...organizationIds])
          .select('user_id'),
      );
    }
    return (await query.select('id')).map(({ id }) => id);
  },
  actions: async (resource) => {
    const rows = await db('permissions')
      .whereRaw(`split_part(name, ':', 1) = ? and split_part(name, ':', 2) <> '*'`, [resource])
      .distinct(db.raw(`split_part(name, ':', 2) as action`));
    return rows.map(({ action }) => action).sort();
  },
  rolesWith: async (permissions, limit) => {
    const rows = await db('roles')
      .join('role_permissions', 'role_permissions.role_id', 'roles.id')
      .join('permissions', 'permissions.id', 'role_permissions.permission_id')
      .whereNull('roles.organization_id')
      .whereIn('permissions.name', [...permissions])
      .distinct('roles.name')
      .orderBy('roles.name')
      .limit(limit);
    return rows.map(({ name }) => name);
  },
  clientOrganization: async (clientId) =>
    (await db('clients').where({ client_id: clientId }).whereNull('disabled_at').first('organization_id'))?.organization_id,
});
