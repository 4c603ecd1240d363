import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';

/** Why a password is refused (PW-07): known from breaches, made of what is known of the person, or quickly guessed. */
export type Weakness = 'breached' | 'personal' | 'guessable';

/** 10^8 guesses and more: what stands in NIST SP 800-63B-4's limit of 100 failures in a row with a wide margin, and slow offline. */
const leastGuessesLog10 = 8;
/** Longer ones are judged by their beginning: the estimate takes quadratic time, and a strong beginning is a strong whole. */
const judgedCharacters = 64;

const breached: ReadonlySet<string> = new Set(dictionary['passwords-common']);
const estimator = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });

const isOneRepeatedUnit = (text: string): boolean => {
  // A short password said many times over is as good as said once.
  const unit = (text + text).indexOf(text, 1);
  return unit < text.length && unit <= 8;
};

/**
 * Judges a password. Runs in the hashing threads: the word lists weigh 40 MB and an estimate takes up to 100 ms.
 * @param context words that are known of the person and the site
 */
export const weaknessOf = (password: string, context: readonly string[]): Weakness | undefined => {
  const shown = password.normalize('NFKC');
  const folded = shown.toLowerCase();
  const words = context.map((word) => word.normalize('NFKC').toLowerCase()).filter((word) => word.length >= 3);
  if (breached.has(folded)) return 'breached';
  if (words.includes(folded)) return 'personal';
  if (isOneRepeatedUnit(folded)) return 'guessable';
  const { guessesLog10, feedback } = estimator.check([...shown].slice(0, judgedCharacters).join(''), words);
  if (guessesLog10 >= leastGuessesLog10) return undefined;
  return feedback.warning === 'userInputs' ? 'personal' : 'guessable';
};
