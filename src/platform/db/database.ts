import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { createPgConfig } from '@electric-sql/pglite/node-postgres';
import knexFactory, { type Knex } from 'knex';
import pgDialect from 'knex/lib/dialects/postgres/index.js';
import { type EmbeddedStore, openEmbedded } from './embedded.ts';
import { listenOnPostgres, quoteChannel } from './listen.ts';
import { runMigrations } from './migrate.ts';
import { createRoom, freeBytesOf, StorageFullError } from './room.ts';
import { runTransaction } from './transactions.ts';
import { createWriteWatch, mayChange, type WriteWatch } from './writes.ts';

/** One statement that left this process. */
export interface StatementEvent {
  sql: string;
  durationSeconds: number;
}

export interface Database {
  readonly engine: 'embedded' | 'postgres';
  readonly knex: Knex;
  transaction<Result>(work: (trx: Knex.Transaction) => Promise<Result>): Promise<Result>;
  /** Called after every statement, for metrics and for tests that count. Returns the way to stop. */
  onStatement(listener: (event: StatementEvent) => void): () => void;
  /**
   * Called before and after any statement of this process that may change one of the tables. Complete on the embedded engine only,
   * where nobody else writes.
   */
  onWrite: WriteWatch['onWrite'];
  /** PostgreSQL LISTEN; delivered at commit of the sender, nothing after a rollback. Reconnects by itself. */
  listen(
    channel: string,
    handler: (payload: string) => void,
    onGap?: (isListening: boolean) => void,
  ): Promise<() => Promise<void>>;
  /** Runs DDL that the application's role may not: as the owner, in one transaction. */
  maintain(sql: string): Promise<void>;
  /** Everything in one compressed archive, as of one moment, while others wait. Embedded engine only: PostgreSQL has its own tools. */
  archive?: () => Promise<Uint8Array>;
  /** Whether writes are refused because nothing more can be stored. Embedded engine only: a server knows itself. */
  isStorageShort(): boolean;
  /** Empties statistics debt of the embedded engine, which has no autovacuum. */
  analyze(): Promise<void>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  databaseUrl: string | undefined;
  /** Absolute path or `:memory:`; used without `databaseUrl`. */
  dataDir: string;
  poolMax: number;
  /** An embedded store that the caller opened and will close (tests). */
  store?: EmbeddedStore | undefined;
  migrate?: boolean;
  /** Of a directory; for tests. */
  freeBytes?: ((directory: string) => number) | undefined;
}

// F-02, F-03, F-06: no request waits longer than 5 s for the database; a stuck transaction ends after 30 s.
const sessionSettings =
  'set role castellan_app; set statement_timeout = 5000; set lock_timeout = 5000; set idle_in_transaction_session_timeout = 30000';
const acquireTimeoutMs = 2000;

/** Knex's `pg` dialect that lets the event loop turn after each statement: PGlite answers in microtasks (GROUND.md §5). */
class YieldingDialect extends pgDialect {
  override async _query(connection: unknown, query: unknown): Promise<unknown> {
    const result = await super._query(connection, query);
    await nextTurn();
    return result;
  }
}

/** Knex would write its warnings among the JSON lines of the log; that no connection can be had is thrown as well. */
const aside = (message: unknown): void => {
  if (!String(message).startsWith('Acquire connection error')) process.emitWarning(String(message), 'KnexWarning');
};
const log = { warn: aside, error: aside, deprecate: aside };

const embeddedConnection = (store: EmbeddedStore): Knex.Config => ({
  client: YieldingDialect as unknown as typeof Knex.Client,
  connection: () => createPgConfig(store.pglite) as unknown as Knex.PgConnectionConfig,
  pool: { min: 1, max: 1, idleTimeoutMillis: 2 ** 30 },
  acquireConnectionTimeout: acquireTimeoutMs,
  log,
});

type RawConnection = { query(sql: string, done: (error: Error | null) => void): void };
type Done = (error: Error | null, connection: RawConnection) => void;

const asApplication = (config: Knex.Config): Knex.Config => ({
  ...config,
  pool: {
    ...config.pool,
    afterCreate: (connection: RawConnection, done: Done) => connection.query(sessionSettings, (error) => done(error, connection)),
  },
});

const watchStatements = (knex: Knex): Pick<Database, 'onStatement' | 'onWrite'> => {
  const writes = createWriteWatch();
  const listeners = new Set<(event: StatementEvent) => void>();
  const started = new Map<string, number>();
  knex.on('query', ({ __knexQueryUid: id, sql }: { __knexQueryUid: string; sql: string }) => {
    writes.heard(sql);
    if (listeners.size > 0) started.set(id, performance.now());
  });
  const finish = ({ __knexQueryUid: id, sql }: { __knexQueryUid: string; sql: string }): void => {
    writes.heard(sql);
    const start = started.get(id);
    if (start === undefined) return;
    started.delete(id);
    const event = { sql, durationSeconds: (performance.now() - start) / 1000 };
    for (const listener of listeners) listener(event);
  };
  knex.on('query-response', (_response: unknown, query: { __knexQueryUid: string; sql: string }) => finish(query));
  knex.on('query-error', (_error: unknown, query: { __knexQueryUid: string; sql: string }) => finish(query));
  const onStatement: Database['onStatement'] = (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return { onStatement, onWrite: writes.onWrite };
};

/** How Knex knows a connection that is not to be used again. */
interface PooledConnection {
  __knex__disposed?: unknown;
}

/** Back to the application's role, or out of the pool: as the owner it would see past row-level security. */
const leaveOwner = async (knex: Knex, connection: PooledConnection): Promise<void> => {
  try {
    await knex.raw('set role castellan_app').connection(connection);
  } catch (error) {
    connection.__knex__disposed = error;
  }
  await knex.client.releaseConnection(connection);
};

/** The pool's connections run as the application's role; maintenance needs the owner's, on one connection, for one call. */
const asOwner = async (knex: Knex, work: (connection: unknown) => PromiseLike<unknown>): Promise<void> => {
  const connection = await knex.client.acquireConnection();
  try {
    await knex.raw('reset role').connection(connection);
    await work(connection);
  } finally {
    await leaveOwner(knex, connection);
  }
};

const postgresConnection = (url: string, poolMax: number): Knex.Config => ({
  client: 'pg',
  connection: { connectionString: url, application_name: 'castellan' },
  pool: { min: 0, max: poolMax },
  acquireConnectionTimeout: acquireTimeoutMs,
  log,
});

const openPostgres = async (url: string, options: DatabaseOptions): Promise<Database> => {
  const config = postgresConnection(url, options.poolMax);
  if (options.migrate !== false) await runMigrations({ ...config, pool: { min: 0, max: 2 } });
  const knex = knexFactory(asApplication(config));
  return {
    engine: 'postgres',
    knex,
    transaction: (work) => runTransaction(knex, work),
    ...watchStatements(knex),
    listen: (channel, handler, onGap) => listenOnPostgres(url, channel, handler, onGap),
    maintain: (sql) => asOwner(knex, (connection) => knex.raw(sql).connection(connection)),
    isStorageShort: () => false,
    analyze: async () => undefined,
    close: () => knex.destroy(),
  };
};

const compressed = promisify(gzip);

/** The one connection is held meanwhile, so that no transaction is open; the log is written out first. Compressed once others may go on. */
const archiveOf = async (knex: Knex, { pglite }: EmbeddedStore): Promise<Uint8Array> => {
  const parts: ArrayBuffer[] = [];
  await asOwner(knex, async (connection) => {
    await knex.raw('checkpoint').connection(connection);
    parts.push(await (await pglite.dumpDataDir('none')).arrayBuffer());
  });
  return await compressed(Buffer.concat(parts.map((part) => new Uint8Array(part))), { level: 4 });
};

/** F-16: refuses writes while there is no room for them; reads and the ends of transactions go on. */
const guardWrites = (knex: Knex, { dataDir, freeBytes = freeBytesOf }: DatabaseOptions): { isShort(): boolean } => {
  if (dataDir === ':memory:') return { isShort: () => false };
  const room = createRoom(() => freeBytes(dataDir));
  knex.on('query', ({ sql }: { sql: string }) => {
    if (mayChange(sql) && room.isShort()) throw new StorageFullError('nothing can be stored: the disk is full or read-only');
  });
  return room;
};

const openPglite = async (options: DatabaseOptions): Promise<Database> => {
  const store = options.store ?? (await openEmbedded(options.dataDir, options.freeBytes));
  const config = embeddedConnection(store);
  try {
    await store.pglite.exec('reset role');
    if (options.migrate !== false) await runMigrations(config);
  } catch (error) {
    await store.close();
    throw error;
  }
  const knex = knexFactory({ ...asApplication(config), castellanYields: true } as Knex.Config);
  const room = guardWrites(knex, options);
  return {
    engine: 'embedded',
    knex,
    transaction: (work) => runTransaction(knex, work),
    ...watchStatements(knex),
    listen: (channel, handler) => store.pglite.listen(quoteChannel(channel), handler),
    maintain: (sql) => asOwner(knex, (connection) => knex.raw(sql).connection(connection)),
    isStorageShort: room.isShort,
    analyze: () => asOwner(knex, (connection) => knex.raw('vacuum analyze').connection(connection)),
    archive: () => archiveOf(knex, store),
    close: async () => {
      await knex.destroy();
      if (!options.store) await store.close();
    },
  };
};

/** Opens the database, migrates it unless told not to, and hands out a pool that runs as the application's own role. */
export const openDatabase = (options: DatabaseOptions): Promise<Database> =>
  options.databaseUrl === undefined ? openPglite(options) : openPostgres(options.databaseUrl, options);

/** Hands out connections as the owner of the schema, neither migrated nor in the application's role: for operators' commands. */
export const withOwner = async <Result>(
  options: DatabaseOptions,
  work: (config: Knex.Config) => Promise<Result>,
): Promise<Result> => {
  if (options.databaseUrl !== undefined) return await work(postgresConnection(options.databaseUrl, 2));
  const store = await openEmbedded(options.dataDir);
  try {
    await store.pglite.exec('reset role');
    return await work(embeddedConnection(store));
  } finally {
    await store.close();
  }
};
