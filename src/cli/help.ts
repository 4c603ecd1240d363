import type { Command } from './command.ts';

const columns = (rows: readonly (readonly [string, string])[]): string[] => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
};

const shown = (name: string): string => (name.startsWith('[') ? name : `<${name}>`);
const synopsis = ({ name, positionals = [] }: Command): string => [name, ...positionals.map(shown)].join(' ');

/** All commands, or those of one word: `castellan user`. */
export const generalHelp = (commands: readonly Command[]): string =>
  [
    'usage: castellan <command> [options]',
    '',
    ...columns(commands.map((command) => [synopsis(command), command.summary])),
    '',
    'castellan <command> --help shows its options. Settings come from the environment and from .env in the working directory;',
    'docs/operators/configuration.md lists them. Exit code: 0 done, 1 failed, 2 wrong usage or configuration.',
  ].join('\n');

export const helpOf = (command: Command): string => {
  const options = Object.entries(command.options ?? {}).map(([name, { value, description }]): [string, string] => [
    `--${name}${value ? ` ${value}` : ''}`,
    description,
  ]);
  return [
    `usage: castellan ${synopsis(command)}${options.length > 0 ? ' [options]' : ''}`,
    '',
    `  ${command.summary}`,
    '',
    ...columns([...options, ['--help', 'show this']]),
    ...(command.notes ? ['', ...command.notes] : []),
  ].join('\n');
};
