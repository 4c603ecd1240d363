import { readFileSync } from 'node:fs';
import type { Outcome, Result } from './own/outcome.ts';

/** A module that is expected not simply to pass, and why (`conformance/expected/PLAN.json`). */
export interface Expectation {
  /** Name of the module, `*` stands for anything. */
  module: string;
  /** The entry holds where the module's variant has these values. */
  variant?: Record<string, string>;
  result: Result;
  why: string;
  /** The official suite fails there by a fault of its own; our expression of the module has to pass. */
  only?: 'suite';
}

const covers = ({ module, variant = {} }: Expectation, outcome: Outcome): boolean =>
  new RegExp(`^${module.replace(/[.]/g, '\\.').replaceAll('*', '.*')}$`).test(outcome.module) &&
  Object.entries(variant).every(([name, value]) => outcome.variant[name] === value);

/** @param runner whose outcomes are compared */
export const loadExpectations = (plan: string, runner: 'own' | 'suite'): Expectation[] => {
  const file = new URL(`expected/${plan}.json`, import.meta.url);
  const entries: Expectation[] = JSON.parse(readFileSync(file, 'utf8'));
  return entries.filter(({ only = runner }) => only === runner);
};

const describe = ({ plan, module, variant, result, notes }: Outcome): string =>
  `${plan} ${module} ${JSON.stringify(variant)}: ${result} ${notes.join('; ')}`.trim();

/**
 * What differs from the list, in words: an outcome nobody expected, and an entry that did not happen (so that the list cannot go stale).
 */
export const surprises = (outcomes: readonly Outcome[], expectations: readonly Expectation[]): string[] => {
  const unexpected = outcomes.flatMap((outcome) => {
    const expected = expectations.find((entry) => covers(entry, outcome))?.result ?? 'PASSED';
    return outcome.result === expected ? [] : [`${describe(outcome)} (expected ${expected})`];
  });
  const stale = expectations
    .filter((entry) => !outcomes.some((outcome) => covers(entry, outcome)))
    .map(({ module, result }) => `${module}: an expected ${result} did not happen; take the entry away`);
  return [...unexpected, ...stale];
};
