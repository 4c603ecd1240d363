/** `npm run bench -- [row…] [--json FILE] [--tokens N] [--seconds N]`: ratios against references measured in the same run. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { authzenRows } from './rows/authzen.ts';
import { decisionRows } from './rows/decisions.ts';
import { enumerationRows } from './rows/enumeration.ts';
import { hashingRows } from './rows/hashing.ts';
import { processRows } from './rows/process.ts';
import { protocolRows } from './rows/protocol.ts';
import type { Bench, Result, Row } from './rows/row.ts';
import { statementRow } from './rows/statements.ts';
import { clientToken, connections, openSession, type Session } from './scenarios.ts';
import { startCastellan, startR0, startRn, type Target } from './targets.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    tokens: { type: 'string', default: '50000' },
    seconds: { type: 'string', default: '2' },
    repetitions: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
});

const rows: Row[] = [
  ...protocolRows,
  statementRow,
  ...hashingRows,
  ...enumerationRows,
  ...decisionRows,
  ...authzenRows,
  ...processRows,
];

const usage = `npm run bench -- [row…] [--json FILE] [--tokens N] [--seconds N] [--repetitions N]
rows: ${rows.map(({ id }) => id).join(' ')}`;

/** PERFORMANCE.md: measured after that many issued tokens. */
const fill = async (session: Session, tokens: number): Promise<void> => {
  let left = tokens;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (left-- > 0) await clientToken(session, 'opaque');
    }),
  );
};

const opened = new Map<string, Promise<Session>>();
const open = (key: string, start: () => Promise<Target>): Promise<Session> => {
  const existing = opened.get(key);
  if (existing) return existing;
  const session = start()
    .then(openSession)
    .then(async (ready) => {
      await fill(ready, Number(values.tokens));
      return ready;
    });
  opened.set(key, session);
  return session;
};

const bench: Bench = {
  r0: () => open('r0', startR0),
  rn: () => open('rn', startRn),
  castellan: (engine, workers = 1) => open(`castellan-${engine}-${workers}`, () => startCastellan({ engine, workers })),
  auditing: (isAudited) => open(`castellan-audited-${isAudited}`, () => startCastellan({ engine: 'postgres', isAudited })),
  seconds: Number(values.seconds),
  repetitions: Number(values.repetitions),
};

const verdict = ({ value, floor, goal, atMost }: Result): string => {
  const reaches = (bar: number): boolean => (atMost ? value <= bar : value >= bar);
  if (reaches(goal)) return 'goal';
  return reaches(floor) ? 'floor' : 'BELOW';
};

const print = (result: Result): void => {
  const bars = `${result.atMost ? '≤' : '≥'} ${result.floor} (${result.goal})`;
  const cells = [
    result.row.padStart(3),
    verdict(result).padEnd(5),
    result.value.toFixed(2).padStart(8),
    bars.padEnd(14),
    result.name,
  ];
  console.log(`${cells.join('  ')}  [${result.note}]`);
};

if (values.help) {
  console.log(usage);
  process.exit(0);
}
const unknown = positionals.filter((id) => !rows.some((row) => row.id === id));
if (unknown.length > 0) {
  console.error(`there is no row ${unknown.join(', ')}\n${usage}`);
  process.exit(2);
}

const results: Result[] = [];
console.log('row  bar       value  floor (goal)    what');
for (const row of rows.filter(({ id }) => positionals.length === 0 || positionals.includes(id))) {
  for (const result of await row.run(bench)) {
    print(result);
    results.push(result);
  }
}
for (const session of opened.values()) {
  const { client, target } = await session;
  client.close();
  await target.close();
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(results, undefined, 2)}\n`);
process.exitCode = results.some((result) => verdict(result) === 'BELOW') ? 1 : 0;
