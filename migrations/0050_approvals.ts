import type { Knex } from 'knex';

/** Requests to sign in that a person answers elsewhere (CIBA, P1), and initial access tokens of registration (P4). */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create table approvals (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      client_id text not null references clients on delete cascade,
      -- auth_req_id, sealed with the master key: whoever has it can poll for tokens
      request_sealed text not null,
      binding_message text,
      scope text not null,
      decision text check (decision in ('approved', 'denied')),
      decided_at timestamptz,
      created_at timestamptz not null,
      expires_at timestamptz not null
    );
    create index approvals_waiting on approvals (user_id, expires_at) where decided_at is null;
    create index approvals_expiry on approvals (expires_at);
    create table registration_tokens (
      id uuid primary key,
      name text not null,
      -- SHA-256
      token_hash text not null unique,
      policy jsonb not null default '{}',
      uses_left integer not null check (uses_left >= 0),
      expires_at timestamptz not null,
      revoked_at timestamptz,
      created_at timestamptz not null
    );
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
