import { start } from '../start.ts';
import type { Command } from './command.ts';

export const startCommand: Command = {
  name: 'start',
  summary: 'serve, as npm start does: migrates, creates what is missing, drains on SIGTERM',
  run: async () => {
    await start();
    return undefined;
  },
};
