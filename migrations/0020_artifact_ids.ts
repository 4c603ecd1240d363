import type { Knex } from 'knex';

/**
 * Artifacts are found by the hash of their id alone, whatever their kind: one statement answers for a token that may be of three
 * kinds. `json` keeps what clients send (`\u0000`, lone surrogates) as it is, where `jsonb` refuses it.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    alter table oidc_artifacts drop constraint oidc_artifacts_pkey, add primary key (id, kind);
    alter table oidc_artifacts alter column payload type json using payload::json;
    create index oidc_artifacts_client on oidc_artifacts (client_id) where client_id is not null and account_id is null;
  `);
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
