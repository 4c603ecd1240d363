import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type Database, openDatabase, setTenants } from '../../src/platform/db/index.ts';
import { postgresAnswers, postgresUrl } from './services.ts';

const migrations = fileURLToPath(new URL('../../migrations', import.meta.url));
const state = fileURLToPath(new URL('../.state', import.meta.url));

/** Changes with every migration, so that a template is never older than the code. */
const schemaVersion = (): string => {
  const hash = createHash('sha256');
  for (const file of readdirSync(migrations).sort()) hash.update(readFileSync(join(migrations, file)));
  return hash.digest('hex').slice(0, 12);
};

/** In memory where there is plenty: copying 1,500 files to a disk takes ten times as long. */
export const scratch = (): string => {
  const memory = '/dev/shm';
  if (!existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize > 4 * 2 ** 30 ? memory : tmpdir();
};

const version = schemaVersion();
const embeddedTemplate = join(state, `embedded-${version}`);
const postgresTemplate = `castellan_template_${version}`;

const onServer = async <Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> => {
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

const urlOf = (name: string): string => {
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  return url.href;
};

const prepareEmbedded = async (): Promise<void> => {
  if (existsSync(embeddedTemplate)) return;
  rmSync(state, { recursive: true, force: true });
  mkdirSync(state, { recursive: true });
  const building = `${embeddedTemplate}.${process.pid}`;
  const database = await openDatabase({ databaseUrl: undefined, dataDir: building, poolMax: 1 });
  await database.close();
  renameSync(building, embeddedTemplate);
};

const preparePostgres = (): Promise<void> =>
  onServer(async (client) => {
    // One preparer at a time, also among parallel checkouts on one server.
    await client.query('select pg_advisory_lock(7203552)');
    const { rows } = await client.query('select 1 from pg_database where datname = $1', [postgresTemplate]);
    if (rows.length > 0) return;
    const building = `${postgresTemplate}_new`;
    await client.query(`drop database if exists ${building}`);
    await client.query(`create database ${building}`);
    const database = await openDatabase({ databaseUrl: urlOf(building), dataDir: ':memory:', poolMax: 2 });
    await database.close();
    await client.query(`alter database ${building} rename to ${postgresTemplate}`);
  });

let prepared: Promise<void> | undefined;

/** Migrated templates that every test database is a copy of. */
export const prepareTemplates = (): Promise<void> => {
  prepared ??= Promise.all([prepareEmbedded(), ...(postgresAnswers ? [preparePostgres()] : [])]).then(() => undefined);
  return prepared;
};

export interface TestLocation {
  databaseUrl: string | undefined;
  dataDir: string;
  /** Removes the copy. */
  remove(): Promise<void>;
}

/** A fresh migrated embedded data directory. */
export const embeddedCopy = async (): Promise<TestLocation> => {
  await prepareTemplates();
  const dataDir = mkdtempSync(join(scratch(), 'castellan-test-'));
  cpSync(embeddedTemplate, dataDir, { recursive: true });
  return { databaseUrl: undefined, dataDir, remove: async () => rmSync(dataDir, { recursive: true, force: true }) };
};

/** A fresh migrated PostgreSQL database of its own. */
export const postgresCopy = async (): Promise<TestLocation> => {
  await prepareTemplates();
  const name = `castellan_test_${process.pid}_${randomBytes(4).toString('hex')}`;
  await onServer((client) => client.query(`create database ${name} template ${postgresTemplate}`));
  const dataDir = mkdtempSync(join(tmpdir(), 'castellan-test-'));
  return {
    databaseUrl: urlOf(name),
    dataDir,
    remove: async () => {
      rmSync(dataDir, { recursive: true, force: true });
      await onServer((client) => client.query(`drop database if exists ${name} with (force)`));
    },
  };
};

/** A PostgreSQL database of its own with nothing in it. */
export const emptyPostgres = async (): Promise<TestLocation & { databaseUrl: string }> => {
  const name = `castellan_test_${process.pid}_${randomBytes(4).toString('hex')}`;
  await onServer((client) => client.query(`create database ${name}`));
  const dataDir = mkdtempSync(join(tmpdir(), 'castellan-test-'));
  return {
    databaseUrl: urlOf(name),
    dataDir,
    remove: async () => {
      rmSync(dataDir, { recursive: true, force: true });
      await onServer((client) => client.query(`drop database if exists ${name} with (force)`));
    },
  };
};

export type Engine = 'embedded' | 'postgres';

export const locate = (engine: Engine): Promise<TestLocation> => (engine === 'embedded' ? embeddedCopy() : postgresCopy());

/** Opens a migrated database of its own; `close` removes it as well. */
export const openTestDatabase = async (engine: Engine = 'embedded', freeBytes?: () => number): Promise<Database> => {
  const location = await locate(engine);
  const database = await openDatabase({ ...location, poolMax: 8, migrate: false, freeBytes });
  return {
    ...database,
    close: async () => {
      await database.close();
      await location.remove();
    },
  };
};

/** What a test looks up or prepares of any organization (row-level security, TN-05). */
export const everyTenant = <Result>(
  database: Database,
  work: (trx: Parameters<typeof setTenants>[0]) => PromiseLike<Result>,
): Promise<Result> =>
  database.transaction(async (trx) => {
    await setTenants(trx, 'all');
    return await work(trx);
  });
