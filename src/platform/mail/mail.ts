import type { Config } from '../config/index.ts';
import type { Delivery, OutboxRelay } from '../events/index.ts';
import type { DependencyState, HealthProbe } from '../http/index.ts';
import { currentScope, type Logger } from '../logging/index.ts';
import type { Metrics } from '../metrics/index.ts';
import type { Clock, House, Mailer, MailMessage } from '../ports.ts';
import type { Views } from '../views/index.ts';
import { type RenderedMail, renderMail } from './render.ts';
import { createSmtpTransport, MailError, type Transport } from './transport.ts';

export interface MailDeps {
  config: Pick<Config, 'smtpUrl' | 'mailFrom' | 'issuer' | 'issuerIsLoopback'>;
  outbox: Pick<OutboxRelay, 'in' | 'subscribe'>;
  views: Views;
  /** Whose a mail is that does not say so itself: its organization's, else its reader's. */
  houseOf?(message: Pick<MailMessage, 'to' | 'organizationId'>): Promise<House | undefined>;
  clock: Clock;
  logger: Logger;
  metrics: Pick<Metrics, 'mails'>;
}

type Transaction = Parameters<OutboxRelay['in']>[0];

export interface Mail {
  /** The mailer of a transaction: the mail is owed once the change has committed. */
  in(trx: Transaction): Mailer;
  /** The mail as it would be sent: for `castellan outbox` and `/dev/outbox`. */
  render(message: MailMessage): Promise<RenderedMail>;
  probe: HealthProbe;
  /** Whether anybody would get a mail: there is a server, or a developer who reads the outbox. */
  isOffered: boolean;
  close(): void;
}

const topic = 'mail';
/** Entries that stand for a mail nobody gets. */
const nothing = 'mail-nothing';
const verifyEverySeconds = 30;

/** RS-02: one mailbox, nothing that a mail server or a header could read as more. What is stored has been checked; this is the last door. */
const isMailbox = (to: unknown): to is string =>
  typeof to === 'string' && to.length <= 320 && /^[^\s@\p{C},;:<>()[\]\\"]+@[^\s@\p{C},;:<>()[\]\\"]+$/u.test(to);

/** Reads an entry of the outbox again. */
const messageOf = ({ payload }: Pick<Delivery, 'payload'>): MailMessage => {
  const { to, template, locale, values, notAfter, organizationId, house } = payload as unknown as MailMessage;
  return { to, template, locale, values, notAfter, organizationId, house };
};

/** As it waits in the outbox: when what it tells of happened; and the page whose form owes it says how it looks. */
const owed = ({ template, locale, values, notAfter, organizationId, house }: Omit<MailMessage, 'to'>, now: Date) => ({
  template,
  locale,
  values: { at: now.toISOString(), ...values },
  notAfter,
  organizationId,
  house: house ?? currentScope()?.house,
});

/** Asks at most every 30 s: health is asked more often than a mail server likes to be greeted. */
const createProbe = (transport: Transport, clock: Clock): (() => Promise<DependencyState>) => {
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<DependencyState> | undefined;
  const ask = async (): Promise<DependencyState> => {
    try {
      await transport.verify();
      return { status: 'ok' };
    } catch (error) {
      return { status: 'down', detail: error instanceof MailError ? error.message : 'failed' };
    }
  };
  return () => {
    const now = clock.now().getTime() / 1000;
    if (asking === undefined || now - askedAt >= verifyEverySeconds) {
      askedAt = now;
      asking = ask();
    }
    return asking;
  };
};

/** Mail through the outbox: in the transaction of what it tells of, rendered at delivery. */
export const createMail = ({ config, outbox, views, houseOf, clock, logger, metrics }: MailDeps): Mail => {
  const { smtpUrl, mailFrom, issuer, issuerIsLoopback } = config;
  const transport = smtpUrl === undefined ? undefined : createSmtpTransport(smtpUrl, mailFrom);
  const host = new URL(issuer).hostname;
  const render = async (message: MailMessage): Promise<RenderedMail> => {
    const isSaid = message.organizationId === undefined && message.house !== undefined;
    const house = isSaid ? message.house : await houseOf?.(message);
    return renderMail(message, { views, issuer, house });
  };

  const send = async (delivery: Delivery, by: Transport): Promise<'sent' | 'late' | 'refused'> => {
    const message = messageOf(delivery);
    if (message.notAfter !== undefined && clock.now().getTime() >= Date.parse(message.notAfter)) return 'late';
    if (!isMailbox(message.to)) return 'refused';
    const letter = { to: message.to, messageId: `<${delivery.id}@${host}>`, date: delivery.createdAt };
    try {
      await by.send({ ...letter, ...(await render(message)) });
      return 'sent';
    } catch (error) {
      if (error instanceof MailError && error.isFinal) return 'refused';
      throw error;
    }
  };

  if (transport) {
    outbox.subscribe(topic, async (delivery) => {
      const outcome = await send(delivery, transport);
      metrics.mails.inc({ outcome });
      if (outcome !== 'sent') logger.warn({ entry: delivery.id, outcome }, 'a mail was not sent and will not be');
    });
    // PW-05: the same work, so that the next answer does not tell either. Without a server both are kept.
    outbox.subscribe(nothing, async (delivery) => void (await render({ ...messageOf(delivery), to: '' })));
  }

  // Off loopback, mails that nobody can read are a fault of the deployment.
  const kept: DependencyState = { status: issuerIsLoopback ? 'ok' : 'degraded', detail: 'no SMTP_URL: mails stay in the outbox' };
  return {
    in: (trx) => ({
      send: (message) => outbox.in(trx).add({ topic, payload: { to: message.to, ...owed(message, clock.now()) } }),
      sendNothing: (message) => outbox.in(trx).add({ topic: nothing, payload: owed(message, clock.now()) }),
    }),
    render,
    isOffered: smtpUrl !== undefined || issuerIsLoopback,
    probe: { name: 'mail', essential: false, check: transport ? createProbe(transport, clock) : async () => kept },
    close: () => transport?.close(),
  };
};
