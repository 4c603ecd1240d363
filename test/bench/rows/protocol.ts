import { compare } from '../measure.ts';
import { type Scenario, scenarios } from '../scenarios.ts';
import type { Bench, Result, Row } from './row.ts';

interface Bar {
  scenario: Scenario;
  floor: number;
  goal: number;
}

const against = (id: string, engine: 'embedded' | 'postgres', reference: 'r0' | 'rn', bars: Bar[]): Row => ({
  id,
  run: async (bench: Bench) => {
    const results: Result[] = [];
    const [subject, other] = [await bench.castellan(engine), await bench[reference]()];
    for (const { scenario, floor, goal } of bars) {
      const { ratio, note } = await compare(scenario, subject, other, bench);
      results.push({ row: id, name: `${scenario.name}, ${engine} ÷ ${other.target.name}`, value: ratio, floor, goal, note });
    }
    return results;
  },
});

const s = scenarios;

/** Row 22: what the events cost. */
const auditing: Row = {
  id: '22',
  run: async (bench: Bench) => {
    const results: Result[] = [];
    const [audited, silent] = [await bench.auditing(true), await bench.auditing(false)];
    for (const scenario of [s.login, s.clientCredentialsOpaque, s.clientCredentialsJwt]) {
      const { ratio, note } = await compare(scenario, audited, silent, bench);
      results.push({ row: '22', name: `audit on ÷ off: ${scenario.name}`, value: ratio, floor: 0.85, goal: 0.97, note });
    }
    return results;
  },
};

/** Rows 1-9 and 22 of PERFORMANCE.md. */
export const protocolRows: Row[] = [
  against('1', 'postgres', 'r0', [
    { scenario: s.discovery, floor: 1.5, goal: 3 },
    { scenario: s.jwks, floor: 1.2, goal: 2.3 },
  ]),
  against('2', 'postgres', 'r0', [{ scenario: s.clientCredentialsOpaque, floor: 0.5, goal: 0.8 }]),
  against('3', 'postgres', 'r0', [{ scenario: s.clientCredentialsJwt, floor: 0.8, goal: 0.98 }]),
  against('4', 'postgres', 'r0', [{ scenario: s.introspectClient, floor: 0.7, goal: 0.95 }]),
  against('5', 'postgres', 'r0', [
    { scenario: s.introspectUser, floor: 0.45, goal: 0.8 },
    { scenario: s.userinfo, floor: 0.45, goal: 0.8 },
  ]),
  against('6', 'postgres', 'r0', [{ scenario: s.codeFlow, floor: 0.35, goal: 0.6 }]),
  against('7', 'postgres', 'r0', [{ scenario: s.refresh, floor: 0.35, goal: 0.6 }]),
  against('8', 'embedded', 'r0', [
    { scenario: s.introspectClient, floor: 0.6, goal: 1 },
    { scenario: s.userinfo, floor: 0.5, goal: 0.9 },
    { scenario: s.clientCredentialsOpaque, floor: 0.35, goal: 0.6 },
    { scenario: s.codeFlow, floor: 0.18, goal: 0.3 },
  ]),
  against(
    '9',
    'postgres',
    'rn',
    [s.clientCredentialsOpaque, s.introspectClient, s.introspectUser, s.userinfo, s.codeFlow, s.refresh].map((scenario) => ({
      scenario,
      floor: 1.6,
      goal: 3,
    })),
  ),
  auditing,
];
