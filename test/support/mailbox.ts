import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import type { Database } from '../../src/platform/db/index.ts';

/** A mail as its server took it. */
export interface ReceivedMail {
  /** Envelope recipients. */
  to: string[];
  from: string;
  /** Header lines by lower-case name, unfolded and decoded. */
  headers: Map<string, string[]>;
  subject: string;
  text: string;
  html: string;
  raw: string;
}

export interface Mailbox {
  /** For SMTP_URL. */
  url: string;
  /** Every mail, oldest first. */
  readonly mails: readonly ReceivedMail[];
  /** The next mail to this address that no earlier call has given away. Waits for it. @throws after ten seconds */
  next(to: string): Promise<ReceivedMail>;
  /** Mails to the address that `next` has not given away. */
  waiting(to: string): number;
  /** Answers the next mails with this SMTP status; `undefined`: takes them. */
  refuse(status: number | undefined): void;
  close(): Promise<void>;
}

const decodeWords = (value: string): string =>
  value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, kind: string, body: string) =>
      kind.toLowerCase() === 'b' ? Buffer.from(body, 'base64').toString() : quotedPrintable(body.replaceAll('_', ' ')),
    );

const quotedPrintable = (body: string): string =>
  Buffer.from(
    body.replace(/=\r?\n/g, '').replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString();

const readPart = (part: string): { headers: Map<string, string[]>; body: string } => {
  const gap = part.indexOf('\r\n\r\n');
  const headers = new Map<string, string[]>();
  for (const line of part
    .slice(0, gap)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), decodeWords(line.slice(colon + 1).trim())]);
  }
  return { headers, body: part.slice(gap + 4) };
};

const decoded = ({ headers, body }: ReturnType<typeof readPart>): string => {
  const encoding = headers.get('content-transfer-encoding')?.[0]?.toLowerCase();
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString();
  return encoding === 'quoted-printable' ? quotedPrintable(body) : body;
};

const readMail = (raw: string, { envelope }: SMTPServerSession): ReceivedMail => {
  const whole = readPart(raw);
  const boundary = /boundary="?([^";]+)"?/.exec(whole.headers.get('content-type')?.[0] ?? '')?.[1];
  const parts =
    boundary === undefined
      ? [whole]
      : whole.body
          .split(`--${boundary}`)
          .slice(1, -1)
          .map((part) => readPart(part.replace(/^\r\n/, '')));
  const of = (type: string): string => {
    const part = parts.find(({ headers }) => headers.get('content-type')?.[0]?.startsWith(type));
    return part === undefined ? '' : decoded(part).replaceAll('\r\n', '\n');
  };
  return {
    to: envelope.rcptTo.map(({ address }) => address),
    from: envelope.mailFrom ? envelope.mailFrom.address : '',
    headers: whole.headers,
    subject: whole.headers.get('subject')?.[0] ?? '',
    text: of('text/plain'),
    html: of('text/html'),
    raw,
  };
};

const waitMs = 10_000;

/** A real SMTP server on loopback that keeps what it gets. */
export const openMailbox = async (): Promise<Mailbox> => {
  const mails: ReceivedMail[] = [];
  const given = new Set<ReceivedMail>();
  let status: number | undefined;
  let arrived = (): void => undefined;
  const refusal = (): Error | undefined =>
    status === undefined ? undefined : Object.assign(new Error('not now'), { responseCode: status });
  const server = new SMTPServer({
    authOptional: true,
    hideSTARTTLS: true,
    disableReverseLookup: true,
    logger: false,
    onRcptTo: (_address, _session, callback) => callback(refusal()),
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push(readMail(Buffer.concat(chunks).toString('latin1'), session));
        callback();
        arrived();
      });
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  const pending = (to: string) => mails.filter((mail) => !given.has(mail) && mail.to.includes(to));

  const next = async (to: string): Promise<ReceivedMail> => {
    const giveUp = Date.now() + waitMs;
    for (;;) {
      const [mail] = pending(to);
      if (mail) {
        given.add(mail);
        return mail;
      }
      if (Date.now() > giveUp)
        throw new Error(`no mail to ${to}; there are ${mails.map((one) => one.to.join()).join(' ') || 'none'}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 200);
        arrived = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };

  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    next,
    waiting: (to) => pending(to).length,
    refuse: (answer) => {
      status = answer;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
};

/** Waits until every mail that is owed has left. */
export const mailsLeft = async ({ knex }: Database): Promise<void> => {
  const giveUp = Date.now() + waitMs;
  while (Date.now() < giveUp) {
    const [row] = await knex('outbox').whereNull('delivered_at').where('topic', 'like', 'mail%').count('id as count');
    if (Number(row?.count) === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('mails are stuck');
};
