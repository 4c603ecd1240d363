import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const file = join(root, 'docs/security.md');

const title = /\b(?:it|describe|describeWith)\((?:\[[^\]]*\],\s*)?['"`]([^'"`\n]+)/g;
const caseId = /\b(?:[A-Z]{2}|F)-\d{2}\b/g;

/** Case id → test files with a title that names it. */
const provenBy = async (): Promise<Map<string, string[]>> => {
  const found = new Map<string, string[]>();
  for (const path of (await Array.fromAsync(glob('test/**/*.ts', { cwd: root }))).toSorted()) {
    const titles = [...readFileSync(join(root, path), 'utf8').matchAll(title)].map(([, words = '']) => words);
    for (const id of new Set(titles.flatMap((words) => words.match(caseId) ?? []))) {
      found.set(id, [...(found.get(id) ?? []), path]);
    }
  }
  return found;
};

const link = (path: string): string => `[${path.replace(/^test\/|(\.test)?\.ts$/g, '')}](../${path})`;

/**
 * docs/security.md with the last column of its case tables filled in from the titles of the tests. All else in it is written by
 * hand: a row is `| RU-01 | requirement | tests |`.
 */
export const securityReference = async (): Promise<string> => {
  const tests = await provenBy();
  return readFileSync(file, 'utf8').replace(
    /^\| ((?:[A-Z]{2}|F)-\d{2}) \| ([^|]*) \|[^|]*\|$/gm,
    (_row, id: string, requirement: string) =>
      `| ${id} | ${requirement} | ${(tests.get(id) ?? []).map(link).join(', ') || 'no test yet'} |`,
  );
};
