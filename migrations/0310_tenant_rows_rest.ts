import type { Knex } from 'knex';

/**
 * Row-level security for the rest of what belongs to a tenant (TN-05): secrets are there where their client is, and an organization is
 * there for whoever works for it; the deployment makes and removes them. What belongs to accounts or to the deployment has none
 * (docs/architecture.md, "Whose rows are whose").
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    alter table client_secrets enable row level security;
    create policy client_secrets_tenant on client_secrets
      using (exists (select 1 from clients c where c.client_id = client_secrets.client_id))
      with check (exists (select 1 from clients c where c.client_id = client_secrets.client_id and tenant_writable(c.organization_id)));
    alter table organizations enable row level security;
    create policy organizations_read on organizations for select using (tenant_visible(id));
    create policy organizations_change on organizations for update using (tenant_writable(id)) with check (tenant_writable(id));
    create policy organizations_add on organizations for insert with check (tenant_writable(null));
    create policy organizations_remove on organizations for delete using (tenant_visible(id) and tenant_writable(null))`);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
