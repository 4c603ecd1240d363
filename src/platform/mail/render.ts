import type { House, MailMessage } from '../ports.ts';
import { chooseLocale, type MessageValues, type Views } from '../views/index.ts';

export interface RenderedMail {
  subject: string;
  text: string;
  html: string;
}

/** Empty lines between the parts, none doubled; lines end as written, nodemailer makes them CRLF. */
const tidy = (text: string): string =>
  `${text
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim()}\n`;

const simple = (values: Record<string, unknown>): MessageValues =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string | number] => ['string', 'number'].includes(typeof entry[1])),
  );

export interface MailFrame {
  views: Views;
  /** RS-01: the only address that a mail's own words are built from. */
  issuer: string;
  house?: House | undefined;
}

/** Of a template that tells of several things, each may have a subject of its own: `mail.<template>.subject.<notice>`. */
const subjectKey = (template: string, notice: unknown, has: (key: string) => boolean): string => {
  const own = `mail.${template}.subject.${String(notice)}`;
  return has(own) ? own : `mail.${template}.subject`;
};

/**
 * Both bodies come from `views/mail/<template>.njk`, which extends `mail/html.njk` or `mail/text.njk`; the subject is the message
 * `mail.<template>.subject`.
 */
export const renderMail = (
  { template, locale: wished, values }: Omit<MailMessage, 'to'>,
  { views, issuer, house }: MailFrame,
): RenderedMail => {
  if (!/^[a-z0-9-]+$/.test(template)) throw new Error('a mail template has a name of a-z, 0-9 and -');
  const locale = chooseLocale({ uiLocales: wished });
  // RFC 5322 §2.2: a header is one line, whatever the values hold.
  const { text, has } = views.translator(locale);
  const subject = text(subjectKey(template, values.notice, has), simple(values))
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  const body = (format: 'html' | 'text'): string =>
    views.render(`mail/${template}`, locale, { ...values, subject, format, host: new URL(issuer).host, issuer, house });
  return { subject, text: tidy(body('text')), html: `${body('html').trim()}\n` };
};
