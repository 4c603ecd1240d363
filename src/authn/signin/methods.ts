import { isTwofold, type Level } from '../../platform/assurance/index.ts';
import { type FactorMethod, mailAmr, reaches } from '../factors/proof.ts';

/** Of the methods, those that can reach the level; recovery codes stand in for a factor, and are none by themselves. */
const fitting = (methods: readonly FactorMethod[], needed: Level): FactorMethod[] => {
  const strong = methods.filter((method) => reaches(method, needed));
  return strong.every((method) => method === 'recovery') ? [] : strong;
};

/** What a sign-in asks for next. Where only weak factors are there, one of them, and then a strong one is made (MF-05). */
export const askedOf = (
  all: readonly FactorMethod[],
  { amr, needed }: { amr: readonly string[]; needed: Level },
): FactorMethod[] => {
  // MF-04: a second mail to the same box proves nothing new.
  const methods = amr.includes(mailAmr) ? all.filter((method) => method !== 'email') : all;
  const fit = fitting(methods, needed);
  return fit.length > 0 || isTwofold(amr) ? fit : [...methods];
};
