import { expect } from 'chai';
import { pino } from 'pino';
import { type Audit, createAudit } from '../../src/audit/index.ts';
import type { Database } from '../../src/platform/db/index.ts';
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

  it('is bounded and counts what it loses', () => {
    for (let index = 0; index < 10_005; index += 1) {
      audit.buffer.note({ type: 'oidc.token.introspected', outcome: 'success', details: { active: false } });
    }
    expect(lost).to.equal(5);
  });
});
