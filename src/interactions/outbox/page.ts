import { errors } from '../../platform/errors/index.ts';
import type { ListedEntry } from '../../platform/events/index.ts';
import type { PageRoutes } from '../../platform/http/index.ts';
import type { RenderedMail } from '../../platform/mail/index.ts';
import type { MailMessage } from '../../platform/ports.ts';
import { smsTopic, type TextMessage } from '../../platform/sms/index.ts';

export interface OutboxPageDeps {
  list(filter: { topic: string; limit: number }): Promise<ListedEntry[]>;
  render(message: MailMessage): Promise<RenderedMail>;
  renderText(message: TextMessage): string;
}

const shownMails = 50;
const loopback = /^(127\.\d+\.\d+\.\d+|::1)$/;

/** Text in pieces, so that addresses can be followed. */
const pieces = (text: string): { text: string; href?: string }[] =>
  text.split(/(https?:\/\/[^\s<>"]+)/).map((piece) => (/^https?:/.test(piece) ? { text: piece, href: piece } : { text: piece }));

const letterOf = async ({ id, createdAt, state, payload }: ListedEntry, render: OutboxPageDeps['render']) => {
  if (typeof payload.template !== 'string') return [];
  const message = payload as unknown as MailMessage;
  const { subject, text } = await render(message);
  return [{ id, state, to: message.to, at: createdAt.toISOString(), subject, pieces: pieces(text) }];
};

const textOf = ({ id, createdAt, state, payload }: ListedEntry, render: OutboxPageDeps['renderText']) => {
  if (typeof payload.template !== 'string') return [];
  const message = payload as unknown as TextMessage;
  const words = render(message);
  return [{ id, state, to: message.to, at: createdAt.toISOString(), subject: words.split('\n')[0], pieces: pieces(words) }];
};

/**
 * Mails and text messages that would have left if there were a server: on a developer's machine only. Mounted while the issuer is on
 * loopback and there is no SMTP_URL; answers those that come over loopback (OP-04), and no page links to it.
 */
export const mountOutbox = (pages: PageRoutes, { list, render, renderText }: OutboxPageDeps): void => {
  pages.get('/dev/outbox', async (page) => {
    if (!loopback.test(page.request.ip)) throw errors.not_found();
    const [letters, texts] = await Promise.all(['mail', smsTopic].map((topic) => list({ topic, limit: shownMails })));
    const mails = [
      ...(await Promise.all((letters ?? []).map((entry) => letterOf(entry, render)))).flat(),
      ...(texts ?? []).flatMap((entry) => textOf(entry, renderText)),
    ];
    page.render('outbox', { mails: mails.sort((one, other) => other.at.localeCompare(one.at)) });
  });
};
