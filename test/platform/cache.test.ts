import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { pino } from 'pino';
import { type Cache, type Caches, createCaches } from '../../src/platform/cache/index.ts';
import { createEnvelope } from '../../src/platform/crypto/index.ts';
import type { Database } from '../../src/platform/db/index.ts';
import { createMetrics } from '../../src/platform/metrics/index.ts';
import { cacheContract, eventually } from '../contract/cache.contract.ts';
import { createTestClock } from '../support/clock.ts';
import { openTestDatabase } from '../support/database.ts';
import { type OwnRedis, startRedis } from '../support/redis.ts';
import { describeWith } from '../support/services.ts';

const envelope = createEnvelope([randomBytes(32)]);
const logger = pino({ level: 'silent' });
const clock = createTestClock();

const open = async (database: Database, redisUrls: readonly string[], metrics = createMetrics()): Promise<Caches> => {
  const caches = createCaches({ database, redisUrls, envelope, clock, logger, metrics });
  await caches.start();
  if (redisUrls.length > 0) await eventually(async () => (await caches.checkBus()).status === 'ok');
  return caches;
};

describe('S2 cache in one process', () => {
  let database: Database;
  before(async () => {
    database = await openTestDatabase();
  });
  after(() => database.close());
  cacheContract(async () => ({ database, clock, processes: [await open(database, [])] }));
});

describeWith(['postgres'], 'S2 cache, told by LISTEN/NOTIFY', () => {
  let database: Database;
  before(async () => {
    database = await openTestDatabase('postgres');
  });
  after(() => database.close());
  cacheContract(async () => ({ database, clock, processes: [await open(database, []), await open(database, [])] }));

  it('forgets everything when its connection was cut, and hears again', async () => {
    const caches = await open(database, []);
    const heard: string[] = [];
    caches.onInvalidate((tags) => heard.push(...tags));
    await database.knex.raw(
      `reset role; select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'castellan-listen' and datname = current_database()`,
    );
    await eventually(() => heard.includes('*'));
    await eventually(async () => (await caches.checkBus()).status === 'ok');
    await caches.close();
  });
});

describeWith(['redis'], 'S2 cache in Redis', () => {
  let database: Database;
  let redis: OwnRedis;
  const person = (name: string) => async () => ({ value: { name }, tags: ['user:a'] });
  const options = { name: 'people', l1Seconds: 60, l2Seconds: 300, maxEntries: 100 };
  let opened: Caches[] = [];
  const process = async (metrics = createMetrics()): Promise<{ caches: Caches; cache: Cache<{ name: string }> }> => {
    const caches = await open(database, [redis.url], metrics);
    opened.push(caches);
    const cache = caches.cache<{ name: string }>(options);
    // A process that came up makes what Redis holds unreadable, at the latest before its first read.
    await cache.get('nobody', async () => undefined);
    return { caches, cache };
  };
  /** Until the other level has it: it is written behind the answer. */
  const written = async (count = 1): Promise<void> =>
    eventually(async () => (await redis.keys()).filter((key) => key.includes(':people:')).length === count);

  before(async () => {
    database = await openTestDatabase();
    redis = await startRedis();
  });
  beforeEach(() => redis.flush());
  afterEach(async () => {
    await Promise.all(opened.map((caches) => caches.close()));
    opened = [];
  });
  after(async () => {
    await redis.stop();
    redis.remove();
    await database.close();
  });

  describe('contract', () => {
    cacheContract(async () => ({
      database,
      clock,
      processes: [await open(database, [redis.url]), await open(database, [redis.url])],
    }));
  });

  it('shares what one process loaded, and counts where it was found', async function shares() {
    // On a busy machine Redis may take longer than the 50 ms that a request waits for it: then it is a miss, rightly.
    this.retries(3);
    const metrics = createMetrics();
    const [one, two] = [await process(), await process(metrics)];
    await one.cache.get('a', person('first'));
    await written();
    expect((await two.cache.get('a', person('second')))?.name).to.equal('first');
    await two.cache.get('a', person('third'));
    const { values } = await metrics.cacheHits.get();
    expect(values.map(({ labels, value }) => [labels.level, value])).to.deep.equal([
      ['l2', 1],
      ['l1', 1],
    ]);
  });

  it('holds no value in plain', async () => {
    const { cache } = await process();
    await cache.get('alice@example.test', person('Alice Nguyen'));
    await written();
    expect(await redis.dump()).not.to.match(/Alice|alice@/i);
  });

  it('F-10 takes foreign content under its keys for a miss and overwrites it', async () => {
    const { cache } = await process();
    await cache.get('a', person('first'));
    await written();
    const [key = ''] = (await redis.keys()).filter((name) => name.includes(':people:'));
    for (const spoil of [
      ['SET', key, 'junk'],
      ['HSET', key, 'value', 'v1.forged.AAAA.BBBB', 'tags', '', 'seq', '999'],
      ['HSET', key, 'value', '{"__proto__":{"admin":true}}'],
    ]) {
      await redis.command('DEL', key);
      await redis.command(...spoil);
      const fresh = await process();
      expect((await fresh.cache.get('a', person('again')))?.name).to.equal('again');
    }
    const [state = ''] = (await redis.keys()).filter((name) => name.endsWith(':tags'));
    await redis.command('DEL', state);
    await redis.command('SET', state, 'junk');
    const fresh = await process();
    expect((await fresh.cache.get('a', person('anew')))?.name).to.equal('anew');
    await fresh.caches.invalidate(['user:a']);
    expect((await fresh.cache.get('a', person('last')))?.name).to.equal('last');
    expect((await fresh.caches.checkCache()).status).to.equal('ok');
  });

  it('F-08 shows nothing old after a flush or an eviction of its state', async () => {
    const { cache } = await process();
    await cache.get('a', person('old'));
    await written();
    const [state = ''] = (await redis.keys()).filter((name) => name.endsWith(':tags'));
    await redis.command('DEL', state);
    const other = await process();
    expect((await other.cache.get('a', person('new')))?.name).to.equal('new');
  });

  it('RC-03 keeps a slow load of one process out of Redis after an invalidation by another', async () => {
    const [one, two] = [await process(), await process()];
    const heard: string[] = [];
    let finish = (): void => undefined;
    let isLoading = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      isLoading = resolve;
    });
    const slow = one.cache.get('a', async () => {
      isLoading();
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return { value: { name: 'old' }, tags: ['user:a'] };
    });
    await begun;
    one.caches.onInvalidate((tags) => heard.push(...tags));
    await two.caches.invalidate(['user:a']);
    finish();
    await slow;
    await eventually(() => heard.includes('user:a'));
    const three = await process();
    expect((await three.cache.get('a', person('new')))?.name).to.equal('new');
  });

  it('F-07 goes on without Redis, says so, and trusts nothing old when it is back', async () => {
    const { caches, cache } = await process();
    await cache.get('a', person('old'));
    await written();
    await redis.stop();
    // Each connection hears of the end by itself.
    for (const check of [caches.checkBus, caches.checkCache]) await eventually(async () => (await check()).status === 'degraded');
    await caches.invalidate(['user:a']);
    expect((await cache.get('a', person('new')))?.name).to.equal('new');
    await redis.start();
    await eventually(async () => (await caches.checkBus()).status === 'ok' && (await caches.checkCache()).status === 'ok');
    const other = await process();
    expect((await other.cache.get('a', person('newest')))?.name).to.equal('newest');
  });

  it('F-09 lets nobody wait for a Redis that hangs', async () => {
    const { caches, cache } = await process();
    redis.pause();
    try {
      for (const key of ['a', 'b', 'c', 'd', 'e']) expect((await cache.get(key, person(key)))?.name).to.equal(key);
      expect((await caches.checkCache()).status, 'after three waits it is left alone').to.equal('degraded');
      await caches.invalidate(['user:a']);
    } finally {
      redis.resume();
    }
  });
});

describe('F-07 cache whose Redis was never there', () => {
  it('starts and works', async () => {
    const database = await openTestDatabase();
    const caches = createCaches({
      database,
      redisUrls: ['redis://127.0.0.1:1'],
      envelope,
      clock,
      logger,
      metrics: createMetrics(),
    });
    await caches.start();
    const cache = caches.cache<string>({ name: 'x', l1Seconds: 60, l2Seconds: 60, maxEntries: 10 });
    expect(await cache.get('a', async () => ({ value: 'one', tags: ['t'] }))).to.equal('one');
    await caches.invalidate(['t']);
    expect(await cache.get('a', async () => ({ value: 'two', tags: ['t'] }))).to.equal('two');
    expect((await caches.checkBus()).status).to.equal('degraded');
    await caches.close();
    await database.close();
  });
});
