import knexFactory, { type Knex } from 'knex';
import { type DatabaseOptions, withOwner } from './database.ts';
import { migrationStatus, runMigrations } from './migrate.ts';
import { schemaRelease } from './release.ts';

/** What an operator wants to know of a database before anything runs on it. */
export interface Inspection {
  /** `server_version_num`, such as 180006. */
  version: number;
  completed: string[];
  pending: string[];
  /** Done there, but not of this build: the database is newer. */
  unknown: string[];
  /** Which release brought it there; 0 where none has been. */
  release: number;
  /** Whether the user that we come as may become the application's role; made by the first migration. */
  hasRole: boolean;
  /** Of the database, for comparison with ours. */
  now: Date;
}

/** Brings the schema up to this build and does nothing else. @returns the names of the migrations that ran */
export const migrateDatabase = (options: DatabaseOptions): Promise<string[]> => withOwner(options, runMigrations);

/** Looks at an open database without changing anything. */
export const inspect = async (knex: Knex): Promise<Inspection> => {
  const sql = `select current_setting('server_version_num')::int as version, clock_timestamp() as now,
    exists (select 1 from pg_roles where rolname = 'castellan_app' and pg_has_role(oid, 'member')) as has_role`;
  const { rows } = await knex.raw(sql);
  const [{ version, now, has_role: hasRole }] = rows as [{ version: number; now: Date; has_role: boolean }];
  return { version, now, hasRole, release: await schemaRelease(knex), ...(await migrationStatus(knex)) };
};

/** Opens a database only to look at it. */
export const inspectDatabase = (options: DatabaseOptions): Promise<Inspection> =>
  withOwner(options, async (config) => {
    const knex = knexFactory(config);
    try {
      return await inspect(knex);
    } finally {
      await knex.destroy();
    }
  });
