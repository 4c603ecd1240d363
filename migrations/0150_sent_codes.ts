import type { Knex } from 'knex';

/** Codes that confirm a phone or an address as second factor wait beside those of sign-ins (FEATURES A8). */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    alter table authentication_flows drop constraint authentication_flows_channel_check;
    alter table authentication_flows add constraint authentication_flows_channel_check check (channel in ('api', 'page', 'enrol'));
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
