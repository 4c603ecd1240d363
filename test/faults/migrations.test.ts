import { expect } from 'chai';
import { openDatabase } from '../../src/platform/db/index.ts';
import { postgresCopy } from '../support/database.ts';
import { castellan, startToEnd } from '../support/process.ts';
import { describeWith } from '../support/services.ts';
import { type CutMigrations, cutMigrations, killedMigrations } from './migrations.ts';

type Cut = [at: number, when: 'before' | 'after'];

/** Some of the statements, others from run to run; all of them: `npm run faults -- F-20`. */
const sample = async (
  open: () => Promise<CutMigrations>,
  choose: (migrations: CutMigrations) => Promise<Cut[]>,
): Promise<void> => {
  const migrations = await open();
  try {
    for (const [at, when] of await choose(migrations)) {
      expect(await migrations.cut(at, when), `${when} statement ${at}`).to.deep.equal([]);
    }
  } finally {
    await migrations.close();
  }
};
const anyOf = (statements: number): number => 1 + Math.floor(Math.random() * statements);

describeWith(['postgres'], 'F-20 migrations, PostgreSQL', () => {
  it('cut off at any statement, or with the answer to the last one, leave all or nothing, and the next start finishes', () =>
    sample(cutMigrations, async ({ statements }) => {
      const all = await statements();
      return [
        [anyOf(all), 'before'],
        [anyOf(all), 'after'],
        [all, 'after'],
      ];
    })).timeout(120_000);

  it('the release before goes on starting and serving on the schema of the next one; an older one ends with 1 and one line', async () => {
    const place = await postgresCopy();
    const env = {
      DATABASE_URL: place.databaseUrl ?? '',
      MASTER_KEY: Buffer.alloc(32, 3).toString('base64url'),
      DATA_DIR: place.dataDir,
      PORT: '0',
    };
    const options = { ...place, poolMax: 2 };
    const reach = async (release: number): Promise<void> => {
      const database = await openDatabase({ ...options, migrate: false });
      await database.maintain(`update schema_release set release = ${release};
        insert into schema_migrations (name, batch) values ('9${release}_of_a_newer_release.ts', ${release + 10})`);
      await database.close();
    };
    await reach(2);
    const next = await castellan(['doctor', '--json'], env);
    const schema = JSON.parse(next.stdout).find(({ check }: { check: string }) => check === 'schema');
    expect(schema, next.stderr).to.deep.include({ state: 'warning', message: 'of a newer version: 92_of_a_newer_release.ts' });
    expect((await castellan(['seed'], env)).code, 'does what a start does').to.equal(0);
    await reach(3);
    for (const ended of [await startToEnd(env), await castellan(['migrate'], env)]) {
      expect(ended.stderr.trim()).to.match(/^the database was brought up to release 3, this is release 1: [^\n]+$/);
      expect(ended.code).to.equal(1);
    }
    await place.remove();
  }).timeout(120_000);
});

describe('F-20 migrations, embedded database', () => {
  // Fewer than a start has: they need not be counted first.
  it('killed at any statement leave all or nothing, and the next start finishes', () =>
    sample(killedMigrations, async () => [[anyOf(100), Math.random() < 0.5 ? 'before' : 'after']])).timeout(120_000);
});
