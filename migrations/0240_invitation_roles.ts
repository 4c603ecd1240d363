import type { Knex } from 'knex';

/** An invitation may carry a role (RS-11): given when it is accepted, as far as who invited may still give it. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw('alter table invitations add column role text');
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
