import type { Knex } from 'knex';

/** Accounts, their identifiers, credentials and profiles; organizations and groups (FEATURES A, I). */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create table users (
      id uuid primary key,
      status text not null default 'active' check (status in ('active', 'pending', 'locked', 'deactivated', 'deleted')),
      -- TK-10: what was issued before this moment is dead
      revoked_before timestamptz,
      last_sign_in_at timestamptz,
      version integer not null default 1,
      created_at timestamptz not null,
      updated_at timestamptz not null
    );
    create table identifiers (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      type text not null check (type in ('email', 'phone', 'username')),
      value text not null,
      -- PW-10: one account per canonical value
      canonical text not null,
      verified_at timestamptz,
      is_primary boolean not null default false,
      login_allowed boolean not null default true,
      created_at timestamptz not null
    );
    create unique index identifiers_canonical on identifiers (type, canonical);
    create index identifiers_user on identifiers (user_id);
    create unique index identifiers_primary on identifiers (user_id, type) where is_primary;
    create table user_credentials (
      user_id uuid not null references users on delete cascade,
      kind text not null check (kind in ('password')),
      hash text not null,
      changed_at timestamptz not null,
      primary key (user_id, kind)
    );
    create table password_history (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      hash text not null,
      created_at timestamptz not null
    );
    create index password_history_user on password_history (user_id, created_at desc);
    create table user_profiles (
      user_id uuid primary key references users on delete cascade,
      -- OIDC Core 1.0 §5.1 standard claims, except e-mail and phone, which are identifiers
      claims jsonb not null default '{}',
      custom jsonb not null default '{}',
      updated_at timestamptz not null
    );
    create table organizations (
      id uuid primary key,
      parent_id uuid references organizations,
      name text not null,
      slug text not null,
      status text not null default 'active' check (status in ('active', 'suspended')),
      branding jsonb not null default '{}',
      policy jsonb not null default '{}',
      revoked_before timestamptz,
      version integer not null default 1,
      created_at timestamptz not null,
      updated_at timestamptz not null
    );
    create unique index organizations_slug on organizations (slug);
    create table organization_members (
      organization_id uuid not null references organizations on delete cascade,
      user_id uuid not null references users on delete cascade,
      created_at timestamptz not null,
      primary key (organization_id, user_id)
    );
    create index organization_members_user on organization_members (user_id);
    create table groups (
      id uuid primary key,
      organization_id uuid references organizations on delete cascade,
      parent_id uuid references groups,
      name text not null,
      description text,
      version integer not null default 1,
      created_at timestamptz not null,
      updated_at timestamptz not null
    );
    create unique index groups_name on groups (coalesce(organization_id, '00000000-0000-0000-0000-000000000000'), lower(name));
    create table group_members (
      group_id uuid not null references groups on delete cascade,
      user_id uuid not null references users on delete cascade,
      role text not null default 'member',
      created_at timestamptz not null,
      primary key (group_id, user_id)
    );
    create index group_members_user on group_members (user_id);
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
