/** `npm run faults -- [id…] [--engine E] [--json FILE] [--minutes N]`: faults for real, and what was seen of each (security-cases §2.5). */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Engine } from '../support/database.ts';
import { createMortal } from '../support/mortal.ts';
import { postgresAnswers } from '../support/services.ts';
import { killedFlows, stage } from './kill-flows.ts';
import { type StrikeResult, walk } from './kill-walk.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    engine: { type: 'string', multiple: true },
    json: { type: 'string' },
    minutes: { type: 'string', default: '60' },
    help: { type: 'boolean', default: false },
  },
});

const usage = `npm run faults -- [id…] [--engine embedded|postgres] [--json FILE] [--minutes N]
ids: F-11 (all of its flows), or F-11/FLOW such as F-11/refresh

Each flow is killed by SIGKILL before and after each of its statements in turn, started again, asked for the invariants N-01 to N-10, and
finished or repeated.`;

interface Row {
  id: string;
  engine: Engine;
  /** Kills that hit. */
  caused: number;
  /** Seconds from the start of the first kill to the end of the last check. */
  seconds: number;
  problems: StrikeResult[];
}

const isChosen = (name: string): boolean =>
  positionals.length === 0 || positionals.some((id) => id === 'F-11' || id === `F-11/${name}`);

const end = Date.now() + Number(values.minutes) * 60_000;

const walkEngine = async (engine: Engine): Promise<Row[]> => {
  const staged = await stage();
  const mortal = await createMortal({ engine, ...staged.options });
  const rows: Row[] = [];
  try {
    await mortal.start();
    for (const flow of killedFlows(mortal, staged)) {
      if (!isChosen(flow.name)) continue;
      const since = performance.now();
      const row: Row = { id: `F-11/${flow.name}`, engine, caused: 0, seconds: 0, problems: [] };
      for await (const result of walk(mortal, flow)) {
        if (result.killed) row.caused += 1;
        if (result.problems.length > 0) row.problems.push(result);
        if (Date.now() > end) break;
      }
      row.seconds = Math.round((performance.now() - since) / 1000);
      rows.push(row);
      console.log(
        `${row.id.padEnd(24)} ${engine.padEnd(9)} ${String(row.caused).padStart(4)} kills ${String(row.seconds).padStart(5)} s  ${row.problems.length === 0 ? 'invariants hold, every flow went on' : `${row.problems.length} WRONG`}`,
      );
      for (const { when, statement, problems } of row.problems)
        console.log(`    ${when} statement ${statement}: ${problems.join('; ')}`);
      if (Date.now() > end) break;
    }
  } finally {
    await mortal.close();
    await staged.close();
  }
  return rows;
};

if (values.help) console.log(usage);
else {
  const engines = (values.engine ?? ['embedded', ...(postgresAnswers ? ['postgres'] : [])]) as Engine[];
  const rows: Row[] = [];
  for (const engine of engines) rows.push(...(await walkEngine(engine)));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  process.exitCode = rows.length > 0 && rows.every(({ problems }) => problems.length === 0) ? 0 : 1;
}
