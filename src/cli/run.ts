import { parseArgs } from 'node:util';
import { describeFailure, exitCodes, UsageError } from '../exit.ts';
import type { Command, CommandInput } from './command.ts';
import { parseOptions } from './command.ts';
import { commands } from './commands.ts';
import { generalHelp, helpOf } from './help.ts';
import { print, say } from './terminal.ts';

const wordsOf = (name: string): string[] => name.split(' ');

/** The command with the longest name that the line starts with. */
const find = (argv: readonly string[]): Command | undefined =>
  commands
    .filter(({ name }) => wordsOf(name).every((word, index) => argv[index] === word))
    .toSorted((a, b) => wordsOf(b.name).length - wordsOf(a.name).length)[0];

const read = (command: Command, args: readonly string[]): CommandInput => {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: parseOptions(command), allowPositionals: true });
    return { values, positionals };
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\nsee: castellan ${command.name} --help`);
  }
};

const checkCount = ({ name, positionals = [] }: Command, given: number): void => {
  const least = positionals.filter((one) => !one.startsWith('[')).length;
  const missing = positionals[given];
  if (given < least) throw new UsageError(`${missing} is missing\nsee: castellan ${name} --help`);
  if (given > positionals.length) throw new UsageError(`too many arguments\nsee: castellan ${name} --help`);
};

const isHelp = (word: string | undefined): boolean => word === '--help' || word === '-h' || word === 'help';

const runCommand = async (command: Command, args: readonly string[]): Promise<number> => {
  const input = read(command, args);
  if (input.values.help === true) {
    print(helpOf(command));
    return exitCodes.done;
  }
  checkCount(command, input.positionals.length);
  return (await command.run(input)) ?? exitCodes.done;
};

const runWords = async (argv: readonly string[]): Promise<number> => {
  const command = find(argv);
  if (command) return runCommand(command, argv.slice(wordsOf(command.name).length));
  const [word] = argv;
  const group = commands.filter(({ name }) => wordsOf(name)[0] === word);
  const byDefault = group.find(({ isDefault }) => isDefault === true);
  const rest = argv.slice(1);
  if (byDefault && !rest.some(isHelp) && rest.every((one) => one.startsWith('-'))) return runCommand(byDefault, rest);
  if (word === undefined || isHelp(word) || group.length > 0) {
    print(generalHelp(group.length > 0 ? group : commands));
    return word !== undefined && (isHelp(word) || isHelp(argv[1])) ? exitCodes.done : exitCodes.usage;
  }
  throw new UsageError(`there is no command ${word}\nsee: castellan --help`);
};

/** @param argv words after `castellan` @returns the exit code */
export const run = async (argv: readonly string[]): Promise<number> => {
  try {
    return await runWords(argv);
  } catch (error) {
    const { code, lines } = describeFailure(error);
    for (const line of lines) say(line);
    return code;
  }
};
