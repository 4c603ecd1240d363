import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CommandFailed } from '../exit.ts';
import type { Config } from '../platform/config/index.ts';
import type { DatabaseOptions } from '../platform/db/index.ts';

/** Whether there is a database to look at, be it damaged: an embedded one is made by the first start. */
export const hasDatabase = ({ databaseUrl, dataDir }: Config): boolean => {
  if (databaseUrl !== undefined) return true;
  const directory = join(dataDir, 'pg');
  return existsSync(directory) && readdirSync(directory).length > 0;
};

/** @throws CommandFailed for an `existing` database that no start has made yet */
export const databaseOptions = (config: Config, which: 'existing' | 'any' = 'any'): DatabaseOptions => {
  if (config.dataDir === ':memory:' && config.databaseUrl === undefined) {
    throw new CommandFailed('DATA_DIR=:memory: keeps nothing: there is no database to work on');
  }
  if (which === 'existing' && !hasDatabase(config)) {
    throw new CommandFailed(`there is no database in ${config.dataDir} yet: castellan start or castellan migrate up makes one`);
  }
  return { databaseUrl: config.databaseUrl, dataDir: config.dataDir, poolMax: config.databasePoolMax };
};
