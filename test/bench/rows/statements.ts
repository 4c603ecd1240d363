import { connections, type Scenario, type Session, scenarios } from '../scenarios.ts';
import type { Bench, Result, Row } from './row.ts';

const operations = 64;

/** Statements the server has sent so far, as its own histogram counts them. */
const statementsOf = async ({ target }: Session): Promise<number> => {
  const text = await (await fetch(`${target.origin}/metrics`)).text();
  const lines = text.matchAll(/^db_query_duration_seconds_count(?:\{[^}]*\})? (\d+)/gm);
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
};

const perOperation = async (session: Session, scenario: Scenario): Promise<number> => {
  const once = await scenario.prepare(session);
  await once(0);
  const before = await statementsOf(session);
  for (let index = 0; index < operations; index += 1) await once(index % connections);
  return ((await statementsOf(session)) - before) / operations;
};

const limits: { scenario: Scenario; floor: number; goal: number }[] = [
  { scenario: scenarios.clientCredentialsOpaque, floor: 1, goal: 1 },
  { scenario: scenarios.clientCredentialsJwt, floor: 0, goal: 0 },
  { scenario: scenarios.introspectClient, floor: 1, goal: 1 },
  { scenario: scenarios.introspectUser, floor: 2, goal: 1 },
  { scenario: scenarios.userinfo, floor: 2, goal: 2 },
  { scenario: scenarios.codeFlow, floor: 8, goal: 7 },
  { scenario: scenarios.refresh, floor: 4, goal: 4 },
];

/** Row 10. Background work (audit flush, jobs) adds a small fraction; the exact counts are asserted in test/oidc. */
export const statementRow: Row = {
  id: '10',
  run: async (bench: Bench) => {
    const results: Result[] = [];
    const session = await bench.castellan('postgres');
    for (const { scenario, floor, goal } of limits) {
      const value = Math.floor(await perOperation(session, scenario));
      results.push({
        row: '10',
        name: `statements: ${scenario.name}`,
        value,
        floor,
        goal,
        atMost: true,
        note: 'counted at the pool',
      });
    }
    return results;
  },
};
