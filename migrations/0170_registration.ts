import type { Knex } from 'knex';

/** Invitations (FEATURES A3, RS-11): accepted once, by whoever reads the mail, as what they were made for. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create table invitations (
      id uuid primary key,
      email text not null,
      canonical text not null,
      organization_id uuid references organizations on delete cascade,
      locale text,
      invited_by uuid references users on delete set null,
      -- SHA-256 of the mailed secret; another with each mail
      secret_hash text not null unique,
      created_at timestamptz not null,
      expires_at timestamptz not null,
      accepted_at timestamptz,
      accepted_by uuid references users on delete set null,
      revoked_at timestamptz
    );
    create index invitations_open on invitations (canonical) where accepted_at is null and revoked_at is null;
    create index invitations_list on invitations (created_at desc, id desc);
    alter table invitations enable row level security;
    create policy invitations_tenant on invitations
      using (tenant_visible(organization_id)) with check (tenant_writable(organization_id));
    create index users_pending on users (created_at, id) where status = 'pending';
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
