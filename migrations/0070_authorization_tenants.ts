import type { Knex } from 'knex';

/**
 * Row-level security (DESIGN.md, decision 12; TN-05): rows of an organization are there for whoever named it in this transaction
 * (`app.tenants`: a comma list of ids, or `*`), and for nobody without. Rows without an organization are the deployment's own:
 * everybody reads them, an organization's administrator does not write them.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create function tenant_visible(organization_id uuid) returns boolean language sql stable as $$
      select organization_id is null
        or current_setting('app.tenants', true) = '*'
        or organization_id::text = any(string_to_array(current_setting('app.tenants', true), ','))
    $$;
    create function tenant_writable(organization_id uuid) returns boolean language sql stable as $$
      select case when organization_id is null
        then coalesce(nullif(current_setting('app.tenants', true), ''), '*') = '*'
        else current_setting('app.tenants', true) = '*'
          or organization_id::text = any(string_to_array(current_setting('app.tenants', true), ','))
      end
    $$;
    alter table roles enable row level security;
    create policy roles_tenant on roles using (tenant_visible(organization_id)) with check (tenant_writable(organization_id));
    alter table user_roles enable row level security;
    create policy user_roles_tenant on user_roles
      using (tenant_visible(organization_id)) with check (tenant_writable(organization_id));
    create index user_roles_organization on user_roles (organization_id) where organization_id is not null;
    create index roles_organization on roles (organization_id) where organization_id is not null;
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
