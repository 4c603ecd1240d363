import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { expect } from 'chai';
import { createEnvelope } from '../../src/platform/crypto/index.ts';
import type { Database } from '../../src/platform/db/index.ts';
import { createOutbox, type OutboxRelay } from '../../src/platform/events/index.ts';
import { createLogger } from '../../src/platform/logging/index.ts';
import { createMail, type Mail } from '../../src/platform/mail/index.ts';
import { createMetrics } from '../../src/platform/metrics/index.ts';
import type { MailMessage } from '../../src/platform/ports.ts';
import { createViews } from '../../src/platform/views/index.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { openTestDatabase } from '../support/database.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';

const link = 'https://id.acme.example/reset?ticket=s3cr3t-t1ck3t';
const message: MailMessage = { to: 'alice@example.test', template: 'password-reset', values: { link, minutes: 30 } };

describe('O10 mail over SMTP', () => {
  let database: Database;
  let mailbox: Mailbox;
  let clock: TestClock;
  let outbox: OutboxRelay;
  let mail: Mail;
  let log: string;
  let metrics: ReturnType<typeof createMetrics>;
  const envelope = createEnvelope([randomBytes(32)]);

  const open = (smtpUrl: string | undefined): Mail => {
    const lines = new Writable({
      write: (line, _, done) => {
        log += String(line);
        done();
      },
    });
    const logger = createLogger('trace', lines);
    metrics = createMetrics();
    outbox = createOutbox({ database, envelope, clock, logger });
    const mailFrom = 'Acme Sign-in <no-reply@acme.example>';
    const config = { smtpUrl, mailFrom, issuer: 'https://id.acme.example', issuerIsLoopback: false };
    return createMail({ config, outbox, views: createViews(), clock, logger, metrics });
  };
  const owe = (...messages: MailMessage[]): Promise<void> =>
    database.transaction(async (trx) => {
      for (const one of messages) await mail.in(trx).send(one);
    });
  const sent = async (outcome: string): Promise<number> =>
    (await metrics.mails.get()).values.find(({ labels }) => labels.outcome === outcome)?.value ?? 0;

  before(async () => {
    database = await openTestDatabase();
  });
  beforeEach(async () => {
    await database.knex('outbox').del();
    log = '';
    clock = createTestClock();
    mailbox = await openMailbox();
    mail = open(mailbox.url);
  });
  afterEach(async () => {
    await outbox.close();
    mail.close();
    await mailbox.close();
  });
  after(() => database.close());

  it('sends a committed mail once, as text and as markup', async () => {
    await owe(message);
    await outbox.drain();
    await outbox.drain();
    expect(mailbox.mails).to.have.length(1);
    const received = await mailbox.next('alice@example.test');
    expect(received.to).to.deep.equal(['alice@example.test']);
    expect(received.from).to.equal('no-reply@acme.example');
    expect(received.headers.get('from')).to.deep.equal(['"Acme Sign-in" <no-reply@acme.example>']);
    expect(received.subject).to.equal('Choose a new password');
    expect(received.headers.get('auto-submitted')).to.deep.equal(['auto-generated']);
    expect(received.headers.get('message-id')?.[0]).to.match(/^<[0-9a-f-]{36}@id\.acme\.example>$/);
    expect(received.text).to.contain(link).and.to.contain('for 30 minutes').and.to.contain('Sent by id.acme.example');
    expect(received.text).not.to.match(/<|&amp;|\n{3}/);
    expect(received.html)
      .to.contain(`href="${link}"`)
      .and.to.match(/^<!doctype html>/);
    expect(received.html, 'loads nothing').not.to.match(/<img|<link|<script|url\(/);
    expect(await sent('sent')).to.equal(1);
  });

  it('speaks the language of its reader, in every header', async () => {
    await owe({ ...message, locale: 'vi-VN' });
    await outbox.drain();
    const received = await mailbox.next('alice@example.test');
    expect(received.subject).to.equal('Chọn mật khẩu mới');
    expect(received.text).to.contain('trong 30 phút');
    expect(received.html).to.contain('lang="vi"').and.to.contain('Chọn mật khẩu mới');
  });

  it('F-22 tries again after a failure, under the same Message-ID, and keeps nothing afterwards', async () => {
    mailbox.refuse(451);
    await owe(message);
    await outbox.drain();
    expect(mailbox.mails).to.have.length(0);
    expect((await outbox.list())[0]).to.include({ state: 'pending', lastError: 'smtp: EENVELOPE 451' });
    mailbox.refuse(undefined);
    clock.advance(5);
    await outbox.drain();
    const { headers } = await mailbox.next('alice@example.test');
    expect(headers.get('message-id')?.[0]).to.contain((await outbox.list())[0]?.id);
    expect((await outbox.list())[0]).to.deep.include({ state: 'delivered', attempts: 2, payload: {} });
  });

  it('does not try again where the server knows no such recipient', async () => {
    mailbox.refuse(550);
    await owe(message);
    await outbox.drain();
    expect((await outbox.list())[0]).to.include({ state: 'delivered', attempts: 1 });
    expect(await sent('refused')).to.equal(1);
  });

  it('does not send what has ended meanwhile', async () => {
    await owe({ ...message, notAfter: new Date(clock.now().getTime() + 60_000).toISOString() });
    clock.advance(61);
    await outbox.drain();
    expect(mailbox.mails).to.have.length(0);
    expect(await sent('late')).to.equal(1);
  });

  it('RS-02 writes to one mailbox or to none: lists, groups, comments, line breaks', async () => {
    const evil = [
      'alice@example.test, mallory@evil.example',
      'alice@example.test\r\nBcc: mallory@evil.example',
      '"mallory@evil.example x"@example.test',
      'alice@example.test(c)evil.example',
      'friends: mallory@evil.example;',
      'Alice <mallory@evil.example>',
      'alice@mallory@evil.example',
    ];
    await owe(...evil.map((to) => ({ ...message, to })));
    await outbox.drain();
    expect(mailbox.mails.flatMap(({ to }) => to)).to.deep.equal([]);
    expect(await sent('refused')).to.equal(evil.length);
  });

  it('RS-02 lets no value of a mail become a header or markup', async () => {
    const evil = 'x\r\nBcc: mallory@evil.example\r\n\r\n<img src=x onerror=alert(1)>';
    await owe({ to: 'alice@example.test', template: 'verify-email', values: { link: evil, code: evil, minutes: 10 } });
    await outbox.drain();
    const received = await mailbox.next('alice@example.test');
    expect(received.to).to.deep.equal(['alice@example.test']);
    expect(received.headers.has('bcc')).to.equal(false);
    expect(received.html).not.to.contain('<img');
  });

  it('writes neither links nor addresses to the log, whatever happens', async () => {
    mailbox.refuse(451);
    await owe(message);
    await outbox.drain();
    mailbox.refuse(550);
    clock.advance(5);
    await outbox.drain();
    expect(log).to.contain('outbox entry will be tried again').and.to.contain('a mail was not sent');
    expect(log).not.to.match(/s3cr3t|alice/);
  });

  it('O1 health greets the server, at most every half minute', async () => {
    expect((await mail.probe.check()).status).to.equal('ok');
    await mailbox.close();
    expect((await mail.probe.check()).status).to.equal('ok');
    clock.advance(31);
    expect((await mail.probe.check()).status).to.equal('down');
  });

  it('keeps mails in the outbox without SMTP_URL, readable for the operator, and health says so', async () => {
    mail.close();
    mail = open(undefined);
    await owe(message);
    await outbox.drain();
    const [entry] = await outbox.list({ topic: 'mail', state: 'pending' });
    expect((await mail.render(entry?.payload as unknown as MailMessage)).text).to.contain(link);
    expect(await mail.probe.check()).to.include({ status: 'degraded' });
  });
});
