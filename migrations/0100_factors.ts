import type { Knex } from 'knex';

/** Second factors, recovery codes, remembered devices, sign-ins under way and who needs a factor (FEATURES A6-A9). */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create table mfa_devices (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      kind text not null check (kind in ('totp', 'webauthn', 'sms', 'email')),
      name text not null,
      state text not null check (state in ('pending', 'active')),
      -- sealed: key of an authenticator app, phone number
      secret_sealed text,
      -- MF-01: last time step that was accepted
      last_step bigint,
      -- WebAuthn, base64url
      credential_id text unique,
      public_key text,
      sign_count bigint,
      transports jsonb,
      aaguid text,
      is_backup_eligible boolean,
      is_backed_up boolean,
      created_at timestamptz not null,
      activated_at timestamptz,
      last_used_at timestamptz,
      check (kind <> 'webauthn' or (credential_id is not null and public_key is not null)),
      check (kind not in ('totp', 'sms') or secret_sealed is not null)
    );
    create index mfa_devices_user on mfa_devices (user_id);
    -- MF-05: a new try replaces the one before and never an active device
    create unique index mfa_devices_pending on mfa_devices (user_id, kind) where state = 'pending';

    create table recovery_codes (
      user_id uuid not null references users on delete cascade,
      -- keyed digest over person and code
      code_hash text not null,
      created_at timestamptz not null,
      used_at timestamptz,
      primary key (user_id, code_hash)
    );

    create table trusted_devices (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      token_hash text not null unique,
      user_agent text,
      created_at timestamptz not null,
      last_used_at timestamptz not null,
      expires_at timestamptz not null
    );
    create index trusted_devices_user on trusted_devices (user_id);
    create index trusted_devices_expiry on trusted_devices (expires_at);

    create table authentication_flows (
      -- SHA-256 of the flow token
      id text primary key,
      user_id uuid not null references users on delete cascade,
      channel text not null check (channel in ('api', 'page')),
      client_id text,
      -- proven so far, RFC 8176 names, and when
      amr jsonb not null,
      authenticated_at timestamptz not null,
      level integer not null,
      needed_level integer not null,
      -- a code that was sent: by what way, keyed digest, tries
      code_method text,
      code_hash text,
      code_tries integer not null default 0,
      code_expires_at timestamptz,
      created_at timestamptz not null,
      expires_at timestamptz not null
    );
    create index authentication_flows_user on authentication_flows (user_id);
    create index authentication_flows_expiry on authentication_flows (expires_at);

    create table webauthn_challenges (
      -- SHA-256 of the challenge
      id text primary key,
      purpose text not null check (purpose in ('register', 'authenticate')),
      -- the sign-in or session that asked
      binding text not null,
      user_id uuid references users on delete cascade,
      expires_at timestamptz not null
    );
    create index webauthn_challenges_expiry on webauthn_challenges (expires_at);

    create table mfa_policies (
      scope text not null check (scope in ('site', 'role', 'client', 'organization')),
      -- role name, client_id, organization id; empty for the site
      target text not null default '',
      requirement text not null check (requirement in ('off', 'optional', 'required')),
      updated_at timestamptz not null,
      primary key (scope, target)
    );
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
