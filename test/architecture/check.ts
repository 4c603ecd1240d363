/**
 * `npm run check`: types, lint and format, unused code, room boundaries, sizes. Every part runs, then the exit code says whether one failed.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { promisify } from 'node:util';
import { cruise } from 'dependency-cruiser';
import { boundaries } from './rules.ts';

const run = promisify(execFile);
const maxLines = 250;

const command = async (name: string, args: string[]): Promise<string[]> => {
  try {
    await run(name, args, { maxBuffer: 2 ** 26 });
    return [];
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return [`${stdout}${stderr}`.trim() || String(error)];
  }
};

const checkBoundaries = async (): Promise<string[]> => {
  const { output } = await cruise(
    ['src'],
    { ruleSet: boundaries, validate: true, tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' } },
    undefined,
    { tsConfig: { options: {} } as never },
  );
  if (typeof output === 'string') return [output];
  // GROUND.md §3: a typescript it does not know makes it look at nothing and pass.
  if (output.summary.totalCruised < 20) return [`dependency-cruiser looked at ${output.summary.totalCruised} modules only`];
  return output.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`);
};

const checkSizes = async (): Promise<string[]> => {
  const tooLong: string[] = [];
  for await (const file of glob('src/**/*.ts')) {
    const lines = readFileSync(file, 'utf8').split('\n').length - 1;
    if (lines > maxLines) tooLong.push(`${file}: ${lines} lines, at most ${maxLines}`);
  }
  return tooLong;
};

const checkLockfile = async (): Promise<string[]> =>
  readFileSync('package-lock.json', 'utf8').includes('"resolved"') ? ['package-lock.json names a registry address'] : [];

const parts: Record<string, () => Promise<string[]>> = {
  types: () => command('tsc', []),
  'lint and format': () => command('biome', ['ci', '--colors=off', '--error-on-warnings', '.']),
  'unused code': () => command('knip', []),
  boundaries: checkBoundaries,
  sizes: checkSizes,
  lockfile: checkLockfile,
};

const results = await Promise.all(Object.entries(parts).map(async ([name, check]) => ({ name, problems: await check() })));
for (const { name, problems } of results) {
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name}`);
  for (const problem of problems) console.log(problem.replace(/^/gm, '     '));
}
process.exitCode = results.some(({ problems }) => problems.length > 0) ? 1 : 0;
