import type { Outcome } from './own/outcome.ts';

const order = ['PASSED', 'REVIEW', 'WARNING', 'SKIPPED', 'FAILED'] as const;

const variantOf = ({ variant }: Outcome): string =>
  Object.entries(variant)
    .filter(([name, value]) => !['client_registration', 'server_metadata'].includes(name) && value !== 'default')
    .map(([, value]) => value)
    .join(', ');

/** For a terminal: one line a module that did not simply pass, and the counts of each plan. */
export const printReport = (outcomes: readonly Outcome[]): string => {
  const lines = outcomes
    .filter(({ result }) => result !== 'PASSED' && result !== 'REVIEW')
    .map((outcome) => `${outcome.result.padEnd(8)} ${outcome.module} [${variantOf(outcome)}] ${outcome.notes.join('; ')}`);
  const plans = [...new Set(outcomes.map(({ plan }) => plan))].map((plan) => {
    const own = outcomes.filter((outcome) => outcome.plan === plan);
    const counts = order.map((result) => `${result} ${own.filter((outcome) => outcome.result === result).length}`);
    return `${plan.padEnd(70)} ${counts.join('  ')}`;
  });
  return [...lines, '', ...plans].join('\n');
};

const words: Record<Outcome['result'], string> = {
  PASSED: 'passed',
  REVIEW: 'passed (page)',
  WARNING: 'warning',
  SKIPPED: 'skipped',
  FAILED: 'failed',
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const planTable = (plan: string, outcomes: readonly Outcome[]): string => {
  const rows = new Map<string, { module: string; result: string; notes: string; variants: string[] }>();
  for (const outcome of outcomes) {
    const { module, result } = outcome;
    const notes = outcome.notes.join('; ');
    const key = `${module} ${result} ${notes}`;
    const row = rows.get(key) ?? { module, result: words[result], notes, variants: [] };
    row.variants.push(variantOf(outcome) || '-');
    rows.set(key, row);
  }
  const lines = [...rows.values()].map(
    ({ module, result, notes, variants }) =>
      `| \`${module}\` | ${variants.map(cell).join('<br>')} | ${result} | ${cell(notes)} |`,
  );
  return [`## ${plan}`, '', '| module | variants | result | why |', '|---|---|---|---|', ...lines, ''].join('\n');
};

/** `docs/conformance.md` */
export const writeDocument = (outcomes: readonly Outcome[]): string => {
  const plans = [...new Set(outcomes.map(({ plan }) => plan))];
  const count = (result: Outcome['result'], of: readonly Outcome[]): number =>
    of.filter((outcome) => outcome.result === result).length;
  const summary = plans.map((plan) => {
    const own = outcomes.filter((outcome) => outcome.plan === plan);
    return `| \`${plan}\` | ${own.length} | ${order.map((result) => count(result, own)).join(' | ')} |`;
  });
  return [
    '# Conformance',
    '',
    'Written by `npm run conformance -- --write`; do not edit. Each module of the OpenID Foundation’s plans is expressed in',
    '`conformance/own/modules` under its own name and run in process against a listening server with `PROFILE=conformance`.',
    '`passed (page)`: the right page was shown where the official suite takes a picture for a person (REVIEW there).',
    'This is our own expression, not the official suite; `CONFORMANCE_SERVER=https://… npm run conformance` drives that one with the',
    'configurations in `conformance/plans` and compares with the same list of expected outcomes (`conformance/expected`).',
    '',
    '| plan | runs | passed | passed (page) | warning | skipped | failed |',
    '|---|---|---|---|---|---|---|',
    ...summary,
    '',
    ...plans.map((plan) =>
      planTable(
        plan,
        outcomes.filter((outcome) => outcome.plan === plan),
      ),
    ),
  ].join('\n');
};
