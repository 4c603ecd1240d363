import { readFileSync, writeFileSync } from 'node:fs';
import { exitCodes } from '../exit.ts';
import type { Command } from './command.ts';
import { flag } from './command.ts';
import { documents } from './documents/index.ts';
import { print, say } from './terminal.ts';

const root = new URL('../../', import.meta.url);

const current = (path: string): string | undefined => {
  try {
    return readFileSync(new URL(path, root), 'utf8');
  } catch {
    return undefined;
  }
};

export const docs: Command = {
  name: 'docs',
  summary: 'write the generated documents: settings, error codes, security cases',
  options: { check: { type: 'boolean', description: 'write nothing; exit code 1 where a document is not what it should be' } },
  run: async (input) => {
    const stale = (await documents()).filter(({ path, content }) => current(path) !== content);
    for (const { path, content } of stale) {
      if (!flag(input, 'check')) writeFileSync(new URL(path, root), content);
      print(path);
    }
    if (stale.length > 0 && flag(input, 'check')) {
      say('not up to date; write them with: npm run docs');
      return exitCodes.failed;
    }
    return exitCodes.done;
  },
};
