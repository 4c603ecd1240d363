/**
 * Owns: mail (FEATURES O10). Whoever owes a mail writes it, in words, to the outbox of its own transaction; it is rendered and
 * sent after the commit, at least once, under one Message-ID. Without SMTP_URL mails stay in the outbox.
 * Answers to: RFC 5321, RFC 5322, RFC 3834 §5 (automatic mail), security-cases RS-01, RS-02, RS-09.
 */
export { createMail, type Mail, type MailDeps } from './mail.ts';
export type { RenderedMail } from './render.ts';
export { verifySmtp } from './transport.ts';
