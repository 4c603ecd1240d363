import type { Knex } from 'knex';

/** Roles, permissions and their assignments (FEATURES Z1-Z3). */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create table permissions (
      id uuid primary key,
      -- resource:action:scope
      name text not null unique,
      description text,
      created_at timestamptz not null
    );
    create table roles (
      id uuid primary key,
      organization_id uuid references organizations on delete cascade,
      name text not null,
      description text,
      is_system boolean not null default false,
      version integer not null default 1,
      created_at timestamptz not null,
      updated_at timestamptz not null
    );
    create unique index roles_name on roles (coalesce(organization_id, '00000000-0000-0000-0000-000000000000'), name);
    create table role_parents (
      role_id uuid not null references roles on delete cascade,
      parent_id uuid not null references roles on delete cascade,
      primary key (role_id, parent_id),
      check (role_id <> parent_id)
    );
    create index role_parents_parent on role_parents (parent_id);
    create table role_permissions (
      role_id uuid not null references roles on delete cascade,
      permission_id uuid not null references permissions on delete cascade,
      primary key (role_id, permission_id)
    );
    create index role_permissions_permission on role_permissions (permission_id);
    create table user_roles (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      role_id uuid not null references roles on delete cascade,
      organization_id uuid references organizations on delete cascade,
      -- an eligible assignment counts only while activated (JIT, FEATURES G3)
      is_eligible boolean not null default false,
      starts_at timestamptz,
      expires_at timestamptz,
      reason text,
      granted_by uuid,
      created_at timestamptz not null,
      check (starts_at is null or expires_at is null or starts_at < expires_at)
    );
    create index user_roles_user on user_roles (user_id);
    create index user_roles_role on user_roles (role_id);
    create table group_roles (
      group_id uuid not null references groups on delete cascade,
      role_id uuid not null references roles on delete cascade,
      created_at timestamptz not null,
      primary key (group_id, role_id)
    );
    create index group_roles_role on group_roles (role_id);
    create table user_permissions (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      permission_id uuid not null references permissions on delete cascade,
      effect text not null check (effect in ('allow', 'deny')),
      starts_at timestamptz,
      expires_at timestamptz,
      reason text,
      granted_by uuid,
      created_at timestamptz not null,
      check (starts_at is null or expires_at is null or starts_at < expires_at)
    );
    create index user_permissions_user on user_permissions (user_id);
    create index user_permissions_permission on user_permissions (permission_id);
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
