/** `npm run faults`: faults for real, and what was seen of each (security-cases §2.5). */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Engine } from '../support/database.ts';
import { createMortal } from '../support/mortal.ts';
import { postgresAnswers } from '../support/services.ts';
import { killedFlows, stage } from './kill-flows.ts';
import { anySeed, sample, seeded, walk } from './kill-walk.ts';
import { type CutMigrations, cutMigrations, killedMigrations } from './migrations.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean', default: false },
    engine: { type: 'string', multiple: true },
    json: { type: 'string' },
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const usage = `npm run faults -- [id…] [--all] [--engine embedded|postgres] [--json FILE] [--minutes N] [--seed S]

F-11 [F-11/FLOW]  each flow is killed by SIGKILL before and after its statements, started again, asked for the invariants N-01 to N-10,
                  and finished or repeated
F-20              the migrations of an empty database are killed (embedded) or cut off (PostgreSQL) before and after their statements;
                  all or nothing is left, and the next start finishes

Without an id: some statements of everything, chosen by the seed, which is printed; the same seed repeats the choice.
With an id, or --all: every statement, in turn.`;

interface Row {
  id: string;
  engine: Engine;
  /** Faults that hit. */
  caused: number;
  /** From the first fault to the end of the last check. */
  seconds: number;
  problems: { when: string; statement: number; problems: string[] }[];
}
interface Seen {
  when: 'before' | 'after';
  statement: number;
  killed: boolean;
  problems: string[];
}

const strikesPerFlow = 2;
const isWhole = values.all || positionals.length > 0;
const seed = values.seed === undefined ? anySeed() : Number(values.seed);
const random = seeded(seed);
const end = Date.now() + Number(values.minutes) * 60_000;
const isChosen = (id: string, name = id): boolean =>
  positionals.length === 0 || positionals.some((given) => given === id || given === name);

const observe = async (id: string, engine: Engine, seen: AsyncIterable<Seen>): Promise<Row> => {
  const since = performance.now();
  const row: Row = { id, engine, caused: 0, seconds: 0, problems: [] };
  for await (const { when, statement, killed, problems } of seen) {
    if (killed) row.caused += 1;
    if (problems.length > 0) row.problems.push({ when, statement, problems });
    if (Date.now() > end) break;
  }
  row.seconds = Math.round((performance.now() - since) / 1000);
  const verdict = row.problems.length === 0 ? 'held, and went on' : `${row.problems.length} WRONG`;
  console.log(
    `${id.padEnd(24)} ${engine.padEnd(9)} ${String(row.caused).padStart(4)} faults ${String(row.seconds).padStart(5)} s  ${verdict}`,
  );
  for (const { when, statement, problems } of row.problems)
    console.log(`    ${when} statement ${statement}: ${problems.join('; ')}`);
  return row;
};

const killFlows = async (engine: Engine): Promise<Row[]> => {
  const staged = await stage();
  const mortal = await createMortal({ engine, ...staged.options });
  const rows: Row[] = [];
  try {
    await mortal.start();
    for (const flow of killedFlows(mortal, staged)) {
      const id = `F-11/${flow.name}`;
      if (!isChosen('F-11', id) || Date.now() > end) continue;
      rows.push(await observe(id, engine, isWhole ? walk(mortal, flow) : sample(mortal, flow, strikesPerFlow, random)));
    }
  } finally {
    await mortal.close();
    await staged.close();
  }
  return rows;
};

async function* cuts({ statements, cut }: CutMigrations): AsyncGenerator<Seen> {
  const all = await statements();
  for (const when of ['before', 'after'] as const) {
    const numbers = Array.from({ length: all }, (_, index) => index + 1);
    const chosen = isWhole ? numbers : Array.from({ length: strikesPerFlow }, () => 1 + Math.floor(random() * all));
    for (const statement of chosen) yield { when, statement, killed: true, problems: await cut(statement, when) };
  }
}

const cutEngine = async (engine: Engine): Promise<Row[]> => {
  if (!isChosen('F-20') || Date.now() > end) return [];
  const migrations = await (engine === 'embedded' ? killedMigrations() : cutMigrations());
  try {
    return [await observe('F-20', engine, cuts(migrations))];
  } finally {
    await migrations.close();
  }
};

if (values.help) console.log(usage);
else {
  console.log(isWhole ? 'every statement' : `a sample, seed ${seed}`);
  const engines = (values.engine ?? ['embedded', ...(postgresAnswers ? ['postgres'] : [])]) as Engine[];
  const rows: Row[] = [];
  const isF11 = positionals.length === 0 || positionals.some((id) => id.startsWith('F-11'));
  for (const engine of engines) rows.push(...(isF11 ? await killFlows(engine) : []), ...(await cutEngine(engine)));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ seed, rows }, null, 2)}\n`);
  process.exitCode = rows.length > 0 && rows.every(({ problems }) => problems.length === 0) ? 0 : 1;
}
