import type { ParseArgsConfig } from 'node:util';

/** One option, with the words of `--help`. */
export interface CommandOption {
  type: 'string' | 'boolean';
  description: string;
  /** Name of the value in `--help`. */
  value?: string;
  multiple?: boolean;
}

export interface CommandInput {
  values: Record<string, string | boolean | (string | boolean)[] | undefined>;
  positionals: readonly string[];
}

/** One command of `castellan`. */
export interface Command {
  /** One or two words: `start`, `user create`. */
  name: string;
  summary: string;
  /** What the first word does by itself: `castellan migrate`. */
  isDefault?: boolean;
  /** Names of the arguments, in order; a name that starts with `[` may be left out. */
  positionals?: readonly string[];
  options?: Readonly<Record<string, CommandOption>>;
  /** Further lines of `--help`. */
  notes?: readonly string[];
  /** @returns the exit code; 0 where there is none. Refusals are thrown */
  run(input: CommandInput): Promise<number | undefined>;
}

export const parseOptions = ({ options = {} }: Command): NonNullable<ParseArgsConfig['options']> => ({
  ...Object.fromEntries(Object.entries(options).map(([name, { type, multiple = false }]) => [name, { type, multiple }])),
  help: { type: 'boolean', short: 'h' },
});

export const text = ({ values }: CommandInput, name: string): string | undefined => {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
};

export const texts = ({ values }: CommandInput, name: string): string[] => {
  const value = values[name];
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
};

export const flag = ({ values }: CommandInput, name: string): boolean => values[name] === true;
