import type { Command } from './command.ts';

export const startCommand: Command = {
  name: 'start',
  summary: 'serve, as npm start does: migrates, creates what is missing, drains on SIGTERM',
  run: async () => {
    const { start } = await import('../start.ts');
    await start();
    return undefined;
  },
};
