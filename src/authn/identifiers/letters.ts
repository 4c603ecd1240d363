import type { Account } from '../../identity/index.ts';
import { type Asker, minutesOf, type RecoveryUnit } from '../recovery/unit.ts';
import type { Tickets } from '../tickets/service.ts';

/** RS-03, RS-12: a text message has no link, and its code lives ten minutes. */
const seconds = { mail: 30 * 60, text: 10 * 60, undo: 7 * 86_400 };

export interface LetterDeps {
  issuer: string;
  tickets: Pick<Tickets, 'issue'>;
}

/** A primary number that no longer is. */
interface Replaced {
  value: string;
  /** The number in its place; its own where there is none. */
  changedId: string;
}

interface Proof {
  accountId: string;
  address: string;
  /** False: nothing leaves, and nobody can tell (PW-05). */
  isOwed: boolean;
}

export const localeOf = ({ claims }: Account): string | undefined =>
  typeof claims.locale === 'string' ? claims.locale : undefined;

/** What people are written about the identifiers of an account. */
export const createIdentifierLetters = ({ issuer, tickets }: LetterDeps) => ({
  proveMail: async (unit: RecoveryUnit, { accountId, address, isOwed }: Proof, { flow, locale }: Asker) => {
    const wish = { purpose: 'add-email', userId: accountId, address, flow, seconds: seconds.mail } as const;
    const issued = await tickets.issue(unit.tickets, wish);
    const link = `${issuer}/verify?for=add-email&ticket=${issued.secret}`;
    const values = { link, code: issued.code, minutes: minutesOf(seconds.mail) };
    const letter = { template: 'identifier-proof', locale, values, notAfter: issued.expiresAt.toISOString() };
    await (isOwed ? unit.mail.send({ ...letter, to: address }) : unit.mail.sendNothing(letter));
    return issued;
  },

  /** @param subjectId the number that is to be the primary one, where the code is to agree to that */
  provePhone: async (unit: RecoveryUnit, { accountId, address, isOwed }: Proof, { flow, locale }: Asker, subjectId?: string) => {
    const purpose = subjectId === undefined ? 'add-phone' : 'phone-old';
    const issued = await tickets.issue(unit.tickets, {
      purpose,
      userId: accountId,
      address,
      subjectId,
      flow,
      seconds: seconds.text,
    });
    const values = { code: issued.code, count: minutesOf(seconds.text) };
    const letter = { template: purpose, locale, values, notAfter: issued.expiresAt.toISOString() };
    await (isOwed ? unit.texts.send({ ...letter, to: address }) : unit.mail.sendNothing({ ...letter, template: 'factor-code' }));
    return issued;
  },

  /** RS-07: the number that was the primary one can take it back, by text message or by the link in the mail. @returns the link */
  offerUndo: async (unit: RecoveryUnit, account: Account, { value, changedId }: Replaced): Promise<string> => {
    const wish = {
      purpose: 'phone-undo',
      userId: account.id,
      address: value,
      subjectId: changedId,
      seconds: seconds.undo,
    } as const;
    const issued = await tickets.issue(unit.tickets, wish);
    const link = `${issuer}/verify?for=phone-undo&ticket=${issued.secret}`;
    const notAfter = issued.expiresAt.toISOString();
    await unit.texts.send({ to: value, template: 'phone-changed', locale: localeOf(account), values: { link }, notAfter });
    return link;
  },

  /** RS-07: told at the primary address, and at the one that goes. */
  tell: async (
    { mail }: Pick<RecoveryUnit, 'mail'>,
    account: Account,
    what: { change: 'added' | 'removed' | 'primary'; type: string; value: string; undo?: string | undefined },
    alsoTo: readonly string[] = [],
  ): Promise<void> => {
    const { email } = account.claims;
    const readers = new Set([...(typeof email === 'string' ? [email] : []), ...alsoTo]);
    for (const to of readers) await mail.send({ to, template: 'identifier-changed', locale: localeOf(account), values: what });
  },
});

export type IdentifierLetters = ReturnType<typeof createIdentifierLetters>;
