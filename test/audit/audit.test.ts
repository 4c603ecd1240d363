import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { pino } from 'pino';
import { type Audit, createAudit } from '../../src/audit/index.ts';
import { type Database, prepared, statement } from '../../src/platform/db/index.ts';
import { inScope } from '../../src/platform/logging/index.ts';
import { createTestClock } from '../support/clock.ts';
import { openTestDatabase } from '../support/database.ts';

describe('C5 audit events', () => {
  let database: Database;
  let audit: Audit;
  let lost = 0;
  before(async () => {
    database = await openTestDatabase();
    audit = createAudit({
      database,
      clock: createTestClock(),
      logger: pino({ level: 'silent' }),
      lost: (count) => {
        lost += count;
      },
    });
  });
  after(() => database.close());

  const types = async (): Promise<string[]> => (await database.knex('audit_events').orderBy('id').pluck('type')) as string[];

  it('commits with the change and carries the request it belongs to', async () => {
    await inScope({ correlationId: 'abc', ip: '192.0.2.1' }, () =>
      database.transaction((trx) =>
        audit.in(trx).record({ type: 'session.started', outcome: 'success', actor: { type: 'user', id: 'u' } }),
      ),
    );
    const [event] = await database.knex('audit_events').where({ type: 'session.started' });
    expect(event).to.include({ correlation_id: 'abc', ip: '192.0.2.1', actor_id: 'u', outcome: 'success' });
  });

  it('leaves nothing when the change rolls back', async () => {
    await database
      .transaction(async (trx) => {
        await audit.in(trx).record({ type: 'client.disabled', outcome: 'success' });
        throw new Error('no');
      })
      .catch(() => undefined);
    expect(await types()).not.to.include('client.disabled');
  });

  it('writes buffered events in one statement', async () => {
    let statements = 0;
    const stop = database.onStatement(() => {
      statements += 1;
    });
    for (let index = 0; index < 20; index += 1) {
      audit.buffer.note({ type: 'oidc.token.introspected', outcome: 'success', details: { active: true } });
    }
    await audit.flush();
    stop();
    expect(statements).to.equal(1);
    expect((await types()).filter((type) => type === 'oidc.token.introspected')).to.have.length(20);
  });

  it('C5 one event that the database cannot hold keeps none of the others out, and counts as lost', async () => {
    const before = lost;
    const about = { type: 'api.denied', outcome: 'denied' } as const;
    for (const route of ['/one', '/a\u0000b', '/two']) audit.buffer.note({ ...about, details: { permission: 'x', route } });
    await audit.flush();
    const kept = await database.knex('audit_events').where({ type: 'api.denied' }).orderBy('id').pluck('payload');
    expect(kept.map(({ details }) => details.route)).to.have.members(['/one', '/two']);
    expect(lost - before).to.equal(1);
  });

  it('joins a statement of another room, so that an insert and its event are one', async () => {
    const { prepare, sql, values } = audit.statement;
    const event = { type: 'resource.created', outcome: 'success', details: { source: 'test' } } as const;
    const text = `with changed as (insert into settings (key, value, updated_at) values ($1, 'true', $2)) ${sql(3)}`;
    await prepared(database.knex, statement('test-joined', text), ['joined', new Date(), ...values([prepare(event)])]);
    expect(await database.knex('settings').where({ key: 'joined' })).to.have.length(1);
    expect(await types()).to.include('resource.created');
  });

  it('has no field that a secret would be written to', () => {
    const catalogue = readFileSync(new URL('../../src/platform/events/catalogue.ts', import.meta.url), 'utf8');
    const fields = [...catalogue.matchAll(/(\w+)\??: (?!None)/g)].map(([, name = '']) => name);
    expect(fields).to.include('grantType').and.have.length.above(20);
    const suspicious = /secret|password|token|jwt|cookie|credential|otp|^code$|^pin$|private|hash/i;
    expect(fields.filter((name) => suspicious.test(name))).to.deep.equal([]);
  });

  it('is bounded and counts what it loses', () => {
    const before = lost;
    for (let index = 0; index < 10_005; index += 1) {
      audit.buffer.note({ type: 'oidc.token.introspected', outcome: 'success', details: { active: false } });
    }
    expect(lost - before).to.equal(5);
  });
});
