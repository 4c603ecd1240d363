import type { Knex } from 'knex';

/**
 * `confirmation`: the risk of a sign-in is high, no rule asks for a second factor and the account has none: the mailbox is proven, and
 * that is all.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    alter table authentication_flows drop constraint authentication_flows_stage_check;
    alter table authentication_flows add constraint authentication_flows_stage_check
      check (stage in ('mailbox', 'enrolment', 'confirmation'));
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
