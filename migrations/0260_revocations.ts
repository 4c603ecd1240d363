import type { Knex } from 'knex';

/**
 * Moments before which nothing counts that was issued (TK-10): of everything, and of what an organization's people and clients were
 * given (theirs are kept with each of them as well). `finished_at`: the sessions that died are told to be ended.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create table revocations (
      id uuid primary key,
      scope text not null check (scope in ('everything', 'organization')),
      scope_id uuid,
      revoked_before timestamptz not null,
      finished_at timestamptz,
      check ((scope = 'everything') = (scope_id is null))
    );
    create index revocations_everything on revocations (revoked_before desc) where scope = 'everything';
    create index revocations_unfinished on revocations (id) where finished_at is null;
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
