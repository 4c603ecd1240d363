import { type Account, type Accounts, canonicalIdentifier } from '../../identity/index.ts';
import type { Clock, MailMessage } from '../../platform/ports.ts';
import { type Asked, type Asker, type AskOutcome, type InRecovery, minutesOf } from '../recovery/unit.ts';
import type { Issued, Presented, Tickets } from '../tickets/service.ts';
import type { Throttle } from '../tickets/throttle.ts';

const ticketSeconds = 30 * 60;
const purpose = 'verify-email';

export type VerifyOutcome = { kind: 'verified' | 'gone' | 'code_needed' | 'code_wrong' };

export interface VerificationDeps {
  accounts: Pick<Accounts, 'findByLogin' | 'find'>;
  tickets: Tickets;
  throttle: Throttle;
  clock: Clock;
  site: { issuer: string; inRecovery: InRecovery };
}

/** Who gets which mail, if any. */
interface Reader {
  accountId: string;
  address: string;
  template: 'verify-email' | 'address-taken';
  locale: string | undefined;
}

/** Whether an address is its account's: by link or by code, in the browser that asked (RS-13). */
export const createVerification = ({ accounts, tickets, throttle, clock, site }: VerificationDeps) => {
  const { issuer, inRecovery } = site;

  const readerOf = (account: Account | undefined, template: Reader['template']): Reader | undefined => {
    const address = account?.claims.email;
    if ((account?.status !== 'active' && account?.status !== 'pending') || typeof address !== 'string') return undefined;
    const { locale } = account.claims;
    return { accountId: account.id, address, template, locale: typeof locale === 'string' ? locale : undefined };
  };

  const letterTo = (reader: Reader | undefined, issued: Issued, locale: string | undefined): Omit<MailMessage, 'to'> => {
    const proof = { link: `${issuer}/verify?ticket=${issued.secret}`, code: issued.code, minutes: minutesOf(ticketSeconds) };
    const template = reader?.template ?? purpose;
    const values = template === purpose ? proof : { link: `${issuer}/forgot` };
    return { template, locale: reader?.locale ?? locale, values, notAfter: issued.expiresAt.toISOString() };
  };

  const mail = (reader: Reader | undefined, { flow, locale }: Asker): Promise<Asked> =>
    inRecovery(async ({ tickets: bound, mail: mailer }) => {
      const proven = reader?.template === purpose ? reader : undefined;
      const wish = { purpose, userId: proven?.accountId, address: proven?.address, flow, seconds: ticketSeconds } as const;
      const issued = await tickets.issue(bound, wish);
      const letter = letterTo(reader, issued, locale);
      if (reader) await mailer.send({ ...letter, to: reader.address });
      else await mailer.sendNothing(letter);
      return { kind: 'asked', flow: issued.flow, shown: issued.shown, expiresAt: issued.expiresAt };
    });

  return {
    /**
     * After a sign-up: the new account's proof, or a notice to the owner of the address that was taken. Both look the same.
     * @param newId the account that was made, where one was
     */
    afterSignUp: async (newId: string | undefined, email: string, asker: Asker): Promise<Asked> => {
      const isOwed = await throttle.mayMail(canonicalIdentifier(email));
      const reader = readerOf(await accounts.findByLogin(email), newId === undefined ? 'address-taken' : purpose);
      return mail(isOwed ? reader : undefined, asker);
    },

    /** The mail again, by the address that was typed; nothing leaves for an address that is unknown or proven. */
    ask: async (email: string, asker: Asker): Promise<AskOutcome> => {
      const until = await throttle.networkStop(asker.ip);
      if (until) return { kind: 'limited', until };
      const isOwed = await throttle.mayMail(canonicalIdentifier(email));
      const account = await accounts.findByLogin(email);
      const isProven = account?.claims.email_verified === true;
      const reader = readerOf(account, purpose);
      return mail(isOwed && !isProven ? reader : undefined, asker);
    },

    /** To somebody whose password was right, whose address must be confirmed before anything else. */
    askOf: async (accountId: string, asker: Asker): Promise<Asked> => {
      const reader = readerOf(await accounts.find(accountId), purpose);
      const isOwed = reader !== undefined && (await throttle.mayMail(canonicalIdentifier(reader.address)));
      return mail(isOwed ? reader : undefined, asker);
    },

    look: (presented: Presented) => tickets.look(purpose, presented),

    confirm: async (presented: Presented): Promise<VerifyOutcome> => {
      const proven = await tickets.prove(purpose, presented);
      if (proven.kind !== 'proven') return proven;
      const { id, user_id: accountId, address } = proven.ticket;
      if (accountId === null || address === null) return { kind: 'gone' };
      return inRecovery(async ({ tickets: bound, addresses, audit }): Promise<VerifyOutcome> => {
        const now = clock.now();
        // RS-08: the address of the mail, if it is the account's still.
        if (!(await bound.spend(id, now)) || !(await addresses.markVerified(accountId, address, now))) return { kind: 'gone' };
        const actor = { type: 'user', id: accountId } as const;
        await audit.record({ type: 'identity.email_verified', outcome: 'success', actor, subjectId: accountId });
        return { kind: 'verified' };
      });
    },
  };
};

export type Verification = ReturnType<typeof createVerification>;
