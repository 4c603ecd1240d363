import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { pino } from 'pino';
import { createAudit } from '../../src/audit/index.ts';
import { sealedKeys } from '../../src/oidc/keys/generate.ts';
import { createKeyRepository } from '../../src/oidc/keys/repository.ts';
import { createKeys, type Keys } from '../../src/oidc/keys/service.ts';
import { createEnvelope, EnvelopeError } from '../../src/platform/crypto/index.ts';
import { afterCommit, createInTransaction, type Database, reseal } from '../../src/platform/db/index.ts';
import { createTestClock } from '../support/clock.ts';
import { type Engine, openTestDatabase } from '../support/database.ts';
import { describeWith } from '../support/services.ts';

const master = randomBytes(32);

const suite = (engine: Engine): void => {
  let database: Database;
  const clock = createTestClock();
  const logger = pino({ level: 'silent' });
  let processes: Keys[] = [];

  /** One process: its own memory, the common table, news by hand. */
  const startProcess = (masters: Buffer[] = [master]): Keys => {
    const audit = createAudit({ database, clock, logger, lost: () => undefined });
    const inTransaction = createInTransaction(database, (trx) => ({
      keys: createKeyRepository(trx),
      audit: audit.in(trx),
      announce: async () => afterCommit(trx, async () => void (await Promise.all(processes.map((keys) => keys.reload())))),
    }));
    const envelope = createEnvelope(masters);
    return createKeys({ clock, envelope, logger, keys: createKeyRepository(database.knex), inTransaction });
  };
  const states = async (alg: string): Promise<string[]> =>
    (await database.knex('signing_keys').where({ alg }).orderBy('created_at').pluck('state')).sort();
  const signerOf = async (keys: Keys, alg: string): Promise<unknown> =>
    (await keys.current()).keys.find((key) => key.alg === alg)?.kid;
  const published = async (keys: Keys): Promise<unknown[]> => (await keys.publicJwks()).keys.map(({ kid }) => kid);

  beforeEach(async () => {
    database = await openTestDatabase(engine);
    processes = [];
  });
  afterEach(() => database.close());

  it('P6 makes every algorithm at the first start, one active and one next, whoever starts first', async () => {
    const [one, two] = [startProcess(), startProcess()];
    await Promise.all([one.prepare(), two.prepare()]);
    expect(await states('RS256')).to.deep.equal(['active', 'next']);
    for (const alg of ['ES256', 'EdDSA', 'PS256']) expect(await states(alg)).to.deep.equal(['active', 'next']);
    await two.reload();
    expect(await signerOf(one, 'ES256')).to.equal(await signerOf(two, 'ES256'));
  });

  it('OP-08 publishes next, active and retired, without private parts', async () => {
    const keys = startProcess();
    await keys.prepare();
    await keys.rotate('ES256');
    const shown = (await keys.publicJwks()).keys.filter(({ alg }) => alg === 'ES256');
    expect(shown).to.have.length(3);
    for (const key of shown) expect(key).not.to.have.any.keys('d', 'p', 'q', 'dp', 'dq', 'qi');
  });

  it('OP-08 the next key was published before it signs, the old one stays', async () => {
    const keys = startProcess();
    await keys.prepare();
    const before = await published(keys);
    const old = await signerOf(keys, 'RS256');
    await keys.rotate();
    const signer = await signerOf(keys, 'RS256');
    expect(signer).not.to.equal(old);
    expect(before).to.include(signer);
    expect(await published(keys)).to.include(old);
  });

  it('P6 every process signs with the new key and hears of it', async () => {
    const [one, two] = [startProcess(), startProcess()];
    processes = [one, two];
    await one.prepare();
    await two.prepare();
    let heard = 0;
    two.onChange(() => {
      heard += 1;
    });
    await one.rotate('RS256');
    expect(heard).to.equal(1);
    expect(await signerOf(two, 'RS256')).to.equal(await signerOf(one, 'RS256'));
  });

  it('P6 rotations at once leave one active and one next of each algorithm', async () => {
    const all = [startProcess(), startProcess(), startProcess()];
    await all[0]?.prepare();
    await Promise.all(all.map((keys) => keys.rotate('ES256')));
    expect(await states('ES256')).to.deep.equal(['active', 'next', 'retired', 'retired', 'retired']);
  });

  it('P6 an algorithm that is lost is made on demand, an unknown one is refused', async () => {
    const keys = startProcess();
    await keys.prepare();
    await database.knex('signing_keys').whereIn('alg', ['EdDSA', 'PS256']).delete();
    await keys.rotate('EdDSA');
    await keys.rotate('PS256');
    expect(await states('EdDSA')).to.deep.equal(['active', 'next']);
    expect(await states('PS256')).to.deep.equal(['active', 'next']);
    expect(await keys.rotate('HS256').catch((error: Error) => error)).to.have.property('code', 'key_algorithm_unknown');
  });

  it('P6 rotates on schedule and drops a retired key once nothing it signed can be alive', async () => {
    const keys = startProcess();
    await keys.prepare();
    const old = await signerOf(keys, 'ES256');
    await database.knex('resources').insert({
      id: '01890000-0000-7000-8000-000000000001',
      identifier: 'https://slow.example',
      name: 'slow',
      access_token_format: 'jwt',
      access_token_ttl_seconds: 20 * 86_400,
      source: 'admin',
      created_at: clock.now(),
      updated_at: clock.now(),
    });
    clock.advance(91 * 86_400);
    await keys.maintain();
    expect(await signerOf(keys, 'ES256')).not.to.equal(old);
    clock.advance(20 * 86_400);
    await keys.maintain();
    expect(await published(keys)).to.include(old);
    clock.advance(2 * 86_400);
    await keys.maintain();
    expect(await published(keys)).not.to.include(old);
  });

  it('OP-08 a withdrawn key is gone at once, from signing and from the key set', async () => {
    const keys = startProcess();
    await keys.prepare();
    const kid = String(await signerOf(keys, 'ES256'));
    await keys.withdraw(kid);
    expect(await published(keys)).not.to.include(kid);
    expect((await keys.current()).keys.map((key) => key.kid)).not.to.include(kid);
    expect(await states('ES256')).to.deep.equal(['active', 'next', 'withdrawn']);
    const next = String((await keys.list()).find(({ alg, state }) => alg === 'ES256' && state === 'next')?.kid);
    await keys.withdraw(next);
    expect(await states('ES256')).to.deep.equal(['active', 'next', 'withdrawn', 'withdrawn']);
    expect(await keys.withdraw('unknown').catch((error: Error) => error)).to.have.property('code', 'key_not_found');
  });

  it('P6 a retired key is replaced and stays published', async () => {
    const keys = startProcess();
    await keys.prepare();
    const kid = String(await signerOf(keys, 'RS256'));
    await keys.retire(kid);
    expect(await published(keys)).to.include(kid);
    expect(await signerOf(keys, 'RS256')).not.to.equal(kid);
    expect(await keys.retire(kid).catch((error: Error) => error)).to.have.property('code', 'key_retired');
  });

  it('F-19 a wrong MASTER_KEY is an error and writes nothing', async () => {
    await startProcess().prepare();
    const before = await database.knex('signing_keys').orderBy('kid');
    const error = await startProcess([randomBytes(32)])
      .prepare()
      .catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(EnvelopeError);
    expect(await database.knex('signing_keys').orderBy('kid')).to.deep.equal(before);
  });

  it('F-19 an unreadable retired key is left out; an unreadable active one is replaced by an explicit rotation', async () => {
    const keys = startProcess();
    await keys.prepare();
    await keys.rotate('ES256');
    const damage = (state: string) =>
      database.knex('signing_keys').where({ alg: 'ES256', state }).update({ private_jwk_sealed: 'v1.00.aa.bb' });
    await damage('retired');
    const second = startProcess();
    await second.prepare();
    expect((await second.current()).keys.filter(({ alg }) => alg === 'ES256')).to.have.length(2);
    await damage('active');
    await damage('next');
    expect(
      await startProcess()
        .prepare()
        .catch((error: unknown) => error),
    ).to.be.instanceOf(EnvelopeError);
    await startProcess().rotate('ES256');
    await startProcess().prepare();
  });

  it('OP-08 a new master key seals anew, and the old one is not needed any more', async () => {
    const keys = startProcess();
    await keys.prepare();
    const signer = await signerOf(keys, 'RS256');
    const next = randomBytes(32);
    await reseal(database, createEnvelope([next, master]), sealedKeys);
    const alone = startProcess([next]);
    await alone.prepare();
    expect(await signerOf(alone, 'RS256')).to.equal(signer);
  });

  it('OP-06 the table holds no usable private key', async () => {
    const keys = startProcess();
    await keys.prepare();
    const dump = JSON.stringify(await database.knex('signing_keys'));
    for (const { d } of (await keys.current()).keys) expect(dump).not.to.include(String(d));
  });
};

describe('P6 signing keys (embedded)', () => suite('embedded'));
describeWith(['postgres'], 'P6 signing keys (PostgreSQL)', () => suite('postgres'));
