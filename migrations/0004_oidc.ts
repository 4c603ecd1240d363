import type { Knex } from 'knex';

/** Provider artifacts, clients, resources, signing keys, sessions (FEATURES P5, P6, P10, A10). */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create table oidc_artifacts (
      kind text not null,
      -- SHA-256 of the id, base64url: a dump signs nobody in
      id text not null,
      payload jsonb not null,
      account_id uuid,
      client_id text,
      -- the three below are SHA-256 as well
      grant_id text,
      session_uid text,
      lookup text,
      consumed_at timestamptz,
      expires_at timestamptz,
      created_at timestamptz not null,
      primary key (kind, id)
    ) with (fillfactor = 85);
    create index oidc_artifacts_grant on oidc_artifacts (grant_id) where grant_id is not null;
    create index oidc_artifacts_account on oidc_artifacts (account_id) where account_id is not null;
    create index oidc_artifacts_session on oidc_artifacts (session_uid) where session_uid is not null;
    create unique index oidc_artifacts_lookup on oidc_artifacts (kind, lookup) where lookup is not null;
    create index oidc_artifacts_expiry on oidc_artifacts (expires_at) where expires_at is not null;

    create table clients (
      client_id text primary key,
      organization_id uuid references organizations,
      name text not null,
      -- RFC 7591 metadata without client_secret
      metadata jsonb not null,
      -- what only an administrator may set: require_pkce, profile, lifetimes, claim mapping, consent
      settings jsonb not null default '{}',
      source text not null check (source in ('builtin', 'bootstrap', 'admin', 'dynamic')),
      is_first_party boolean not null default false,
      is_verified boolean not null default false,
      disabled_at timestamptz,
      revoked_before timestamptz,
      version integer not null default 1,
      created_at timestamptz not null,
      updated_at timestamptz not null
    );
    create table client_secrets (
      id uuid primary key,
      client_id text not null references clients on delete cascade,
      -- a digest, or the sealed value where the method needs it (client_secret_jwt, symmetric ID token algorithms)
      digest text,
      sealed text,
      created_at timestamptz not null,
      expires_at timestamptz,
      check (digest is not null or sealed is not null)
    );
    create index client_secrets_client on client_secrets (client_id);
    create table resources (
      id uuid primary key,
      identifier text not null unique,
      organization_id uuid references organizations,
      name text not null,
      -- [{"name","description"}]
      scopes jsonb not null default '[]',
      access_token_format text not null check (access_token_format in ('jwt', 'opaque')),
      access_token_ttl_seconds integer check (access_token_ttl_seconds between 1 and 31536000),
      signing_alg text,
      introspection_clients jsonb not null default '[]',
      source text not null check (source in ('builtin', 'bootstrap', 'admin')),
      version integer not null default 1,
      created_at timestamptz not null,
      updated_at timestamptz not null
    );
    create table signing_keys (
      kid text primary key,
      alg text not null,
      state text not null check (state in ('next', 'active', 'retired', 'withdrawn')),
      public_jwk jsonb not null,
      private_jwk_sealed text not null,
      created_at timestamptz not null,
      activated_at timestamptz,
      retired_at timestamptz,
      -- leaves the key set then
      expires_at timestamptz
    );
    create unique index signing_keys_active on signing_keys (alg) where state = 'active';
    create unique index signing_keys_next on signing_keys (alg) where state = 'next';
    -- JWT access tokens that were revoked one by one; grant, session, account and client are looked up beside it
    create table revoked_tokens (
      jti text primary key,
      expires_at timestamptz not null
    );
    create index revoked_tokens_expiry on revoked_tokens (expires_at);
    create table sessions (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      -- SHA-256 of the provider session's uid
      session_uid text not null unique,
      user_agent text,
      device text,
      browser text,
      os text,
      ip text,
      place text,
      acr text,
      amr jsonb not null default '[]',
      authenticated_at timestamptz not null,
      created_at timestamptz not null,
      last_seen_at timestamptz not null,
      expires_at timestamptz not null,
      ended_at timestamptz
    );
    create index sessions_user on sessions (user_id) where ended_at is null;
    create index sessions_expiry on sessions (expires_at);
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
