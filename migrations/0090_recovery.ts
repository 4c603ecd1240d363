import type { Knex } from 'knex';

/** Mailed proofs, changes of address, browsers that a person has signed in from (FEATURES A2, A3, A11). */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create table tickets (
      id uuid primary key,
      purpose text not null,
      -- null: nobody has the address that was typed; the row is made all the same, so that the answer takes the same time
      user_id uuid references users on delete cascade,
      -- the stored address it was mailed to (RS-02), and what else it is about
      address text,
      subject_id uuid,
      -- RS-03: SHA-256 of the mailed secret; keyed digests of the mailed code and of the code shown to whoever asked
      secret_hash text not null unique,
      code_hash text not null,
      shown_hash text not null,
      -- RS-13: SHA-256 of what the browser that asked holds
      browser_hash text not null,
      tries integer not null default 0,
      created_at timestamptz not null,
      expires_at timestamptz not null,
      ended_at timestamptz
    );
    create index tickets_user on tickets (user_id, purpose) where ended_at is null;
    create index tickets_browser on tickets (browser_hash, purpose) where ended_at is null;
    create index tickets_expiry on tickets (expires_at);

    create table email_changes (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      old_value text not null,
      new_value text not null,
      new_canonical text not null,
      old_confirmed_at timestamptz,
      new_confirmed_at timestamptz,
      created_at timestamptz not null,
      expires_at timestamptz not null,
      applied_at timestamptz,
      -- RS-07: until then the old address stays taken and can undo
      undo_until timestamptz,
      ended_at timestamptz
    );
    create index email_changes_user on email_changes (user_id) where ended_at is null;
    create index email_changes_undo on email_changes (undo_until) where applied_at is not null and ended_at is null;

    create table known_devices (
      -- PW-11: SHA-256 of what the browser holds; one browser may know several people
      token_hash text not null,
      user_id uuid not null references users on delete cascade,
      created_at timestamptz not null,
      last_used_at timestamptz not null,
      expires_at timestamptz not null,
      primary key (token_hash, user_id)
    );
    create index known_devices_user on known_devices (user_id);
    create index known_devices_expiry on known_devices (expires_at);

    create table terms_acceptances (
      user_id uuid not null references users on delete cascade,
      version text not null,
      accepted_at timestamptz not null,
      primary key (user_id, version)
    );
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
