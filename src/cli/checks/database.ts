import { describeFailure } from '../../exit.ts';
import type { Config } from '../../platform/config/index.ts';
import { DirectoryInUseError, inspectDatabase } from '../../platform/db/index.ts';
import { databaseOptions, hasDatabase } from '../database.ts';
import { findRunningServer } from '../operator/channel.ts';
import { type Finding, failed, guarded, ok } from './finding.ts';
import { findingsWithin, schemaFindings } from './within.ts';

const opened = async (config: Config): Promise<Finding[]> => {
  const inspection = await inspectDatabase(databaseOptions(config));
  const found = schemaFindings(inspection);
  const isOurs = inspection.completed.length > 0 && found.every(({ state }) => state !== 'failed');
  if (!isOurs) return found;
  const { openFoundation } = await import('../../foundation.ts');
  const foundation = await openFoundation({ ...config, logLevel: 'silent' });
  try {
    return await findingsWithin(foundation);
  } finally {
    await foundation.close();
  }
};

const unreachable = (error: unknown): Finding[] => {
  if (error instanceof DirectoryInUseError) {
    return [failed('database', error.message, 'If it has just started, try again in a moment; else end that process')];
  }
  const { lines } = describeFailure(error);
  const isKey = lines.some((line) => line.startsWith('MASTER_KEY'));
  const remedy = isKey ? 'Give the MASTER_KEY that sealed what is stored' : 'Mend DATABASE_URL or the database, then try again';
  return [failed(isKey ? 'master key' : 'database', lines.join(' ').split('\n')[0] ?? '', remedy)];
};

/** Asks the running server of an embedded database, else looks into the database itself, without changing it. */
export const databaseFindings = async (config: Config): Promise<Finding[]> => {
  if (config.databaseUrl === undefined && config.dataDir === ':memory:') return [ok('database', 'in memory, gone at the end')];
  const running = await findRunningServer(config);
  if (running) return await guarded('database', () => running('doctor.within', {}));
  if (!hasDatabase(config)) return [ok('database', `none in ${config.dataDir} yet: the first start makes it`)];
  return await guarded('database', () => opened(config).catch(unreachable));
};
