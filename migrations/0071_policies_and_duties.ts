import type { Knex } from 'knex';

/** Policies with their versions (FEATURES Z4) and separation of duties (FEATURES Z7). */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create table policies (
      id uuid primary key,
      organization_id uuid references organizations on delete cascade,
      name text not null,
      active_version integer,
      version integer not null default 1,
      created_at timestamptz not null,
      updated_at timestamptz not null
    );
    create unique index policies_name on policies (coalesce(organization_id, '00000000-0000-0000-0000-000000000000'), name);
    create table policy_versions (
      policy_id uuid not null references policies on delete cascade,
      number integer not null,
      state text not null check (state in ('draft', 'active', 'archived')),
      effect text not null check (effect in ('allow', 'deny')),
      priority integer not null,
      target jsonb not null,
      condition jsonb not null,
      tests jsonb not null default '[]',
      created_by text,
      created_at timestamptz not null,
      activated_at timestamptz,
      primary key (policy_id, number)
    );
    create unique index policy_versions_active on policy_versions (policy_id) where state = 'active';
    alter table policies enable row level security;
    create policy policies_tenant on policies
      using (tenant_visible(organization_id)) with check (tenant_writable(organization_id));

    create table sod_rules (
      id uuid primary key,
      organization_id uuid references organizations on delete cascade,
      name text not null,
      description text,
      -- of these nobody holds two: roles by id, permissions by name
      kind text not null check (kind in ('role', 'permission')),
      members text[] not null,
      created_at timestamptz not null
    );
    create unique index sod_rules_name on sod_rules (coalesce(organization_id, '00000000-0000-0000-0000-000000000000'), name);
    alter table sod_rules enable row level security;
    create policy sod_rules_tenant on sod_rules
      using (tenant_visible(organization_id)) with check (tenant_writable(organization_id));
    create table sod_exceptions (
      rule_id uuid not null references sod_rules on delete cascade,
      user_id uuid not null references users on delete cascade,
      reason text not null,
      granted_by uuid,
      created_at timestamptz not null,
      expires_at timestamptz,
      primary key (rule_id, user_id)
    );
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
