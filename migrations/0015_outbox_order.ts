import type { Knex } from 'knex';

/** Outbox: order within a key, and the request that an entry belongs to. Jobs: one row a job, its lease and its last run. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    alter table outbox add column seq bigint generated always as identity;
    alter table outbox add column correlation_id text;
    drop index outbox_key;
    create index outbox_key on outbox (topic, key, seq) where delivered_at is null and dead_at is null;

    create table jobs (
      name text primary key,
      next_run_at timestamptz not null,
      locked_until timestamptz,
      -- counts up with every run: whoever holds an older number has lost its lease
      run integer not null default 0,
      started_at timestamptz,
      finished_at timestamptz,
      failures integer not null default 0,
      last_error text
    );
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
