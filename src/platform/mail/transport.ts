import { createRequire } from 'node:module';
import type { RenderedMail } from './render.ts';

/** What went wrong, without what the server said: it may repeat addresses. */
export class MailError extends Error {
  override readonly name = 'MailError';
  /** No later attempt can succeed: the server knows no such recipient (RFC 5321 §4.2.1, 5yz). */
  readonly isFinal: boolean;
  constructor(message: string, isFinal: boolean) {
    super(message);
    this.isFinal = isFinal;
  }
}

export interface Letter extends RenderedMail {
  to: string;
  /** The same over all attempts. */
  messageId: string;
  date: Date;
}

export interface Transport {
  /** @throws MailError */
  send(letter: Letter): Promise<void>;
  /** Greets the server and signs in. @throws MailError */
  verify(): Promise<void>;
  close(): void;
}

const mailErrorOf = (error: unknown): MailError => {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  const words = [code, responseCode].filter((word) => typeof word === 'string' || typeof word === 'number');
  const isFinal = code === 'EENVELOPE' && typeof responseCode === 'number' && responseCode >= 500;
  return new MailError(`smtp: ${words.join(' ') || 'failed'}`, isFinal);
};

const orMailError = async <Result>(work: Promise<Result>): Promise<Result> => {
  try {
    return await work;
  } catch (error) {
    throw mailErrorOf(error);
  }
};

// RFC 3834 §5: no out-of-office answers to a machine.
const automatic = { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' };

/** Shorter than an attempt of the outbox may take; in milliseconds, connections and mails per connection. */
const limits = {
  pool: true,
  maxConnections: 4,
  maxMessages: 100,
  dnsTimeout: 5000,
  connectionTimeout: 5000,
  greetingTimeout: 5000,
  socketTimeout: 15_000,
} as const;

/**
 * Pooled SMTP. Options of nodemailer may stand in the address: `smtps://user:pass@host`, `smtp://host:587?requireTLS=true`.
 * @param from `Name <address>`
 */
export const createSmtpTransport = (smtpUrl: string, from: string): Transport => {
  // Nothing in a mail of ours comes from a file or another server.
  // Only who sends mail pays for the library: 21 ms of the start and 4 MB.
  const { createTransport } = createRequire(import.meta.url)('nodemailer') as typeof import('nodemailer');
  const transport = createTransport({ ...limits, url: smtpUrl, disableFileAccess: true, disableUrlAccess: true }, { from });
  return {
    send: async ({ to, messageId, date, subject, text, html }) => {
      // RS-02: an address object is never parsed, so one string cannot become two recipients.
      const recipient = { name: '', address: to };
      await orMailError(transport.sendMail({ to: recipient, subject, text, html, messageId, date, headers: automatic }));
    },
    verify: async () => void (await orMailError(transport.verify())),
    close: () => transport.close(),
  };
};

/** Greets the mail server and signs in, once. @throws MailError */
export const verifySmtp = async (smtpUrl: string, from: string): Promise<void> => {
  const transport = createSmtpTransport(smtpUrl, from);
  try {
    await transport.verify();
  } finally {
    transport.close();
  }
};
