import { randomInt } from 'node:crypto';

/** A code to be typed. */
export const sixDigits = (): string => String(randomInt(1_000_000)).padStart(6, '0');

/** What was typed, as digits; spaces and dashes help to read and do not matter. */
export const digitsOf = (typed: string): string => typed.normalize('NFKC').replace(/[\s-]/g, '').slice(0, 20);
