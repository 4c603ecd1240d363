import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { pino } from 'pino';
import { createEnvelope } from '../../src/platform/crypto/index.ts';
import { type Database, openDatabase } from '../../src/platform/db/index.ts';
import { createOutbox, type OutboxRelay } from '../../src/platform/events/index.ts';
import { currentScope, inScope } from '../../src/platform/logging/index.ts';
import type { OutboxEntry } from '../../src/platform/ports.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { type Engine, locate, openTestDatabase, type TestLocation } from '../support/database.ts';
import { describeWith } from '../support/services.ts';

const masterKey = randomBytes(32);
const envelope = createEnvelope([masterKey]);
const logger = pino({ level: 'silent' });

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

const suite = (engine: Engine): void => {
  let database: Database;
  let clock: TestClock;
  let outbox: OutboxRelay;
  let lags: number[];
  const others: OutboxRelay[] = [];

  const another = (on = database): OutboxRelay => {
    const relay = createOutbox({ database: on, envelope, clock, logger, lag: (seconds) => lags.push(seconds) });
    others.push(relay);
    return relay;
  };
  const add = (...entries: OutboxEntry[]): Promise<void> =>
    database.transaction(async (trx) => {
      for (const entry of entries) await outbox.in(trx).add(entry);
    });
  const numbered = (count: number, key?: string): OutboxEntry[] =>
    Array.from({ length: count }, (_, number) => ({ topic: 'test', payload: { number }, key }));

  before(async () => {
    database = await openTestDatabase(engine);
  });
  beforeEach(async () => {
    clock = createTestClock();
    lags = [];
    await database.knex('outbox').del();
    outbox = another();
  });
  afterEach(async () => {
    await Promise.all(others.splice(0).map((relay) => relay.close()));
  });
  after(() => database.close());

  it('N-06 delivers what committed, once, and nothing of what rolled back', async () => {
    const seen: unknown[] = [];
    outbox.subscribe('test', async ({ payload }) => void seen.push(payload.number));
    await add(...numbered(3));
    await database
      .transaction(async (trx) => {
        await outbox.in(trx).add({ topic: 'test', payload: { number: 99 } });
        throw new Error('rolled back');
      })
      .catch(() => undefined);
    await outbox.drain();
    await outbox.drain();
    expect(seen.sort()).to.deep.equal([0, 1, 2]);
  });

  it('F-13 a shutdown cuts short what does not end, and others have it at once', async () => {
    const closing = createOutbox({ database, envelope, clock, logger, graceMs: 1 });
    const told: string[] = [];
    closing.subscribe('test', ({ signal }) => {
      told.push('begun');
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    await add(...numbered(1));
    await closing.start();
    await until(() => told.length === 1);
    await closing.close();
    outbox.subscribe('test', async ({ attempt }) => void told.push(`attempt ${attempt}`));
    await outbox.drain();
    expect(told).to.deep.equal(['begun', 'attempt 2']);
  });

  it('keeps payloads sealed, and not at all once delivered', async () => {
    await add({ topic: 'test', payload: { link: 'https://issuer.example/reset?ticket=abcdef' } });
    const [row] = await database.knex('outbox');
    expect(JSON.stringify(row)).not.to.include('abcdef');
    expect((await outbox.list())[0]?.payload).to.deep.equal({ link: 'https://issuer.example/reset?ticket=abcdef' });
    outbox.subscribe('test', async () => undefined);
    await outbox.drain();
    expect(await database.knex('outbox').pluck('payload_sealed')).to.deep.equal(['']);
    expect((await outbox.list({ state: 'delivered' }))[0]).to.include({ topic: 'test', state: 'delivered' });
  });

  it('wakes up at the commit, without a poll', async () => {
    const seen: string[] = [];
    outbox.subscribe('test', async ({ id }) => void seen.push(id));
    await outbox.start();
    await add(...numbered(1));
    await until(() => seen.length === 1);
  });

  it('PW-05 wakes up for a request once its answer has left, also where its own notification comes before', async () => {
    const seen: string[] = [];
    const waiting: (() => void)[] = [];
    const { promise: heard, resolve: hear } = Promise.withResolvers<void>();
    const listen: Database['listen'] = (channel, handler, onGap) => {
      const listener = (payload: string): void => {
        handler(payload);
        hear();
      };
      return database.listen(channel, listener, onGap);
    };
    outbox = another({ ...database, listen });
    if (engine === 'embedded') hear();
    outbox.subscribe('test', async ({ id }) => void seen.push(id));
    await outbox.start();
    await outbox.drain();
    let leases = 0;
    const count = ({ sql }: { sql: string }): void => {
      if (sql.startsWith('update outbox')) leases += 1;
    };
    database.knex.on('query', count);
    const scope = { correlationId: 'req-1', ip: undefined, afterAnswer: (hook: () => void) => void waiting.push(hook) };
    await inScope(scope, () => add(...numbered(1)));
    await heard;
    await database.knex.raw('select 1');
    expect([leases, waiting.length]).to.deep.equal([0, 1]);
    waiting[0]?.();
    await until(() => seen.length === 1);
    database.knex.off('query', count);
  });

  it('delivers within the correlation id of the request that asked', async () => {
    const seen: (string | undefined)[] = [];
    outbox.subscribe('test', async () => void seen.push(currentScope()?.correlationId));
    await inScope({ correlationId: 'req-1', ip: '192.0.2.1' }, () => add(...numbered(1)));
    await outbox.drain();
    expect(seen).to.deep.equal(['req-1']);
  });

  it('F-22 tries again with growing pauses under one id, and gives up after three days', async () => {
    const attempts: { id: string; attempt: number }[] = [];
    outbox.subscribe('test', async ({ id, attempt }) => {
      attempts.push({ id, attempt });
      throw new Error('away');
    });
    await add(...numbered(1));
    await outbox.drain();
    await outbox.drain();
    expect(attempts, 'no second attempt before its time').to.have.length(1);
    clock.advance(3);
    await outbox.drain();
    clock.advance(3);
    await outbox.drain();
    clock.advance(3);
    await outbox.drain();
    expect(attempts.map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3]);
    expect(new Set(attempts.map(({ id }) => id)).size).to.equal(1);
    clock.advance(3 * 86_400);
    await outbox.drain();
    const [entry] = await outbox.list();
    expect(entry).to.include({ state: 'dead', lastError: 'away' });
    clock.advance(86_400);
    await outbox.drain();
    expect(attempts).to.have.length(4);
    expect(await outbox.revive(entry?.id ?? '')).to.equal(true);
    expect(await outbox.revive(entry?.id ?? '')).to.equal(false);
    await outbox.drain();
    expect(attempts).to.have.length(5);
  });

  it('F-14 lets others pass by an entry that always fails', async () => {
    const seen: unknown[] = [];
    outbox.subscribe('test', async ({ payload }) => {
      if (payload.number === 0) throw new Error('poison');
      seen.push(payload.number);
    });
    await add(...numbered(30));
    await outbox.drain();
    expect(seen).to.have.length(29);
  });

  it('delivers entries with one key in order, a failed one first of all', async () => {
    const seen: unknown[] = [];
    let isAway = true;
    outbox.subscribe('test', async ({ payload }) => {
      if (payload.number === 2 && isAway) throw new Error('away');
      seen.push(payload.number);
    });
    await add(...numbered(6, 'account-1'));
    await outbox.drain();
    expect(seen).to.deep.equal([0, 1]);
    isAway = false;
    clock.advance(10);
    await outbox.drain();
    expect(seen).to.deep.equal([0, 1, 2, 3, 4, 5]);
  });

  it('keeps entries nobody takes, and they are not lag', async () => {
    await add({ topic: 'kept', payload: {} }, ...numbered(1));
    outbox.subscribe('test', async () => undefined);
    clock.advance(7);
    expect(await outbox.measureLag()).to.be.within(6, 9);
    await outbox.drain();
    expect(await outbox.measureLag()).to.equal(0);
    expect(lags).to.have.length(2);
    expect((await outbox.list({ state: 'pending' })).map(({ topic }) => topic)).to.deep.equal(['kept']);
  });

  it('F-12 hands an entry to one of two relays only', async () => {
    const seen: unknown[] = [];
    const second = another();
    for (const relay of [outbox, second]) relay.subscribe('test', async ({ payload }) => void seen.push(payload.number));
    await add(...numbered(60));
    await Promise.all([outbox.drain(), second.drain()]);
    expect(seen).to.have.length(60);
    expect(new Set(seen).size).to.equal(60);
  });

  it('ignores the end of an attempt whose lease was lost', async () => {
    let finish = (): void => undefined;
    let calls = 0;
    outbox.subscribe('test', () => {
      calls += 1;
      return new Promise((resolve, reject) => {
        finish = () => reject(new Error('late'));
        if (calls > 1) resolve();
      });
    });
    const second = another();
    second.subscribe('test', async () => undefined);
    await add(...numbered(1));
    const slow = outbox.drain();
    await until(() => calls === 1);
    clock.advance(61);
    await second.drain();
    expect((await outbox.list())[0]?.state).to.equal('delivered');
    finish();
    await slow;
    expect((await outbox.list())[0]).to.deep.include({ state: 'delivered', lastError: undefined });
  });

  it('purges what was delivered a week ago', async () => {
    outbox.subscribe('test', async () => undefined);
    await add(...numbered(2), { topic: 'kept', payload: {} });
    await outbox.drain();
    clock.advance(6 * 86_400);
    expect(await outbox.purge()).to.equal(0);
    clock.advance(2 * 86_400);
    expect(await outbox.purge()).to.equal(2);
  });
};

describe('O10 outbox, embedded', () => suite('embedded'));
describeWith(['postgres'], 'O10 outbox, PostgreSQL', () => suite('postgres'));

describeWith(['postgres'], 'O10 outbox, several processes on PostgreSQL', () => {
  let location: TestLocation;
  let database: Database;
  let clock: TestClock;
  before(async () => {
    location = await locate('postgres');
    database = await openDatabase({ ...location, poolMax: 8, migrate: false });
    clock = createTestClock();
  });
  after(async () => {
    await database.close();
    await location.remove();
  });

  it('F-11 takes over what a killed process held, and learns of entries of others by NOTIFY', async () => {
    const outbox = createOutbox({ database, envelope, clock, logger });
    const holder = fork(fileURLToPath(new URL('../support/outbox-holder.ts', import.meta.url)), [
      location.databaseUrl ?? '',
      masterKey.toString('base64url'),
    ]);
    await database.transaction((trx) => outbox.in(trx).add({ topic: 'mail', payload: { to: 'a@example.test' } }));
    await once(holder, 'message');
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    const seen: unknown[] = [];
    outbox.subscribe('mail', async ({ payload, attempt }) => void seen.push({ to: payload.to, attempt }));
    await outbox.drain();
    expect(seen).to.deep.equal([]);
    clock.advance(61);
    await outbox.drain();
    expect(seen).to.deep.equal([{ to: 'a@example.test', attempt: 2 }]);
    await outbox.close();
  });

  it('needs no notification to arrive in the end', async () => {
    const outbox = createOutbox({ database, envelope, clock, logger });
    const seen: unknown[] = [];
    outbox.subscribe('test', async () => void seen.push(1));
    await database.transaction((trx) =>
      // No commit hook and no NOTIFY: as written by a process that died, with the listener's connection cut.
      trx('outbox').insert({
        id: '019ab000-0000-7000-8000-000000000001',
        topic: 'test',
        payload_sealed: envelope.seal('{}', 'outbox:019ab000-0000-7000-8000-000000000001'),
        created_at: clock.now(),
        available_at: clock.now(),
      }),
    );
    await outbox.start();
    await until(() => seen.length === 1);
    await outbox.close();
  });
});
