import { UsageError } from '../exit.ts';
import type { OutboxState } from '../platform/events/index.ts';
import { type Command, type CommandInput, flag, text } from './command.ts';
import { limitOf, limitOption } from './limit.ts';
import { withOperator } from './operator/index.ts';
import { print, printJson, printTable, say } from './terminal.ts';

const states: readonly OutboxState[] = ['pending', 'delivered', 'dead'];

const stateOf = (input: CommandInput): OutboxState | undefined => {
  const given = text(input, 'state');
  if (given === undefined) return undefined;
  const state = states.find((one) => one === given);
  if (!state) throw new UsageError(`--state must be one of ${states.join(', ')}`);
  return state;
};

const json = { type: 'boolean', description: 'as JSON' } as const;

export const outboxList: Command = {
  name: 'outbox list',
  isDefault: true,
  summary: 'list what waits to leave, has left, or was given up: mails, logout notices, webhooks',
  options: {
    topic: { type: 'string', value: 'TOPIC', description: 'of one kind, such as mail' },
    state: { type: 'string', value: 'STATE', description: states.join(', ') },
    ...limitOption,
    json,
  },
  notes: ['Newest first. Without SMTP_URL mails stay pending here: castellan outbox show ID prints one.'],
  run: async (input) => {
    const topic = text(input, 'topic');
    const state = stateOf(input);
    const filter = {
      limit: limitOf(input),
      ...(topic === undefined ? {} : { topic }),
      ...(state === undefined ? {} : { state }),
    };
    const entries = await withOperator((operate) => operate('outbox.list', filter));
    if (flag(input, 'json')) printJson(entries);
    else printTable(entries, ['id', 'topic', 'state', 'createdAt', 'attempts', 'to', 'subject', 'lastError']);
    return undefined;
  },
};

export const outboxShow: Command = {
  name: 'outbox show',
  summary: 'print one entry; a mail as its reader sees it',
  positionals: ['id'],
  options: { json },
  run: async (input) => {
    const entry = await withOperator((operate) => operate('outbox.show', { id: input.positionals[0] ?? '' }));
    if (flag(input, 'json') || entry.text === undefined) {
      printJson(entry);
      return undefined;
    }
    for (const [name, value] of [
      ['To', entry.to],
      ['Subject', entry.subject],
      ['Date', entry.createdAt],
    ])
      print(`${name}: ${value}`);
    print(`\n${entry.text}`);
    return undefined;
  },
};

export const outboxRetry: Command = {
  name: 'outbox retry',
  summary: 'try an entry again that was given up',
  positionals: ['id'],
  run: async (input) => {
    await withOperator((operate) => operate('outbox.retry', { id: input.positionals[0] ?? '' }));
    say('it is tried again');
    return undefined;
  },
};
