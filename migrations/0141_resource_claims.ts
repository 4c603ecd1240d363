import type { Knex } from 'knex';

/** Which of a person's roles, permissions, groups and organizations access tokens for a resource tell (FEATURES P8). */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`alter table resources add column access_token_claims jsonb not null default '[]'`);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
