/** F-20: the migrations of an empty database, cut off at each of their statements in turn; what is left, and whether the next start finishes. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { inspectDatabase, migrateDatabase } from '../../src/platform/db/index.ts';
import { emptyPostgres, scratch } from '../support/database.ts';
import { laySevered } from '../support/severed.ts';

export interface CutMigrations {
  /** Of a whole run. */
  statements(): Promise<number>;
  /** @returns what is wrong afterwards */
  cut(at: number, when: 'before' | 'after'): Promise<string[]>;
  close(): Promise<void>;
}

/** PostgreSQL: the connection breaks. */
export const cutMigrations = async (): Promise<CutMigrations> => {
  const place = await emptyPostgres();
  const way = await laySevered('127.0.0.1', Number(new URL(place.databaseUrl).port || 5432));
  const through = new URL(place.databaseUrl);
  through.hostname = '127.0.0.1';
  through.port = String(way.port);
  const options = { databaseUrl: through.href, dataDir: ':memory:', poolMax: 2 };
  const client = new pg.Client({ connectionString: place.databaseUrl });
  await client.connect();

  const migrate = () =>
    migrateDatabase(options).then(
      () => undefined,
      (error: Error) => error,
    );
  const empty = async (): Promise<void> => void (await client.query('drop schema public cascade; create schema public'));
  /** Everything, or nothing but Knex's own tables. */
  const left = async (): Promise<string> => {
    const { completed, pending } = await inspectDatabase({ ...options, databaseUrl: place.databaseUrl });
    if (pending.length === 0) return 'everything';
    const tables = `select count(*)::int as count from pg_tables where schemaname = 'public' and tablename not like 'schema_migrations%'`;
    const { rows } = await client.query(tables);
    return completed.length === 0 && rows[0].count === 0 ? 'nothing' : `${completed.length} migrations, ${rows[0].count} tables`;
  };

  return {
    statements: async () => {
      way.arm(Number.MAX_SAFE_INTEGER, 'before');
      const failure = await migrate();
      if (failure) throw failure;
      await empty();
      return way.count();
    },
    cut: async (at, when) => {
      way.arm(at, when);
      const failed = await migrate();
      const found = await left();
      const problems = found === 'nothing' || found === 'everything' ? [] : [`half-migrated: ${found}`];
      if (failed === undefined && way.count() >= at && when === 'before') problems.push('nobody noticed the cut');
      way.arm(Number.MAX_SAFE_INTEGER, 'before');
      const again = await migrate();
      if (again) problems.push(`the next start does not finish: ${again.message}`);
      else if ((await left()) !== 'everything') problems.push('the next start left something out');
      await empty();
      return problems;
    },
    close: async () => {
      await client.end();
      await way.close();
      await place.remove();
    },
  };
};

const migrator = fileURLToPath(new URL('../support/mortal-migrator.ts', import.meta.url));

/** The embedded database: the process is killed. */
export const killedMigrations = async (): Promise<CutMigrations> => {
  const directory = mkdtempSync(join(scratch(), 'castellan-migrations-'));
  const empty = join(directory, 'empty');
  await inspectDatabase({ databaseUrl: undefined, dataDir: empty, poolMax: 1 });
  const run = async (dataDir: string, at: number, when: string): Promise<string> => {
    const { stdout } = await promisify(execFile)(process.execPath, [migrator, dataDir, String(at), when]);
    return stdout;
  };
  const onCopy = async <Result>(work: (dataDir: string) => Promise<Result>): Promise<Result> => {
    const dataDir = join(directory, 'copy');
    cpSync(empty, dataDir, { recursive: true });
    try {
      return await work(dataDir);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  };
  return {
    statements: async () => Number(await onCopy((dataDir) => run(dataDir, 0, 'before'))),
    cut: (at, when) =>
      onCopy(async (dataDir) => {
        const { signal } = await run(dataDir, at, when).then(
          () => ({ signal: 'none' }),
          (error: { signal: string }) => error,
        );
        if (signal !== 'SIGKILL') return [`it was not killed: ${signal}`];
        const options = { databaseUrl: undefined, dataDir, poolMax: 1 };
        const before = await inspectDatabase(options);
        const isHalf = before.completed.length > 0 && before.pending.length > 0;
        await migrateDatabase(options);
        return isHalf ? ['half-migrated'] : [];
      }),
    close: async () => rmSync(directory, { recursive: true, force: true }),
  };
};
