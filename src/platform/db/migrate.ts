import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import knexFactory, { type Knex } from 'knex';
import { checkRelease, raiseRelease, schemaRelease } from './release.ts';

const directory = fileURLToPath(new URL('../../../migrations', import.meta.url));

/** Shared with knexfile.ts, for those who use Knex by hand. */
export const migrationConfig: Knex.MigratorConfig = {
  directory,
  loadExtensions: ['.ts'],
  extension: 'ts',
  tableName: 'schema_migrations',
  // A release goes on serving, and starting, on the schema of the next one: `release.ts`.
  disableMigrationsListValidation: true,
};

// Any constant will do: it names the lock among all users of the database server.
const lockKey = 7_203_551;

/**
 * Brings the schema up to this build. Replicas that start together wait for one another: the lock belongs to a database
 * session and dies with it, so a killed migrator leaves nothing to clean (security-cases F-20).
 * @param connection runs as the owner of the schema, not as the application's role
 * @returns the names of the migrations that ran
 * @throws SchemaTooNewError
 */
export const runMigrations = async (connection: Knex.Config): Promise<string[]> => {
  const holder = knexFactory(connection);
  const isSingle = connection.pool?.max === 1;
  const runner = isSingle ? holder : knexFactory(connection);
  const migrate = async (): Promise<string[]> => {
    checkRelease(await schemaRelease(runner));
    const [, names] = await runner.migrate.latest(migrationConfig);
    await raiseRelease(runner);
    return names;
  };
  try {
    if (isSingle) return await migrate();
    return await holder.transaction(async (trx) => {
      await trx.raw('select pg_advisory_xact_lock(?)', [lockKey]);
      return await migrate();
    });
  } finally {
    if (!isSingle) await runner.destroy();
    await holder.destroy();
  }
};

/**
 * Which migrations of this build have run and which wait, and which the database has that this build does not know. Asks by itself,
 * since Knex would create its table.
 */
export const migrationStatus = async (knex: Knex): Promise<{ completed: string[]; pending: string[]; unknown: string[] }> => {
  const files = readdirSync(directory).toSorted();
  const { rows } = await knex.raw(`select to_regclass('schema_migrations') is not null as is_there`);
  const names = rows[0].is_there ? ((await knex('schema_migrations').orderBy('id').pluck('name')) as string[]) : [];
  return {
    completed: names.filter((name) => files.includes(name)),
    pending: files.filter((name) => !names.includes(name)),
    unknown: names.filter((name) => !files.includes(name)),
  };
};
