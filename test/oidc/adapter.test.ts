import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { pino } from 'pino';
import { createAudit } from '../../src/audit/index.ts';
import { ArtifactAdapter, createArtifactStore } from '../../src/oidc/adapters/index.ts';
import type { ClientRecord } from '../../src/oidc/index.ts';
import { createEnvelope } from '../../src/platform/crypto/index.ts';
import { type AdapterUnderTest, adapterContract } from '../contract/adapter.contract.ts';
import { createTestClock } from '../support/clock.ts';
import { type Engine, openTestDatabase } from '../support/database.ts';
import { describeWith } from '../support/services.ts';

const client: ClientRecord = { clientId: 'app', metadata: {}, settings: {}, isFirstParty: false, isVerified: true };

const open = async (engine: Engine) => {
  const database = await openTestDatabase(engine);
  const clock = createTestClock();
  const clients = { find: async (clientId: string) => (clientId === 'app' ? client : undefined) };
  const audit = createAudit({ database, clock, logger: pino({ level: 'silent' }), lost: () => undefined });
  const store = createArtifactStore({ database, clients, clock, audit });
  const deps = { store, clients, envelope: createEnvelope([randomBytes(32)]) };
  const subject: AdapterUnderTest = {
    database,
    adapter: (kind) => new ArtifactAdapter(kind, deps),
    advance: clock.advance,
    close: database.close,
  };
  return { ...subject, store, audit };
};

describe('P10 adapter, embedded', () => adapterContract(() => open('embedded')));
describeWith(['postgres'], 'P10 adapter, PostgreSQL', () => adapterContract(() => open('postgres')));

const issued = { type: 'oidc.token.issued', outcome: 'success', details: { grantType: 'client_credentials' } } as const;

/** Requests in flight together share a statement. */
const sharedCommits = (engine: Engine): void => {
  let subject: Awaited<ReturnType<typeof open>>;
  before(async () => {
    subject = await open(engine);
  });
  after(() => subject.close());

  const fresh = (): string => randomBytes(32).toString('base64url');
  const tokens = () => subject.adapter('ClientCredentials');
  const code = async (): Promise<string> => {
    const key = fresh();
    await tokens().upsert(key, { clientId: 'app' }, 60);
    return key;
  };
  const redeem = (spent: string, next: string): Promise<boolean> =>
    subject.store
      .inUnit(async (unit) => {
        await tokens().consume(spent);
        await tokens().upsert(next, { clientId: 'app' }, 60);
        unit.record(issued);
      })
      .then(() => true)
      .catch((error: Error) => {
        if (error.name === 'AlreadyConsumed') return false;
        throw error;
      });

  it('RC-01: of redemptions in one statement each stands or falls by its own, with its tokens and its event', async () => {
    const codes = await Promise.all(Array.from({ length: 6 }, code));
    const spentBefore = codes[0] as string;
    await tokens().consume(spentBefore);
    const events = (await subject.database.knex('audit_events').where({ type: issued.type })).length;
    const tries = codes.flatMap((spent) => Array.from({ length: 3 }, () => ({ spent, next: fresh() })));
    const statements: string[] = [];
    const stop = subject.database.onStatement(({ sql }) => statements.push(sql));
    const won = await Promise.all(tries.map(({ spent, next }) => redeem(spent, next)));
    stop();
    expect(statements.length).to.be.at.most(3);
    for (const spent of codes) {
      const winners = tries.filter((one, index) => one.spent === spent && won[index]);
      expect(winners, spent).to.have.length(spent === spentBefore ? 0 : 1);
    }
    const stored = await Promise.all(tries.map(async ({ next }) => (await tokens().find(next)) !== undefined));
    expect(stored).to.deep.equal(won);
    expect(await subject.database.knex('audit_events').where({ type: issued.type })).to.have.length(events + 5);
  });

  it('RC-01: a row that two of them replace is the one of who won', async () => {
    const [good, dead, row] = [await code(), await code(), fresh()];
    await tokens().consume(dead);
    const put = (spent: string, scope: string): Promise<void> =>
      subject.store.inUnit(async () => {
        await tokens().consume(spent);
        await tokens().upsert(row, { clientId: 'app', scope }, 60);
      });
    await Promise.allSettled([put(good, 'won'), put(dead, 'lost')]);
    expect((await tokens().find(row))?.scope).to.equal('won');
  });
};

describe('P10 shared commits, embedded', () => sharedCommits('embedded'));
describeWith(['postgres'], 'P10 shared commits, PostgreSQL', () => sharedCommits('postgres'));

describe('P10 unit of work', () => {
  let subject: Awaited<ReturnType<typeof open>>;
  before(async () => {
    subject = await open('embedded');
  });
  after(() => subject.close());

  const code = async (): Promise<string> => {
    const key = randomBytes(32).toString('base64url');
    await subject.adapter('ClientCredentials').upsert(key, { clientId: 'app' }, 60);
    return key;
  };

  it('writes a consumption and what follows it in one statement', async () => {
    const [spent, next] = [await code(), randomBytes(32).toString('base64url')];
    const statements: string[] = [];
    const stop = subject.database.onStatement(({ sql }) => statements.push(sql));
    await subject.store.inUnit(async () => {
      await subject.adapter('ClientCredentials').consume(spent);
      await subject.adapter('ClientCredentials').upsert(next, { clientId: 'app' }, 60);
      expect(await subject.adapter('ClientCredentials').find(next)).to.not.equal(undefined);
    });
    stop();
    expect(statements).to.have.length(1);
    expect(await subject.adapter('ClientCredentials').find(next)).to.not.equal(undefined);
  });

  it('SE-01: gives a session its new id in one statement, also when two requests do so at once', async () => {
    const [first, uid] = ['first', 'uid'].map((name) => `${name}-${randomBytes(32).toString('base64url')}`) as [string, string];
    await subject.adapter('Session').upsert(first, { uid }, 600);
    const rename = (): Promise<void> =>
      subject.store.inUnit(async () => {
        const found = await subject.adapter('Session').find(first);
        await subject.adapter('Session').destroy(first);
        await subject.adapter('Session').upsert(randomBytes(32).toString('base64url'), { ...found, uid }, 600);
      });
    await Promise.all([rename(), rename()]);
    expect(await subject.adapter('Session').find(first)).to.equal(undefined);
    expect(await subject.adapter('Session').findByUid(uid)).to.not.equal(undefined);
  });

  it('notes the use of a session once a minute, and asks no oftener', async () => {
    const noted = async (): Promise<boolean> => {
      const statements: string[] = [];
      const stop = subject.database.onStatement(({ sql }) => statements.push(sql));
      await subject.store.inUnit(async (unit) => {
        await subject.adapter('ClientCredentials').upsert(randomBytes(32).toString('base64url'), { clientId: 'app' }, 60);
        unit.see({ sessionUid: 'a-session', expiresAt: null });
      });
      stop();
      return statements.some((sql) => sql.includes('update sessions'));
    };
    expect([await noted(), await noted()]).to.deep.equal([true, false]);
    subject.advance(61);
    expect(await noted()).to.equal(true);
  });

  it('leaves a session that it would write as it read it, until its end moves by a minute', async () => {
    const key = randomBytes(32).toString('base64url');
    const sessions = subject.adapter('Session');
    await sessions.upsert(key, { uid: key, loginTs: 1 }, 7200);
    const writes = async (change: object): Promise<number> => {
      const statements: string[] = [];
      const stop = subject.database.onStatement(({ sql }) => statements.push(sql));
      await subject.store.inUnit(async () => {
        const found = await sessions.find(key);
        await sessions.upsert(key, { ...found, ...change, uid: key }, 7200);
      });
      stop();
      return statements.filter((sql) => sql.includes('insert into oidc_artifacts')).length;
    };
    expect(await writes({})).to.equal(0);
    expect(await writes({ loginTs: 2 })).to.equal(1);
    expect((await sessions.find(key))?.loginTs).to.equal(2);
    subject.advance(61);
    expect(await writes({})).to.equal(1);
  });

  it('writes nothing of the loser', async () => {
    const [spent, next] = [await code(), randomBytes(32).toString('base64url')];
    await subject.adapter('ClientCredentials').consume(spent);
    const late = subject.store.inUnit(async () => {
      await subject.adapter('ClientCredentials').consume(spent);
      await subject.adapter('ClientCredentials').upsert(next, { clientId: 'app' }, 60);
    });
    expect(await late.catch(({ name }: Error) => name)).to.equal('AlreadyConsumed');
    expect(await subject.adapter('ClientCredentials').find(next)).to.equal(undefined);
  });

  const eventCount = async (): Promise<number> =>
    (await subject.database.knex('audit_events').where({ type: issued.type })).length;

  it('C5: writes an event in the statement of the change it tells of, and not when the change loses', async () => {
    const spent = await code();
    const before = await eventCount();
    const spend = (): Promise<void> =>
      subject.store.inUnit(async (unit) => {
        await subject.adapter('ClientCredentials').consume(spent);
        unit.record(issued);
      });
    const statements: string[] = [];
    const stop = subject.database.onStatement(({ sql }) => statements.push(sql));
    await spend();
    stop();
    expect(statements).to.have.length(1);
    expect(await eventCount()).to.equal(before + 1);
    expect(await spend().catch(({ name }: Error) => name)).to.equal('AlreadyConsumed');
    expect(await eventCount()).to.equal(before + 1);
  });

  it('C5: buffers an event of what changed nothing', async () => {
    const before = await eventCount();
    const statements: string[] = [];
    const stop = subject.database.onStatement(({ sql }) => statements.push(sql));
    await subject.store.inUnit(async (unit) => unit.record(issued));
    stop();
    expect(statements).to.have.length(0);
    await subject.audit.flush();
    expect(await eventCount()).to.equal(before + 1);
  });

  it('commits enlisted work with the rest, or neither', async () => {
    const next = randomBytes(32).toString('base64url');
    const failed = subject.store.inUnit(async (unit) => {
      await subject.adapter('ClientCredentials').upsert(next, { clientId: 'app' }, 60);
      unit.enlist(() => Promise.reject(new Error('no audit, no change')));
    });
    expect(await failed.catch(({ message }: Error) => message)).to.equal('no audit, no change');
    expect(await subject.adapter('ClientCredentials').find(next)).to.equal(undefined);
  });

  it('sweeps what has expired in batches', async () => {
    const keys = await Promise.all(Array.from({ length: 25 }, code));
    subject.advance(61);
    expect(await subject.store.sweep(10)).to.equal(10);
    while ((await subject.store.sweep(10)) > 0);
    const left = await subject.database.knex('oidc_artifacts').where('expires_at', '<', subject.store.clock.now());
    expect(left).to.have.length(0);
    expect(keys).to.have.length(25);
  });
});
