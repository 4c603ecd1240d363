import type { Knex } from 'knex';

/**
 * A sign-in whose risk is high and whose account has no second factor: first the mailbox is proven (`mailbox`), then a factor is set up
 * (`enrolment`). Null for every other.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`alter table authentication_flows add column stage text check (stage in ('mailbox', 'enrolment'))`);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
