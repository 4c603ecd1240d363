import { expect } from 'chai';
import type { Cache, Caches, Loaded } from '../../src/platform/cache/index.ts';
import type { Database } from '../../src/platform/db/index.ts';
import type { TestClock } from '../support/clock.ts';

export interface CacheWorld {
  database: Database;
  clock: TestClock;
  /** Processes that share what this kind of cache shares; one where nothing is shared. */
  processes: Caches[];
}

/** Waits for what another process is to hear. */
export const eventually = async (condition: () => Promise<boolean> | boolean): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
};

interface Person {
  name: string;
  at: Date;
}

/** What every cache promises, whatever is below it (FEATURES S2, DESIGN decision 9). */
export const cacheContract = (open: () => Promise<CacheWorld>): void => {
  let world: CacheWorld;
  let caches: Caches;
  let cache: Cache<Person>;
  let loads = 0;
  const at = new Date(1_700_000_000_000);
  const person =
    (name: string, ...tags: string[]) =>
    async (): Promise<Loaded<Person>> => {
      loads += 1;
      return { value: { name, at }, tags };
    };
  const options = { name: 'people', l1Seconds: 60, l2Seconds: 300, maxEntries: 100 };

  beforeEach(async () => {
    world = await open();
    loads = 0;
    const [first] = world.processes;
    if (!first) throw new Error('a world without a process');
    caches = first;
    cache = caches.cache(options);
  });
  afterEach(() => Promise.all(world.processes.map((process) => process.close())));

  it('loads once and keeps the value whole, dates and letters too', async () => {
    await cache.get('a', person('Nguyễn "Ü" \u{1f512}', 'user:a'));
    expect(await cache.get('a', person('other', 'user:a'))).to.deep.equal({ name: 'Nguyễn "Ü" \u{1f512}', at });
    expect(loads).to.equal(1);
  });

  it('keeps keys and caches apart', async () => {
    const other = caches.cache<Person>({ ...options, name: 'others' });
    expect((await cache.get('a', person('one')))?.name).to.equal('one');
    expect((await cache.get('b', person('two')))?.name).to.equal('two');
    expect((await other.get('a', person('three')))?.name).to.equal('three');
  });

  it('keeps nothing of a value that is not there, and nothing of a load that failed', async () => {
    expect(await cache.get('a', async () => undefined)).to.equal(undefined);
    await cache.get('a', () => Promise.reject(new Error('away'))).catch(() => undefined);
    expect((await cache.get('a', person('there')))?.name).to.equal('there');
  });

  it('loads once for all who ask at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => cache.get('a', person('one', 'user:a'))));
    expect(loads).to.equal(1);
    expect(new Set(answers.map((answer) => answer?.name))).to.deep.equal(new Set(['one']));
  });

  it('forgets by any tag, and only that', async () => {
    await cache.get('a', person('a', 'user:a', 'role:x'));
    await cache.get('b', person('b', 'user:b', 'role:x'));
    await cache.get('c', person('c', 'user:c'));
    await caches.invalidate(['user:a']);
    expect((await cache.get('a', person('a2', 'user:a', 'role:x')))?.name).to.equal('a2');
    expect((await cache.get('b', person('b2', 'user:b', 'role:x')))?.name).to.equal('b');
    await caches.invalidate(['role:x']);
    expect((await cache.get('a', person('a3', 'user:a')))?.name).to.equal('a3');
    expect((await cache.get('b', person('b3', 'user:b')))?.name).to.equal('b3');
    expect((await cache.get('c', person('c3', 'user:c')))?.name).to.equal('c');
  });

  it('RC-03 never keeps what was loaded before an invalidation, and nobody after it joins that load', async () => {
    let finish = (_: Loaded<Person>): void => undefined;
    let isLoading = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      isLoading = resolve;
    });
    const slow = cache.get('a', () => {
      isLoading();
      return new Promise<Loaded<Person>>((resolve) => {
        finish = resolve;
      });
    });
    await begun;
    await caches.invalidate(['user:a']);
    expect((await cache.get('a', person('new', 'user:a')))?.name).to.equal('new');
    finish({ value: { name: 'old', at }, tags: ['user:a'] });
    expect((await slow)?.name).to.equal('old');
    expect((await cache.get('a', person('newer', 'user:a')))?.name).to.equal('new');
  });

  it('invalidates at the commit and never after a rollback', async () => {
    await cache.get('a', person('old', 'user:a'));
    await world.database.transaction(async (trx) => {
      await caches.invalidate(['user:a'], trx);
      expect((await cache.get('a', person('early', 'user:a')))?.name).to.equal('old');
    });
    expect((await cache.get('a', person('new', 'user:a')))?.name).to.equal('new');
    await world.database
      .transaction(async (trx) => {
        await caches.invalidate(['user:a'], trx);
        throw new Error('rolled back');
      })
      .catch(() => undefined);
    expect((await cache.get('a', person('newer', 'user:a')))?.name).to.equal('new');
  });

  it('forgets everything by the tag *', async () => {
    await cache.get('a', person('old'));
    await caches.invalidate(['*']);
    expect((await cache.get('a', person('new')))?.name).to.equal('new');
  });

  it('F-18 forgets what is old, and does not keep longer what a clock was set back under', async () => {
    await caches.cache<Person>({ ...options, name: 'brief', l2Seconds: 0 }).get('a', person('x'));
    const memory = caches.cache<Person>({ ...options, name: 'memory', l2Seconds: 0 });
    await memory.get('a', person('old'));
    world.clock.advance(61);
    expect((await memory.get('a', person('new')))?.name).to.equal('new');
    world.clock.advance(-3600);
    expect((await memory.get('a', person('newest')))?.name).to.equal('newest');
  });

  it('tells every process, exactly of what was invalidated', async function everyProcess() {
    const others = world.processes.slice(1);
    if (others.length === 0) return this.skip();
    const heard = others.map(() => [] as string[]);
    others.forEach((other, index) => {
      other.onInvalidate((tags) => heard[index]?.push(...tags));
    });
    const theirs = others.map((other) => other.cache<Person>(options));
    await cache.get('a', person('old', 'user:a'));
    for (const their of theirs) await their.get('a', person('old', 'user:a'));
    await world.database.transaction((trx) => caches.invalidate(['user:a'], trx));
    await eventually(() => heard.every((tags) => tags.includes('user:a')));
    for (const their of theirs) expect((await their.get('a', person('new', 'user:a')))?.name).to.equal('new');
    return undefined;
  });
};
