import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { type Approvals, createApprovals } from '../../src/oidc/approvals/service.ts';
import { createEnvelope, uuidv7 } from '../../src/platform/crypto/index.ts';
import type { Database } from '../../src/platform/db/index.ts';
import type { AuditEvent, MailMessage } from '../../src/platform/ports.ts';
import { createTestClock } from '../support/clock.ts';
import { openTestDatabase } from '../support/database.ts';
import { describeWith } from '../support/services.ts';

const suite = (engine: 'embedded' | 'postgres'): void => {
  const clock = createTestClock();
  const events: AuditEvent[] = [];
  const mails: MailMessage[] = [];
  let database: Database;
  let approvals: Approvals;
  let accountId: string;

  const ask = (message = 'Pay 5 EUR') =>
    approvals.request({
      accountId,
      clientId: 'shop',
      clientName: 'Shop',
      authReqId: 'the-auth-req-id',
      bindingMessage: message,
      scope: 'openid email',
      expiresAt: new Date(clock.now().getTime() + 600_000),
    });

  before(async () => {
    database = await openTestDatabase(engine);
    const sinks = { audit: () => ({ record: async (event: AuditEvent) => void events.push(event) }) };
    const mail = () => ({ send: async (message: MailMessage) => void mails.push(message), sendNothing: async () => undefined });
    const envelope = createEnvelope([randomBytes(32)]);
    approvals = createApprovals({ database, clock, envelope, sinks, mail, issuer: 'https://op.example.test' });
    const times = { created_at: clock.now(), updated_at: clock.now() };
    await database.knex('clients').insert({ client_id: 'shop', name: 'Shop', metadata: '{}', source: 'admin', ...times });
  });
  beforeEach(async () => {
    accountId = uuidv7(clock.now());
    await database.knex('users').insert({ id: accountId, created_at: clock.now(), updated_at: clock.now() });
    events.length = 0;
    mails.length = 0;
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

  it('CIBA Core §7.1 of twelve requests at one moment five wait, and the others are turned away', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => ask()));
    expect(ids.filter((id) => id !== undefined)).to.have.length(5);
    expect(await approvals.waiting(accountId)).to.have.length(5);
  });

  it('counts what ended unanswered a moment ago, so that short requests do not flood either', async () => {
    for (let count = 0; count < 5; count += 1) expect(await ask()).to.be.a('string');
    clock.advance(601);
    expect(await ask(), 'long after').to.be.a('string');
    await database.knex('approvals').where({ user_id: accountId }).update({ expires_at: clock.now(), created_at: clock.now() });
    expect(await ask(), 'ended, but just now').to.equal(undefined);
  });

  it('tells a person by mail who asks, and not once the request has ended', async () => {
    const at = clock.now();
    const identifier = {
      id: uuidv7(at),
      user_id: accountId,
      type: 'email',
      value: `${accountId}@example.test`,
      canonical: accountId,
    };
    await database.knex('identifiers').insert({ ...identifier, is_primary: true, created_at: at });
    await ask('Pay 7 EUR');
    expect(mails).to.have.length(1);
    expect(mails[0]).to.deep.include({ to: identifier.value, template: 'approval-requested' });
    expect(mails[0]?.values).to.include({
      application: 'Shop',
      bindingMessage: 'Pay 7 EUR',
      link: 'https://op.example.test/approvals',
    });
    const row = await database.knex('approvals').where({ user_id: accountId }).first('expires_at');
    expect(mails[0]?.notAfter).to.equal(row?.expires_at.toISOString());
    expect(JSON.stringify(mails)).to.not.include('the-auth-req-id');
  });
};

describe('P1 CIBA: requests that wait for a person', () => suite('embedded'));
describeWith(['postgres'], 'P1 CIBA: requests that wait for a person, on PostgreSQL', () => suite('postgres'));
