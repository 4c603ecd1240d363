import type { Knex } from 'knex';

/**
 * Counts up by one with every release that brings migrations. A migration must leave the release before it working: what that one reads
 * and writes is dropped one release later at the earliest (F-20, F-21).
 */
export const ownRelease = 1;

/** The schema belongs to a release that no longer cares for this one. */
export class SchemaTooNewError extends Error {
  override readonly name = 'SchemaTooNewError';
}

/** @returns 0 where no release has been */
export const schemaRelease = async (knex: Knex): Promise<number> => {
  const { rows } = await knex.raw(`select to_regclass('schema_release') is not null as is_there`);
  return rows[0].is_there ? ((await knex('schema_release').first('release'))?.release ?? 0) : 0;
};

/** @throws SchemaTooNewError */
export const checkRelease = (found: number): void => {
  if (found <= ownRelease + 1) return;
  throw new SchemaTooNewError(
    `the database was brought up to release ${found}, this is release ${ownRelease}: start the newer version, or restore a backup from before`,
  );
};

export const raiseRelease = async (knex: Knex): Promise<void> => {
  await knex('schema_release').where('release', '<', ownRelease).update({ release: ownRelease });
};
