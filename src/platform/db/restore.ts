import type { Knex } from 'knex';
import { FreshDirectoryError, restoreEmbedded } from './embedded.ts';

const mark = 'restored';

/**
 * Puts an archive in the place of an embedded database that is not there, and marks it: what it remembers of tokens and sessions is old
 * (security-cases F-21).
 * @throws DirectoryInUseError, FreshDirectoryError
 */
export const restoreArchive = (dataDir: string, archive: Uint8Array<ArrayBuffer>): Promise<void> =>
  restoreEmbedded(dataDir, archive, async ({ pglite }) => {
    const { rows } = await pglite.query(
      `select 1 where to_regclass('schema_migrations') is not null and to_regclass('settings') is not null`,
    );
    if (rows.length === 0) throw new FreshDirectoryError('the archive holds no database of Castellan');
    await pglite.query(
      `insert into settings (key, value, updated_at) values ('${mark}', '{}', now()) on conflict (key) do update set updated_at = now()`,
    );
  });

/** Whether the database came out of a backup and was not looked after since. */
export const isRestored = async (knex: Knex): Promise<boolean> =>
  (await knex('settings').where({ key: mark }).first('key')) !== undefined;

export const forgetRestored = async (trx: Knex.Transaction): Promise<void> =>
  void (await trx('settings').where({ key: mark }).del());
