import type { Knex } from 'knex';

/**
 * Row-level security for what is read before it is known for whom (TN-05): those reads say so (`inAllTenants`), so that a statement
 * that forgot to say for whom it runs sees nothing of any organization.
 */
export const up = async (knex: Knex): Promise<void> => {
  for (const table of ['clients', 'resources', 'social_accounts']) {
    await knex.raw(`
      alter table ${table} enable row level security;
      create policy ${table}_tenant on ${table}
        using (tenant_visible(organization_id)) with check (tenant_writable(organization_id))`);
  }
  // The log takes what anybody does, wherever it happens. What happened in no organization is not for those who read for some (TN-03).
  await knex.raw(`
    create function event_visible(organization_id uuid) returns boolean language sql stable as $$
      select case coalesce(current_setting('app.tenants', true), '')
        when '*' then true
        when '' then organization_id is null
        else organization_id is not null and organization_id::text = any(string_to_array(current_setting('app.tenants', true), ','))
      end
    $$;
    alter table audit_events enable row level security;
    create policy audit_events_add on audit_events for insert with check (true);
    create policy audit_events_tenant on audit_events for select using (event_visible(organization_id));
    do $$
    declare partition regclass;
    begin
      for partition in select inhrelid::regclass from pg_inherits where inhparent = 'audit_events'::regclass loop
        execute format('alter table %s enable row level security', partition);
      end loop;
    end $$`);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
