import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compare, median } from '../measure.ts';
import { scenarios } from '../scenarios.ts';
import { startCastellan, startR0, type Target } from '../targets.ts';
import type { Bench, Result, Row } from './row.ts';

interface Start {
  ms: number;
  rssBytes: number;
}

const idleSeconds = 3;

const startAndStop = async (start: () => Promise<Target>): Promise<Start> => {
  const target = await start();
  await sleep(idleSeconds * 1000);
  const { rssBytes } = await target.usage();
  await target.close();
  return { ms: target.startMs, rssBytes };
};

const repeat = async (times: number, start: () => Promise<Target>): Promise<Start> => {
  const runs: Start[] = [];
  for (let run = 0; run < times; run += 1) runs.push(await startAndStop(start));
  return { ms: median(runs.map(({ ms }) => ms)), rssBytes: median(runs.map(({ rssBytes }) => rssBytes)) };
};

/** Rows 19 and 20: cold start to the first 200, idle memory. */
const starts: Row = {
  id: '19',
  run: async ({ repetitions }: Bench) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'castellan-bench-start-'));
    const r0 = await repeat(repetitions, startR0);
    const postgres = await repeat(repetitions, () => startCastellan({ engine: 'postgres' }));
    const first = await repeat(repetitions, () => startCastellan({ engine: 'embedded' }));
    await startAndStop(() => startCastellan({ engine: 'embedded', dataDir }));
    const reopened = await repeat(repetitions, () => startCastellan({ engine: 'embedded', dataDir }));
    rmSync(dataDir, { recursive: true, force: true });
    const start = (name: string, subject: Start, floor: number, goal: number): Result => ({
      row: '19',
      name: `cold start ÷ R0: ${name}`,
      value: subject.ms / r0.ms,
      floor,
      goal,
      atMost: true,
      note: `${subject.ms.toFixed(0)} ms against ${r0.ms.toFixed(0)} ms`,
    });
    const memory = (name: string, subject: Start, floor: number, goal: number): Result => ({
      row: '20',
      name: `idle memory above R0, MB: ${name}`,
      value: (subject.rssBytes - r0.rssBytes) / 2 ** 20,
      floor,
      goal,
      atMost: true,
      note: `${(subject.rssBytes / 2 ** 20).toFixed(0)} MB against ${(r0.rssBytes / 2 ** 20).toFixed(0)} MB`,
    });
    return [
      start('PostgreSQL, first', postgres, 4, 2),
      start('embedded, reopened', reopened, 6, 3),
      start('embedded, first', first, 15, 5),
      memory('PostgreSQL', postgres, 120, 50),
      memory('embedded', reopened, 500, 250),
    ];
  },
};

/** Row 11: two workers on two cores that they share with the database and this client; nothing is pinned. */
const workers: Row = {
  id: '11',
  run: async (bench: Bench) => {
    const results: Result[] = [];
    const [one, two] = [await bench.castellan('postgres'), await bench.castellan('postgres', 2)];
    for (const scenario of [scenarios.clientCredentialsOpaque, scenarios.introspectClient, scenarios.userinfo]) {
      const { rateRatio, note } = await compare(scenario, two, one, bench);
      results.push({ row: '11', name: `two workers ÷ one: ${scenario.name}`, value: rateRatio, floor: 1.5, goal: 1.8, note });
    }
    return results;
  },
};

export const processRows: Row[] = [workers, starts];
