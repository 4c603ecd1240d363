import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { errorCodes } from '../../src/cli/documents/errors.ts';
import { documents } from '../../src/cli/documents/index.ts';

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

/** Case id → files that the table names. */
const claims = (text: string): Map<string, string[]> =>
  new Map(
    [...text.matchAll(/^\| ([A-Z]+-\d{2}) \|[^|]*\|([^|]*)\|$/gm)].map(([, id = '', files = '']) => [
      id,
      [...files.matchAll(/\]\(([^)]*)\)/g)].map(([, file = '']) => file),
    ]),
  );

describe('O5 documents made from the code', () => {
  for (const path of ['docs/operators/configuration.md', '.env.example', 'docs/errors.md']) {
    it(`${path} is what npm run docs makes`, async () => {
      const made = (await documents()).find((document) => document.path === path);
      expect(read(path)).to.equal(made?.content);
    });
  }

  it('docs/security.md claims no test that is not there', async () => {
    const made = (await documents()).find(({ path }) => path === 'docs/security.md');
    const real = claims(made?.content ?? '');
    expect(real.size).to.be.greaterThan(150);
    for (const [id, files] of claims(read('docs/security.md'))) expect(real.get(id), id).to.include.members(files);
  });

  it('no two rooms use one error code', async () => {
    const codes = (await errorCodes()).map(({ code }) => code);
    expect(codes.length).to.be.greaterThan(30);
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).to.eql([]);
  });
});
