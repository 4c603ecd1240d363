import type { Knex } from 'knex';

/**
 * Keys that were derived from a master key once and have to outlive it: of blind indexes and pairwise subjects (OIDC Core §8.1, which
 * must never change). Sealed like everything else; made at the first start after this.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw('create table derived_keys (name text primary key, sealed text not null)');
};

export const down = (): Promise<never> => Promise.reject(new Error('migrations are forward-only'));
