import { UsageError } from '../exit.ts';
import { type CommandInput, type CommandOption, text } from './command.ts';

export const limitOption: Record<string, CommandOption> = {
  limit: { type: 'string', value: 'N', description: 'at most so many, 50 where not said' },
};

/** @throws UsageError */
export const limitOf = (input: CommandInput): number => {
  const given = text(input, 'limit') ?? '50';
  if (!/^[1-9]\d{0,3}$/.test(given)) throw new UsageError('--limit must be a whole number from 1 to 9999');
  return Number(given);
};
