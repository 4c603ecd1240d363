import type { Knex } from 'knex';

/** Spends what is spent once; a row of its own statement, so that its plan is by the key, however small the table was when it was made. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create function spend_artifact(wanted text, wanted_kind text, at timestamptz) returns setof text language sql volatile as $$
      update oidc_artifacts set consumed_at = at where id = wanted and kind = wanted_kind and consumed_at is null returning id
    $$;
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
