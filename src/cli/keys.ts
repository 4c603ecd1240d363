import { type Command, flag, text } from './command.ts';
import { withOperator } from './operator/index.ts';
import { printJson, printTable } from './terminal.ts';

const json = { type: 'boolean', description: 'as JSON' } as const;
const columns = ['kid', 'alg', 'state', 'createdAt', 'activatedAt', 'expiresAt'];

const show = (keys: readonly object[], isJson: boolean): void => (isJson ? printJson(keys) : printTable(keys, columns));

export const keysList: Command = {
  name: 'keys list',
  summary: 'list signing keys with their state',
  options: { json },
  notes: ['next: published, not in use yet. active: signs. retired: published until what it signed has ended.'],
  run: async (input) => {
    show(await withOperator((operate) => operate('keys.list', {})), flag(input, 'json'));
    return undefined;
  },
};

export const keysRotate: Command = {
  name: 'keys rotate',
  summary: 'next keys sign from now on, active ones retire; every replica follows without a restart',
  options: { alg: { type: 'string', value: 'ALG', description: 'of one algorithm, such as ES256; all where absent' }, json },
  run: async (input) => {
    const keys = await withOperator((operate) => operate('keys.rotate', { alg: text(input, 'alg') }));
    show(keys, flag(input, 'json'));
    return undefined;
  },
};

export const keysRetire: Command = {
  name: 'keys retire',
  summary: 'take one key out of use; what it signed stays good until it ends',
  positionals: ['kid'],
  options: { compromised: { type: 'boolean', description: 'somebody else has it: what it signed is refused from now on' }, json },
  run: async (input) => {
    const wish = { kid: input.positionals[0] ?? '', isCompromised: flag(input, 'compromised') };
    show(await withOperator((operate) => operate('keys.retire', wish)), flag(input, 'json'));
    return undefined;
  },
};
