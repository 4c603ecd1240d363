import type { Knex } from 'knex';

/**
 * Objects and subjects of applications that decisions may look at (FEATURES Z5, Z9): attributes by type and id, of the deployment or of
 * one organization. Rows of the deployment are not every organization's to read, as they are elsewhere: they are some application's data.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create table authz_entities (
      id uuid primary key,
      organization_id uuid references organizations on delete cascade,
      type text not null,
      entity_id text not null,
      attributes jsonb not null default '{}',
      -- the account that this subject of an application is
      user_id uuid references users on delete cascade,
      updated_at timestamptz not null
    );
    create unique index authz_entities_name
      on authz_entities (coalesce(organization_id, '00000000-0000-0000-0000-000000000000'), type, entity_id);
    create index authz_entities_type on authz_entities (type, id);
    create index authz_entities_user on authz_entities (user_id) where user_id is not null;
    alter table authz_entities enable row level security;
    create policy authz_entities_tenant on authz_entities
      using (current_setting('app.tenants', true) = '*' or (organization_id is not null and tenant_visible(organization_id)))
      with check (tenant_writable(organization_id));
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
