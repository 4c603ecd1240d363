import type { Accounts } from '../../identity/index.ts';
import { uuidv7 } from '../../platform/crypto/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { type InRecovery, minutesOf } from '../recovery/unit.ts';
import type { Presented, Tickets } from '../tickets/service.ts';
import type { Throttle } from '../tickets/throttle.ts';

/** RS-03. */
const ticketSeconds = 30 * 60;
const purpose = 'unlock';

export interface UnlockDeps {
  accounts: Pick<Accounts, 'find'>;
  tickets: Tickets;
  throttle: Throttle;
  clock: Clock;
  forgetFailures(accountId: string): Promise<void>;
  site: { issuer: string; inRecovery: InRecovery };
}

/** Accounts that guesses from many places have stopped: the owner is told and may start again (A11). */
export const createUnlock = ({ accounts, tickets, throttle, clock, forgetFailures, site }: UnlockDeps) => {
  const { issuer, inRecovery } = site;

  return {
    /** @param accountId absent where nobody has what was typed: the same work, no mail (PW-05) */
    tell: async (accountId: string | undefined): Promise<void> => {
      const account = await accounts.find(accountId ?? uuidv7(clock.now()));
      const { email, locale } = account?.claims ?? {};
      const mayMail = await throttle.mayMail(`unlock\0${account?.id ?? ''}`);
      const address = mayMail && typeof email === 'string' && account?.status === 'active' ? email : undefined;
      await inRecovery(async ({ tickets: bound, mail }) => {
        const userId = address === undefined ? undefined : account?.id;
        const issued = await tickets.issue(bound, { purpose, userId, address, seconds: ticketSeconds });
        const values = { link: `${issuer}/verify?for=unlock&ticket=${issued.secret}`, minutes: minutesOf(ticketSeconds) };
        const language = typeof locale === 'string' ? locale : undefined;
        const letter = { template: 'account-locked', locale: language, values, notAfter: issued.expiresAt.toISOString() };
        if (address === undefined) await mail.sendNothing(letter);
        else await mail.send({ ...letter, to: address });
      });
    },
    look: (presented: Presented) => tickets.look(purpose, presented),
    /** Whoever holds the mail may: they did not ask for it, so there is no browser that did. */
    unlock: async ({ secret }: Presented): Promise<{ kind: 'unlocked' | 'gone' }> => {
      const ticket = await tickets.held(purpose, secret);
      const accountId = ticket?.user_id;
      if (!ticket || !accountId) return { kind: 'gone' };
      const isSpent = await inRecovery(async ({ tickets: bound, audit }) => {
        if (!(await bound.spend(ticket.id, clock.now()))) return false;
        const actor = { type: 'user', id: accountId } as const;
        await audit.record({ type: 'authn.unlocked', outcome: 'success', actor, subjectId: accountId });
        return true;
      });
      if (!isSpent) return { kind: 'gone' };
      await forgetFailures(accountId);
      return { kind: 'unlocked' };
    },
  };
};

export type Unlock = ReturnType<typeof createUnlock>;
