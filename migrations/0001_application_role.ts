import type { Knex } from 'knex';

/**
 * The pool runs as `castellan_app`: neither owner nor superuser, so that append-only tables and row-level security hold on both
 * engines (DESIGN.md, decision 12). Roles belong to the whole cluster: another database of it may have made this one.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    do $$ begin
      create role castellan_app nologin;
    exception when duplicate_object or unique_violation then null;
    end $$`);
  await knex.raw('grant castellan_app to current_user');
  await knex.raw('grant usage on schema public to castellan_app');
  await knex.raw('alter default privileges in schema public grant select, insert, update, delete on tables to castellan_app');
  await knex.raw('alter default privileges in schema public grant usage, select on sequences to castellan_app');
  await knex.raw('grant select on schema_migrations to castellan_app');
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
