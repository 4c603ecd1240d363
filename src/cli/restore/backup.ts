import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import type { Rooms } from '../../app.ts';
import { CommandFailed } from '../../exit.ts';

/** On the disk before it is called done, readable by its owner only, and never in the place of another file. */
const writeDurably = (file: string, content: Uint8Array): void => {
  let handle: number;
  try {
    handle = openSync(file, 'wx', 0o600);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CommandFailed(code === 'EEXIST' ? `${file} is there already; nothing was written` : message);
  }
  try {
    for (let written = 0; written < content.length; ) written += writeSync(handle, content, written);
    fsyncSync(handle);
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  } finally {
    closeSync(handle);
  }
};

/** The embedded database, as of one moment, in one file. @param file absolute path */
export const writeBackup = async ({ foundation: { database, clock } }: Pick<Rooms, 'foundation'>, file: string) => {
  if (!database.archive) {
    throw new CommandFailed('with DATABASE_URL use the tools of PostgreSQL: pg_dump --format=custom (docs/operators/backup.md)');
  }
  const takenAt = clock.now().toISOString();
  const archive = await database.archive();
  writeDurably(file, archive);
  return { file, takenAt, bytes: archive.length };
};
