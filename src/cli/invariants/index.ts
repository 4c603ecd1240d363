import type { Foundation } from '../../foundation.ts';
import { type Finding, failed, ok } from '../checks/finding.ts';
import { historyRules } from './history.ts';
import { createInvariantRepository } from './repository.ts';
import { stateRules } from './state.ts';

const rules = [...historyRules, ...stateRules];

const remedy = 'Report it: no fault may leave this. Keep a copy of the database (castellan backup) before anything is changed';

/** What must hold after any fault (security-cases §2.1), one finding for each of N-01 to N-10. Changes nothing. */
export const invariantFindings = async ({ database, clock }: Pick<Foundation, 'database' | 'clock'>): Promise<Finding[]> => {
  const repository = createInvariantRepository(database);
  const findings: Finding[] = [];
  for (const id of [...new Set(rules.map((rule) => rule.id))].sort()) {
    const words: string[] = [];
    const own = rules.filter((rule) => rule.id === id);
    for (const rule of own) {
      const found = await repository.breaches(rule, clock.now());
      if (found.length > 0) words.push(`${rule.breach} (${found.join(', ')})`);
    }
    findings.push(words.length > 0 ? failed(id, words.join('; '), remedy) : ok(id, `holds (${own.length} questions)`));
  }
  return findings;
};
