import type { Knex } from 'knex';

/**
 * Separation of duties (FEATURES Z7): a rule names roles and permissions, and how many of them one person may hold at a time.
 * The tables of 0071 had no module yet, so they hold nothing.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    drop table sod_exceptions;
    drop table sod_rules;
    create table sod_rules (
      id uuid primary key,
      organization_id uuid references organizations on delete cascade,
      name text not null,
      description text,
      max_held integer not null check (max_held >= 1),
      version integer not null default 1,
      created_at timestamptz not null,
      updated_at timestamptz not null
    );
    create unique index sod_rules_name on sod_rules (coalesce(organization_id, '00000000-0000-0000-0000-000000000000'), name);
    create table sod_rule_members (
      rule_id uuid not null references sod_rules on delete cascade,
      role_id uuid references roles on delete cascade,
      permission text,
      check ((role_id is null) <> (permission is null))
    );
    create unique index sod_rule_members_role on sod_rule_members (rule_id, role_id) where role_id is not null;
    create unique index sod_rule_members_permission on sod_rule_members (rule_id, permission) where permission is not null;
    create index sod_rule_members_of_role on sod_rule_members (role_id);
    create table sod_exceptions (
      rule_id uuid not null references sod_rules on delete cascade,
      user_id uuid not null references users on delete cascade,
      -- what the person was let hold together; more of the rule is a conflict again
      members text[] not null,
      reason text not null,
      granted_by text,
      created_at timestamptz not null,
      primary key (rule_id, user_id)
    );
    create index sod_exceptions_user on sod_exceptions (user_id);

    alter table sod_rules enable row level security;
    create policy sod_rules_tenant on sod_rules
      using (tenant_visible(organization_id)) with check (tenant_writable(organization_id));
    -- Rows below a rule are there where the rule is: its own policy holds inside these.
    alter table sod_rule_members enable row level security;
    create policy sod_rule_members_tenant on sod_rule_members
      using (exists (select 1 from sod_rules r where r.id = rule_id))
      with check (exists (select 1 from sod_rules r where r.id = rule_id and tenant_writable(r.organization_id)));
    alter table sod_exceptions enable row level security;
    create policy sod_exceptions_tenant on sod_exceptions
      using (exists (select 1 from sod_rules r where r.id = rule_id));
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
