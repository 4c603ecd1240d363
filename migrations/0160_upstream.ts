import type { Knex } from 'knex';

/** Upstream providers, who is known to them, and sign-ins that are away at one (FEATURES A5). */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create table upstream_providers (
      id uuid primary key,
      organization_id uuid references organizations on delete cascade,
      -- stands in addresses; an organization's has its id there, so that no organization learns another's names
      name text not null unique,
      display_name text not null,
      kind text not null check (kind in ('google', 'facebook', 'github', 'oidc')),
      issuer text,
      client_id text not null,
      client_secret_sealed text,
      client_authentication text not null,
      scopes jsonb not null,
      -- SO-01: whose addresses it answers for; '*' for all
      trusted_domains jsonb not null,
      trusts_factors boolean not null,
      allows_sign_up boolean not null,
      is_enabled boolean not null,
      version integer not null default 1,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      check (kind <> 'oidc' or issuer is not null)
    );
    create index upstream_providers_organization on upstream_providers (organization_id) where organization_id is not null;
    alter table upstream_providers enable row level security;
    create policy upstream_providers_tenant on upstream_providers
      using (tenant_visible(organization_id)) with check (tenant_writable(organization_id));

    create table social_accounts (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      -- SO-05: whose provider said so, who it is, and whom it spoke of
      organization_id uuid references organizations on delete cascade,
      issuer text not null,
      subject text not null,
      provider text not null,
      -- as the provider named it when it was linked, for the person to recognize
      name text,
      email text,
      created_at timestamptz not null,
      last_used_at timestamptz
    );
    create unique index social_accounts_identity on social_accounts
      (coalesce(organization_id, '00000000-0000-0000-0000-000000000000'), issuer, subject);
    create index social_accounts_user on social_accounts (user_id);

    create table upstream_flows (
      -- SHA-256 of what its holder brings: state, interaction, session, code
      id text primary key,
      kind text not null check (kind in ('start', 'page', 'connect', 'link', 'exchange')),
      provider text not null,
      -- SO-03: SHA-256 of what the browser holds
      browser_hash text not null,
      content_sealed text not null,
      created_at timestamptz not null,
      expires_at timestamptz not null
    );
    create index upstream_flows_expiry on upstream_flows (expires_at);
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
