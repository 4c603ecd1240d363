import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { type Approvals, createApprovals } from '../../src/oidc/approvals/service.ts';
import { createEnvelope, uuidv7 } from '../../src/platform/crypto/index.ts';
import type { Database } from '../../src/platform/db/index.ts';
import type { AuditEvent } from '../../src/platform/ports.ts';
import { createTestClock } from '../support/clock.ts';
import { openTestDatabase } from '../support/database.ts';

describe('P1 CIBA: requests that wait for a person', () => {
  const clock = createTestClock();
  const events: AuditEvent[] = [];
  let database: Database;
  let approvals: Approvals;
  let accountId: string;

  const ask = (message = 'Pay 5 EUR') =>
    approvals.request({
      accountId,
      clientId: 'shop',
      authReqId: 'the-auth-req-id',
      bindingMessage: message,
      scope: 'openid email',
      expiresAt: new Date(clock.now().getTime() + 600_000),
    });

  before(async () => {
    database = await openTestDatabase();
    const sinks = { audit: () => ({ record: async (event: AuditEvent) => void events.push(event) }) };
    approvals = createApprovals({ database, clock, envelope: createEnvelope([randomBytes(32)]), sinks });
    const times = { created_at: clock.now(), updated_at: clock.now() };
    await database.knex('clients').insert({ client_id: 'shop', name: 'Shop', metadata: '{}', source: 'admin', ...times });
  });
  beforeEach(async () => {
    accountId = uuidv7(clock.now());
    await database.knex('users').insert({ id: accountId, created_at: clock.now(), updated_at: clock.now() });
    events.length = 0;
  });
  after(() => database.close());

  const decide = (person: string, id: string, decision: 'approved' | 'denied') =>
    database.transaction((trx) => approvals.decideIn(trx, person, id, decision));

  it('shows the person what was asked and gives the request back once it is answered', async () => {
    const id = String(await ask());
    const [view] = await approvals.waiting(accountId);
    expect(view).to.include({ id, clientId: 'shop', bindingMessage: 'Pay 5 EUR' });
    expect(view?.scopes).to.deep.equal(['openid', 'email']);
    expect(view?.authReqId).to.equal('the-auth-req-id');
    expect(await decide(accountId, id, 'approved')).to.equal(true);
    expect(events.map(({ type }) => type)).to.deep.equal(['oidc.ciba.requested', 'oidc.ciba.approved']);
  });

  it('keeps no auth_req_id in the clear', async () => {
    await ask();
    const row = await database.knex('approvals').where({ user_id: accountId }).first();
    expect(JSON.stringify(row)).to.not.include('the-auth-req-id');
  });

  it('takes one answer, also from two tabs at once', async () => {
    const id = String(await ask());
    const answers = await Promise.all([
      decide(accountId, id, 'approved'),
      decide(accountId, id, 'denied'),
      decide(accountId, id, 'approved'),
    ]);
    expect(answers.filter(Boolean)).to.have.length(1);
    expect(await approvals.waiting(accountId)).to.deep.equal([]);
  });

  it('refuses the answer of anybody else, and one that comes too late', async () => {
    const id = String(await ask());
    expect(await decide(uuidv7(clock.now()), id, 'approved')).to.equal(false);
    clock.advance(601);
    expect(await decide(accountId, id, 'approved')).to.equal(false);
    expect(await approvals.waiting(accountId)).to.deep.equal([]);
  });

  it('lets at most five wait for one person, until they are answered or have expired', async () => {
    for (let count = 0; count < 5; count += 1) expect(await ask()).to.be.a('string');
    expect(await ask()).to.equal(undefined);
    clock.advance(601);
    expect(await ask()).to.be.a('string');
  });
});
