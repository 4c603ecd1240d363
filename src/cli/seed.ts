import { configFromProcess } from '../platform/config/index.ts';
import type { Command } from './command.ts';
import { databaseOptions } from './database.ts';
import { say } from './terminal.ts';

export const seed: Command = {
  name: 'seed',
  summary: 'do what a start does before it serves: migrate, keys, roles, first administrator, BOOTSTRAP_FILE',
  notes: ['Running it again changes nothing that is there already, except what BOOTSTRAP_FILE says of clients and resources.'],
  run: async () => {
    const config = configFromProcess();
    databaseOptions(config);
    const { createApp } = await import('../app.ts');
    const app = await createApp({ ...config, drainDelaySeconds: 0, logLevel: 'silent' });
    await app.close();
    const { firstAdministrator } = app;
    if (firstAdministrator) say(`administrator ${firstAdministrator.email}`);
    if (firstAdministrator?.password) say(`password, shown only now: ${firstAdministrator.password}`);
    say('everything that a start needs is there');
    return undefined;
  },
};
