import { accessSync, constants, statfsSync } from 'node:fs';

/** Nothing more can be stored, as PostgreSQL's `disk_full` says it (F-16). */
export class StorageFullError extends Error {
  override readonly name = 'StorageFullError';
  readonly code = '53100';
}

/**
 * Kept free: a database that cannot add to its log does not fail but stops for good, and the whole process with it (tried: PGlite 0.5.16
 * waits for a lock that it holds itself). A segment of the log has 16 MB.
 */
const reserveBytes = 48 * 2 ** 20;
/** Of a new one, beside the reserve. */
const freshBytes = 48 * 2 ** 20;
/** While there is room; when there is none, each write looks again. */
const lookEveryMs = 250;

/** @returns 0 also where nothing may be written: no permission, or a read-only file system */
export const freeBytesOf = (directory: string): number => {
  try {
    accessSync(directory, constants.W_OK);
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    return 0;
  }
};

/** @throws StorageFullError */
export const requireRoom = (directory: string, freeBytes: number, isFresh: boolean): void => {
  const needed = reserveBytes + (isFresh ? freshBytes : 0);
  if (freeBytes >= needed) return;
  const [free, wanted] = [freeBytes, needed].map((bytes) => Math.floor(bytes / 2 ** 20));
  throw new StorageFullError(`DATA_DIR: ${directory} has ${free} MB of free space, the database needs ${wanted} MB`);
};

/** Whether an embedded database has room to write. */
export const createRoom = (freeBytes: () => number): { isShort(): boolean } => {
  let lookedAt = Number.NEGATIVE_INFINITY;
  return {
    isShort: () => {
      const now = performance.now();
      if (now - lookedAt < lookEveryMs) return false;
      const isShort = freeBytes() < reserveBytes;
      if (!isShort) lookedAt = now;
      return isShort;
    },
  };
};
