import type { Knex } from 'knex';

/** Failures of one account, from wherever they came, are forgotten together: after a reset, an unlock, a success (FEATURES A11). */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    -- keyed digest of the account's id or of what was typed
    alter table failure_counters add column subject text;
    create index failure_counters_subject on failure_counters (subject) where subject is not null;
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
