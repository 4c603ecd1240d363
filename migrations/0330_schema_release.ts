import type { Knex } from 'knex';

/** Which release the schema was brought up to (F-20): one row, raised by each start of a newer release. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create table schema_release (
      is_only boolean primary key default true check (is_only),
      release integer not null
    );
    insert into schema_release (release) values (1);
    revoke insert, update, delete, truncate on schema_release from castellan_app;
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
