import { CommandFailed } from '../../exit.ts';
import { type Config, configFromProcess } from '../../platform/config/index.ts';
import { inspectDatabase } from '../../platform/db/index.ts';
import { databaseOptions } from '../database.ts';
import { findRunningServer } from './channel.ts';
import { createOperations, type Operate } from './operations.ts';

/** @throws CommandFailed where the database is not of this version, or not there */
export const checkSchema = async (config: Config): Promise<void> => {
  const { pending, unknown } = await inspectDatabase(databaseOptions(config, 'existing'));
  if (unknown.length > 0) throw new CommandFailed('the database is of a newer version than this command');
  if (pending.length > 0) {
    throw new CommandFailed(`the schema lacks ${pending.length} migrations of this version: castellan migrate up`);
  }
};

const withRooms = async <Result>(config: Config, work: (operate: Operate) => Promise<Result>): Promise<Result> => {
  await checkSchema(config);
  // Read when it is needed: the whole application takes four times as long to read as the command line.
  const { openRooms } = await import('../../app.ts');
  // What a command says is its result; a log line on standard output would be part of it.
  const rooms = await openRooms({ ...config, logLevel: 'silent' });
  try {
    const operations = createOperations(rooms) as unknown as Record<string, (input: unknown) => Promise<unknown>>;
    return await work((async (name: string, input: unknown) => await operations[name]?.(input)) as Operate);
  } finally {
    await rooms.close();
  }
};

/** Works in the server that owns the embedded database, else on the database itself. Never migrates. */
export const withOperator = async <Result>(work: (operate: Operate) => Promise<Result>): Promise<Result> => {
  const config = configFromProcess();
  const running = await findRunningServer(config);
  return running ? await work(running) : await withRooms(config, work);
};
