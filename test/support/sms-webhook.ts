import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedText {
  id: string;
  to: string;
  text: string;
}

export interface SmsWebhook {
  /** For SMS_WEBHOOK_URL and SMS_WEBHOOK_SECRET. */
  env: Record<string, string>;
  readonly texts: readonly ReceivedText[];
  /** Whether every request bore the signature of its body. */
  readonly areSigned: boolean;
  /** The next message that no earlier call has given away. @throws after ten seconds */
  next(): Promise<ReceivedText>;
  /** Answers the next requests with this status. */
  answer(status: number): void;
  close(): Promise<void>;
}

const secret = 'a-secret-for-the-sms-webhook-of-the-tests';

/** A provider of text messages on loopback. */
export const openSmsWebhook = async (): Promise<SmsWebhook> => {
  const texts: ReceivedText[] = [];
  let [given, status, areSigned] = [0, 202, true];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature } = request.headers;
      const wanted = `v1,${createHmac('sha256', secret).update(`${id}.${time}.${body}`).digest('base64')}`;
      areSigned &&= signature === wanted;
      if (status < 300) texts.push(JSON.parse(body));
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    env: {
      SMS_WEBHOOK_URL: `http://127.0.0.1:${port}/sms`,
      SMS_WEBHOOK_SECRET: secret,
      OUTBOUND_ALLOW: '127.0.0.1',
    },
    texts,
    get areSigned() {
      return areSigned;
    },
    next: async () => {
      const giveUp = Date.now() + 10_000;
      while (texts.length <= given) {
        if (Date.now() > giveUp) throw new Error('no text message came');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const text = texts[given];
      given += 1;
      if (!text) throw new Error('no text message came');
      return text;
    },
    answer: (next) => {
      status = next;
    },
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
};
