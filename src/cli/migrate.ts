import { exitCodes } from '../exit.ts';
import { configFromProcess } from '../platform/config/index.ts';
import { inspectDatabase, migrateDatabase } from '../platform/db/index.ts';
import type { Command } from './command.ts';
import { databaseOptions } from './database.ts';
import { print, say } from './terminal.ts';

export const migrateUp: Command = {
  name: 'migrate up',
  isDefault: true,
  summary: 'bring the schema up to this version; replicas that start meanwhile wait',
  notes: ['castellan start does the same by itself. Migrations only go forward: to go back, restore a backup.'],
  run: async () => {
    const done = await migrateDatabase(databaseOptions(configFromProcess()));
    for (const name of done) print(name);
    say(done.length === 0 ? 'the schema is up to date' : `${done.length} migrations done`);
    return undefined;
  },
};

export const migrateStatus: Command = {
  name: 'migrate status',
  summary: 'say which migrations are done and which wait; exit code 1 while some wait',
  run: async () => {
    const { completed, pending, unknown } = await inspectDatabase(databaseOptions(configFromProcess(), 'existing'));
    for (const name of completed) print(`done     ${name}`);
    for (const name of unknown) print(`unknown  ${name}  (of a newer version)`);
    for (const name of pending) print(`waiting  ${name}`);
    return pending.length > 0 || unknown.length > 0 ? exitCodes.failed : exitCodes.done;
  },
};
