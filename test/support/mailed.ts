import { hash } from 'node:crypto';
import { expect } from 'chai';
import { createApi } from './api.ts';
import type { Fleet } from './processes.ts';

/** What somebody could do something with: long secrets by name, and codes of six digits. */
export interface Mailed {
  secrets: Map<string, string>;
  codes: Set<string>;
}

const password = 'a grey heron at the weir';

/**
 * Has a deployment send every mail whose link or code opens something: verification, recovery, sign-in, change of address (both ends),
 * a set-up code, an invitation, an unlocking.
 * @param letters the texts of all mails so far, subjects included
 */
export const causeMails = async (fleet: Fleet, letters: () => Promise<string[]>): Promise<Mailed> => {
  const api = createApi(() => fleet.issuer);
  const secrets = new Map<string, string>();
  const codes = new Set<string>();
  const ask = async (path: string, body: object, token?: string): Promise<void> => {
    const { status, json } = await api('POST', path, body, token);
    expect(status, `${path} ${JSON.stringify(json)}`).to.be.within(200, 202);
    if (typeof json?.flow === 'string') secrets.set(`flow of ${path}`, json.flow);
    if (typeof json?.confirmationCode === 'string') codes.add(json.confirmationCode.replace(/\D/g, ''));
  };
  const tokenOf = async (email: string, secret: string): Promise<string> =>
    (await api('POST', '/auth/login', { email, password: secret })).json.accessToken;

  const email = 'mailed@example.test';
  await ask('/auth/register', { email, password });
  await ask('/auth/verify-email/send', { email });
  await ask('/auth/forgot-password', { email });
  await ask('/auth/link', { email: fleet.person.login });
  const person = await tokenOf(fleet.person.login, fleet.person.password);
  await ask('/mfa/email/enable', {}, person);
  await ask('/auth/change-email', { newEmail: 'elsewhere@example.test' }, person);
  await ask(
    '/identity/invitations',
    { email: 'guest@example.test' },
    await tokenOf(fleet.administrator.login, fleet.administrator.password),
  );

  const texts = await letters();
  for (const text of texts) {
    for (const [, secret = ''] of text.matchAll(/[?&](?:ticket|token)=([\w-]{20,})/g))
      secrets.set(`link ${secrets.size} in “${text.split('\n')[0]}”`, secret);
    for (const [, first, second] of text.matchAll(/^ {4}(\d{3}) ?(\d{3})$/gm)) codes.add(`${first}${second}`);
  }
  // A digest of six digits is found by trying them all.
  for (const code of codes) {
    secrets.set(`digest of code ${code}`, hash('sha256', code, 'base64url'));
    secrets.set(`digest of code ${code}, hexadecimal`, hash('sha256', code, 'hex'));
  }
  return { secrets, codes };
};

/** Codes that stand in the text as such; six digits inside of a longer word or after a decimal point are chance. */
export const findCodes = (text: string, codes: ReadonlySet<string>): string[] =>
  [...codes].filter((code) => new RegExp(`(?<![\\w.-])(${code}|${code.slice(0, 3)} ${code.slice(3)})(?![\\w-])`).test(text));

/** Mails of a deployment without a mail server, as `/dev/outbox` shows them: each with its subject first. */
export const shownLetters = async (issuer: string): Promise<string[]> => {
  const page = await (await fetch(`${issuer}/dev/outbox`)).text();
  const plain = (html: string): string =>
    html
      .replace(/<[^>]*>/g, '')
      .replaceAll('&amp;', '&')
      .replaceAll('&#39;', "'")
      .replaceAll('&quot;', '"');
  return page
    .split('<summary>')
    .slice(1)
    .map((letter) => `${plain(letter.split('</strong>')[0] ?? '')}\n${plain(/<pre>([\s\S]*?)<\/pre>/.exec(letter)?.[1] ?? '')}`);
};
