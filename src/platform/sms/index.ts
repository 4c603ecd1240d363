/**
 * Owns: text messages (FEATURES A8). Written in words to the outbox of the transaction that owes them; handed to the webhook of
 * SMS_WEBHOOK_URL after the commit, at least once, under one id. Without it they stay in the outbox.
 * Answers to: Standard Webhooks 1.0 (signature), security-cases SF-01 to SF-05 (guarded client).
 */
import { createHmac } from 'node:crypto';
import type { Config } from '../config/index.ts';
import type { Delivery, OutboxRelay } from '../events/index.ts';
import type { Logger } from '../logging/index.ts';
import type { Metrics } from '../metrics/index.ts';
import type { Outbound } from '../outbound/index.ts';
import type { Clock, MailMessage } from '../ports.ts';
import { chooseLocale, type MessageValues, type Views } from '../views/index.ts';

export interface SmsDeps {
  config: Pick<Config, 'smsWebhook' | 'issuer' | 'issuerIsLoopback'>;
  outbox: Pick<OutboxRelay, 'in' | 'subscribe'>;
  outbound: Outbound;
  views: Views;
  clock: Clock;
  logger: Logger;
  metrics: Pick<Metrics, 'texts'>;
}

type Transaction = Parameters<OutboxRelay['in']>[0];

/** `template` is the message `sms.<template>` of the catalogue; `to` a number by E.164. */
export type TextMessage = Omit<MailMessage, 'values'> & { values: MessageValues };

export interface Texter {
  send(message: TextMessage): Promise<void>;
}

export interface Sms {
  /** The sender of a transaction: the message is owed once the change has committed. */
  in(trx: Transaction): Texter;
  /** The message as it would be sent. */
  render(message: TextMessage): string;
  /** Whether anybody would get a message: there is a webhook, or a developer who reads the outbox. */
  isOffered: boolean;
}

export const smsTopic = 'sms';

/** Answers that another attempt would get again. */
const finalStatuses = new Set([400, 401, 403, 404, 405, 410, 413, 415, 422]);

/** @returns headers of Standard Webhooks 1.0: HMAC-SHA-256 over id, time and body */
export const signedHeaders = (id: string, body: string, secret: string, now: Date): Record<string, string> => {
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  };
};

export const createSms = ({ config, outbox, outbound, views, clock, logger, metrics }: SmsDeps): Sms => {
  const { smsWebhook, issuer, issuerIsLoopback } = config;
  const host = new URL(issuer).host;
  const render = ({ template, locale, values }: TextMessage): string =>
    views.translator(chooseLocale({ uiLocales: locale })).text(`sms.${template}`, { ...values, host });

  const send = async (delivery: Delivery, { url, secret }: NonNullable<Config['smsWebhook']>): Promise<string> => {
    const message = delivery.payload as unknown as TextMessage;
    if (message.notAfter !== undefined && clock.now().getTime() >= Date.parse(message.notAfter)) return 'late';
    const body = JSON.stringify({ id: delivery.id, to: message.to, text: render(message) });
    const headers = signedHeaders(delivery.id, body, secret, clock.now());
    const { ok, status } = await outbound(url, { method: 'POST', headers, body });
    if (ok) return 'sent';
    if (finalStatuses.has(status)) return 'refused';
    throw new Error(`the SMS webhook answered ${status}`);
  };

  if (smsWebhook) {
    outbox.subscribe(smsTopic, async (delivery) => {
      const outcome = await send(delivery, smsWebhook);
      metrics.texts.inc({ outcome });
      if (outcome !== 'sent') logger.warn({ entry: delivery.id, outcome }, 'a text message was not sent and will not be');
    });
  }

  return {
    in: (trx) => ({
      send: ({ to, template, locale, values, notAfter }) =>
        outbox.in(trx).add({ topic: smsTopic, payload: { to, template, locale, values, notAfter } }),
    }),
    render,
    isOffered: smsWebhook !== undefined || issuerIsLoopback,
  };
};
