import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CommandFailed } from '../exit.ts';
import { configFromProcess } from '../platform/config/index.ts';
import { restoreArchive } from '../platform/db/index.ts';
import type { Command } from './command.ts';
import { withOperator } from './operator/index.ts';
import { print, say } from './terminal.ts';

export const backup: Command = {
  name: 'backup',
  summary: 'write the embedded database into one file, also while it is in use',
  positionals: ['file'],
  notes: [
    'The file holds everything but the master key, which opens its secrets: keep master.key (or MASTER_KEY) as well, and elsewhere.',
    'With DATABASE_URL use pg_dump: docs/operators/backup.md.',
  ],
  run: async ({ positionals }) => {
    const file = resolve(positionals[0] ?? '');
    const { bytes, takenAt } = await withOperator((operate) => operate('backup.write', { file }));
    print(file);
    say(
      `${Math.ceil(bytes / 1024)} kB, as of ${takenAt}. Keep the master key too: without it the signing keys and secrets in there are lost`,
    );
    return undefined;
  },
};

export const restore: Command = {
  name: 'restore',
  summary: 'make the embedded database of an empty DATA_DIR out of a backup',
  positionals: ['file'],
  notes: [
    'The master key of the backup must be there: as master.key in DATA_DIR, or as MASTER_KEY. Then: castellan doctor --after-restore',
  ],
  run: async ({ positionals }) => {
    const file = resolve(positionals[0] ?? '');
    const { databaseUrl, dataDir, masterKeys } = configFromProcess();
    if (databaseUrl !== undefined) throw new CommandFailed('with DATABASE_URL use pg_restore: docs/operators/backup.md');
    if (dataDir === ':memory:') throw new CommandFailed('DATA_DIR=:memory: keeps nothing');
    if (!existsSync(file)) throw new CommandFailed(`there is no file ${file}`);
    if (masterKeys.length === 0 && !existsSync(join(dataDir, 'master.key'))) {
      throw new CommandFailed(
        `the master key of the backup is missing: put it into ${join(dataDir, 'master.key')}, or give MASTER_KEY`,
      );
    }
    await restoreArchive(dataDir, new Uint8Array(readFileSync(file)));
    print(dataDir);
    say('restored. Now run castellan doctor --after-restore: until then the service says that it is not ready');
    return undefined;
  },
};
