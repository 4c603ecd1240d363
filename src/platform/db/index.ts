/**
 * Owns: the one SQL database, PostgreSQL by URL or embedded PGlite (DESIGN.md, decision 1): pool, transactions,
 * prepared statements, migrations, notifications. Repositories get a `Knex`; nobody else sees it.
 */
export { createBatcher } from './batcher.ts';
export { type Database, type DatabaseOptions, openDatabase, type StatementEvent } from './database.ts';
export { DirectoryInUseError, directoryHolder, FreshDirectoryError } from './embedded.ts';
export { isForeignKeyViolation, isRejectedValue, isStorageFull, isUnavailable, isUniqueViolation } from './failures.ts';
export { type Inspection, inspect, inspectDatabase, migrateDatabase } from './operate.ts';
export { containing } from './patterns.ts';
export { ownRelease, SchemaTooNewError } from './release.ts';
export { forgetRestored, isRestored, restoreArchive } from './restore.ts';
export { derivedKeys, keptIndexKey, reseal, type SealedColumn } from './sealed.ts';
export { prepared, type Statement, statement } from './statements.ts';
export { inAllTenants, setTenants, type TenantScope, withTenants } from './tenants.ts';
export { afterCommit, createInTransaction, retried } from './transactions.ts';
export { inTurn } from './turns.ts';
export { createTableCopy } from './writes.ts';
