import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PGlite } from '@electric-sql/pglite';
import { freeBytesOf, requireRoom } from './room.ts';

const run = promisify(execFile);

/** Another process owns the data directory (security-cases F-15). */
export class DirectoryInUseError extends Error {
  override readonly name = 'DirectoryInUseError';
}

/** The data directory cannot be opened and must not be taken for empty (security-cases F-17). */
export class FreshDirectoryError extends Error {
  override readonly name = 'FreshDirectoryError';
}

export interface EmbeddedStore {
  pglite: PGlite;
  close(): Promise<void>;
}

const socketName = (directory: string): string =>
  `\0castellan-${createHash('sha256').update(realpathSync(directory)).digest('hex').slice(0, 32)}`;

const ownerFile = (directory: string): string => join(directory, 'owner.pid');

/** What the holder says itself; where it is too busy to answer, what it wrote when it took the lock. */
const holderOf = (directory: string): Promise<{ isHeld: boolean; pid: string }> =>
  new Promise((resolve) => {
    const client = connect(socketName(directory));
    let said = '';
    let isHeld = false;
    client.setTimeout(1000, () => client.destroy());
    client.on('connect', () => {
      isHeld = true;
    });
    client.on('data', (chunk) => {
      said += chunk;
    });
    client.on('error', () => undefined);
    client.on('close', () => {
      const written = existsSync(ownerFile(directory)) ? readFileSync(ownerFile(directory), 'utf8') : '';
      resolve({ isHeld, pid: said.trim() || written.trim() || 'unknown' });
    });
  });

/** Process id of the directory's owner; `undefined` when nobody has it open. */
export const directoryHolder = async (directory: string): Promise<string | undefined> => {
  if (!existsSync(directory)) return undefined;
  const { isHeld, pid } = await holderOf(directory);
  return isHeld ? pid : undefined;
};

/**
 * An abstract Unix socket named after the directory: the kernel frees it when its holder dies, so a lock of a dead process
 * is taken over and a live one is never broken.
 * @throws DirectoryInUseError
 */
const lockDirectory = (directory: string): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.end(`${process.pid}\n`).on('error', () => undefined));
    server.on('error', async (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EADDRINUSE') return reject(cause);
      const { pid } = await holderOf(directory);
      reject(new DirectoryInUseError(`${directory} is in use by process ${pid}; an embedded database has one owner`));
    });
    server.listen(socketName(directory), () => {
      try {
        writeFileSync(ownerFile(directory), `${process.pid}\n`, { mode: 0o600 });
        resolve(server.unref());
      } catch (error) {
        reject(error);
      }
    });
  });

/** Creates the cluster in a child process: initdb leaves half a gigabyte behind that this process would keep (GROUND.md §5). */
const createCluster = async (directory: string): Promise<void> => {
  const unfinished = `${directory}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  await run(process.execPath, [fileURLToPath(import.meta.resolve('./initdb.ts')), unfinished]).catch(
    (cause: { stderr?: string }) => {
      const said = (cause.stderr ?? '').split('\n').findLast((line) => /error/i.test(line));
      throw new FreshDirectoryError(`no database could be made in ${directory}: ${said?.trim() ?? 'is there space enough?'}`, {
        cause,
      });
    },
  );
  renameSync(unfinished, directory);
};

const startParams = [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB', '-c', 'max_wal_size=64MB'];

const openCluster = async (directory: string | undefined): Promise<PGlite> => {
  const options = { startParams } as Record<string, unknown>;
  return directory === undefined ? await PGlite.create(options) : await PGlite.create(directory, options);
};

const checkCluster = (directory: string): void => {
  const version = join(directory, 'PG_VERSION');
  if (!existsSync(version)) {
    throw new FreshDirectoryError(
      `${directory} is damaged: there is no PG_VERSION in it; restore a backup or move the directory away`,
    );
  }
  const found = readFileSync(version, 'utf8').trim();
  if (found !== '18')
    throw new FreshDirectoryError(`${directory} was written by PostgreSQL ${found}, this build opens 18; see docs/operators`);
};

const makeDirectory = (directory: string): void => {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    // What Node says of a read-only file system.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new FreshDirectoryError(`DATA_DIR: ${directory} cannot be made; is the file system read-only?`, { cause: error });
  }
};

/**
 * Opens (or first creates) the embedded database.
 * @param dataDir absolute path, or `:memory:`
 * @throws DirectoryInUseError, FreshDirectoryError, StorageFullError
 */
export const openEmbedded = async (
  dataDir: string,
  freeBytes: (directory: string) => number = freeBytesOf,
): Promise<EmbeddedStore> => {
  if (dataDir === ':memory:') {
    const pglite = await openCluster(undefined);
    return { pglite, close: () => pglite.close() };
  }
  makeDirectory(dataDir);
  const lock = await lockDirectory(dataDir);
  const directory = join(dataDir, 'pg');
  try {
    const isThere = existsSync(directory) && readdirSync(directory).length > 0;
    requireRoom(dataDir, freeBytes(dataDir), !isThere);
    if (isThere) checkCluster(directory);
    else await createCluster(directory);
    const pglite = await openCluster(directory);
    return {
      pglite,
      close: async () => {
        await pglite.close();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
};

/**
 * Makes the embedded database of a directory out of an archive. There is none yet, and there is none until the whole archive has been opened.
 * @param finish works on the database before it takes its place
 * @throws DirectoryInUseError, FreshDirectoryError
 */
export const restoreEmbedded = async (
  dataDir: string,
  archive: Uint8Array<ArrayBuffer>,
  finish: (store: EmbeddedStore) => Promise<void>,
): Promise<void> => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lock = await lockDirectory(dataDir);
  const directory = join(dataDir, 'pg');
  const unfinished = `${directory}.new`;
  try {
    if (existsSync(directory))
      throw new FreshDirectoryError(`there is a database in ${directory}: move it away first; nothing was changed`);
    rmSync(unfinished, { recursive: true, force: true });
    const options = { startParams, loadDataDir: new Blob([archive]) } as Record<string, unknown>;
    const pglite = await PGlite.create(unfinished, options).catch((cause: unknown) => {
      throw new FreshDirectoryError('the archive cannot be opened: it is damaged, or no backup of ours; nothing was changed', {
        cause,
      });
    });
    try {
      await finish({ pglite, close: async () => undefined });
    } finally {
      await pglite.close();
    }
    checkCluster(unfinished);
    renameSync(unfinished, directory);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw error;
  } finally {
    lock.close();
  }
};
