import { ConfigError } from './platform/config/index.ts';
import { EnvelopeError } from './platform/crypto/index.ts';
import { DirectoryInUseError, FreshDirectoryError, SchemaTooNewError } from './platform/db/index.ts';
import { Refusal } from './platform/errors/index.ts';

/** Exit codes of the command line (CONTRACT.md, "Commands"). */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/** The command line was not understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command was understood and cannot be done; its message is all an operator needs. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

interface Failure {
  code: number;
  /** For standard error. */
  lines: readonly string[];
}

const usage = (...lines: readonly string[]): Failure => ({ code: exitCodes.usage, lines });
const failed = (...lines: readonly string[]): Failure => ({ code: exitCodes.failed, lines });

/** What PostgreSQL and the system say by code, in an operator's words. */
const faults: Record<string, (error: NodeJS.ErrnoException & { port?: number; address?: string }) => Failure> = {
  EADDRINUSE: ({ port }) => failed(`PORT: ${port ?? ''} is taken by another process; choose another PORT or end that process`),
  EACCES: ({ message }) => failed(`no permission: ${message}`),
  EROFS: ({ message }) => failed(`the file system is read-only: ${message}`),
  ENOSPC: ({ message }) => failed(`the disk is full: ${message}`),
  '53100': ({ message }) => failed(message.startsWith('DATA_DIR') ? message : 'the disk of the database is full'),
  ECONNREFUSED: () => failed('DATABASE_URL: nothing answers there; is the database running, and are host and port right?'),
  ECONNRESET: () => failed('DATABASE_URL: the connection broke; is the database restarting?'),
  ENOTFOUND: () => failed('DATABASE_URL: the host name is not known'),
  ETIMEDOUT: () => failed('DATABASE_URL: no answer in time; is a firewall in between?'),
  '55000': ({ message }) => failed(`DATABASE_URL: ${message}`),
  '53300': ({ message }) =>
    failed(`DATABASE_URL: ${message}; lower DATABASE_POOL_MAX or WORKERS, or raise max_connections on the server`),
  '57P03': ({ message }) => failed(`DATABASE_URL: ${message}; try again in a moment`),
  // F-01: what waiting cannot mend is a mistake in the configuration.
  '28P01': () => usage('DATABASE_URL: the password is wrong for this user'),
  '28000': () => usage('DATABASE_URL: this user may not connect; see pg_hba.conf on the server'),
  '3D000': () => usage('DATABASE_URL: there is no such database; create it first'),
  '42501': ({ message }) => failed(`DATABASE_URL: the user lacks a right (${message}); it must own the database`),
};

const refusalLines = ({ title, detail, errors }: Refusal): string[] => [
  detail ?? title,
  ...errors.map(({ path, message }) => `  ${path || '/'}: ${message}`),
];

/** @returns exit code and words of anything that may end a command; the stack only for what nobody expected */
export const describeFailure = (error: unknown): Failure => {
  if (error instanceof ConfigError) return usage(...error.mistakes);
  if (error instanceof EnvelopeError) return usage(`MASTER_KEY: ${error.message}`);
  if (error instanceof UsageError) return usage(error.message);
  if (error instanceof Refusal) return failed(...refusalLines(error));
  const isExpected = [CommandFailed, DirectoryInUseError, FreshDirectoryError, SchemaTooNewError].some(
    (kind) => error instanceof kind,
  );
  if (isExpected) return failed((error as Error).message);
  const describe = faults[(error as NodeJS.ErrnoException | undefined)?.code ?? ''];
  if (describe) return describe(error as NodeJS.ErrnoException);
  return failed(error instanceof Error ? (error.stack ?? error.message) : String(error));
};
