import type { Knex } from 'knex';

// Tables with an organization of their own, and tables whose rows belong to a row that has one.
const own = ['groups', 'organization_members'];
const children = [
  ['group_members', 'groups', 'group_id'],
  ['group_roles', 'groups', 'group_id'],
  ['role_permissions', 'roles', 'role_id'],
  ['role_parents', 'roles', 'role_id'],
  ['policy_versions', 'policies', 'policy_id'],
] as const;

/** Row-level security for what 0070 and 0071 left out (TN-05). A child row is there where its parent is: the parent's policy holds inside. */
export const up = async (knex: Knex): Promise<void> => {
  for (const table of own) {
    await knex.raw(`
      alter table ${table} enable row level security;
      create policy ${table}_tenant on ${table}
        using (tenant_visible(organization_id)) with check (tenant_writable(organization_id))`);
  }
  for (const [table, parent, column] of children) {
    await knex.raw(`
      alter table ${table} enable row level security;
      create policy ${table}_tenant on ${table}
        using (exists (select 1 from ${parent} p where p.id = ${column}))
        with check (exists (select 1 from ${parent} p where p.id = ${column} and tenant_writable(p.organization_id)))`);
  }
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
