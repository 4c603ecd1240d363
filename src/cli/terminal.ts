import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { CommandFailed, UsageError } from '../exit.ts';
import { randomSecret } from '../platform/crypto/index.ts';
import type { CommandInput, CommandOption } from './command.ts';
import { flag } from './command.ts';

/** Results go to standard output, everything said about them to standard error. */
export const print = (line: string): void => void process.stdout.write(`${line}\n`);
export const say = (line: string): void => void process.stderr.write(`${line}\n`);

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));

/** Rows as aligned columns; `undefined` and `null` as a dash. */
export const printTable = (rows: readonly object[], columns: readonly string[]): void => {
  const cells = rows.map((row) => columns.map((column) => String((row as Record<string, unknown>)[column] ?? '-')));
  const heads = columns.map((column) => column.replace(/[A-Z]/g, (letter) => ` ${letter}`).toUpperCase());
  const widths = heads.map((head, index) => Math.max(head.length, ...cells.map((row) => row[index]?.length ?? 0)));
  const lineOf = (row: readonly string[]): string => row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ');
  for (const row of [heads, ...cells]) print(lineOf(row).trimEnd());
};

export const readLine = (): Promise<string> =>
  new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin });
    let found = '';
    lines.once('line', (line) => {
      found = line;
      lines.close();
    });
    lines.once('close', () => resolve(found));
  });

/** Asks at the terminal without showing what is typed. */
const ask = (question: string): Promise<string> =>
  new Promise((resolve) => {
    const nothing = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({ input: process.stdin, output: nothing, terminal: true });
    process.stderr.write(question);
    lines.question('', (answer) => {
      lines.close();
      process.stderr.write('\n');
      resolve(answer);
    });
  });

/** A password never comes by argument: arguments are seen by every user of the machine and kept in the shell's history. */
export const passwordOptions: Record<string, CommandOption> = {
  'password-stdin': { type: 'boolean', description: 'read the password from the first line of standard input' },
  generate: { type: 'boolean', description: 'make a password and print it, this once' },
};

/** @returns the password, and whether it was made here and has to be shown */
export const choosePassword = async (input: CommandInput): Promise<{ password: string; isGenerated: boolean }> => {
  if (flag(input, 'generate')) return { password: randomSecret(16), isGenerated: true };
  if (flag(input, 'password-stdin')) return { password: await readLine(), isGenerated: false };
  if (!process.stdin.isTTY) throw new UsageError('no terminal to ask for a password: give --password-stdin or --generate');
  const password = await ask('Password: ');
  if ((await ask('Once more: ')) !== password) throw new CommandFailed('the two passwords differ; nothing was changed');
  return { password, isGenerated: false };
};
