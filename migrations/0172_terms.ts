import type { Knex } from 'knex';

/** Terms of use in versions, each in several languages (FEATURES A3). Who accepted which is `terms_acceptances` of 0090. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create table terms_versions (
      version text primary key,
      -- [{locale, title, url}]
      texts jsonb not null,
      published_at timestamptz not null,
      published_by uuid references users on delete set null
    );
    create index terms_versions_newest on terms_versions (published_at desc);
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
