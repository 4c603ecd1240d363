import { type Accounts, canonicalIdentifier } from '../../identity/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { type Asker, type AskOutcome, type InRecovery, minutesOf } from '../recovery/unit.ts';
import type { Tickets } from '../tickets/service.ts';
import type { Throttle } from '../tickets/throttle.ts';

/** RS-12. */
const codeSeconds = 10 * 60;
const purpose = 'sign-in';

export interface SignInCodeDeps {
  accounts: Pick<Accounts, 'findByLogin'>;
  tickets: Tickets;
  throttle: Throttle;
  clock: Clock;
  site: { inRecovery: InRecovery };
}

/** A mailed code beside the password: for browsers without script, in place of proof of work (A11). */
export const createSignInCode = ({ accounts, tickets, throttle, clock, site }: SignInCodeDeps) => ({
  ask: async (login: string, { ip, flow, locale }: Asker): Promise<AskOutcome> => {
    const until = await throttle.networkStop(ip);
    if (until) return { kind: 'limited', until };
    const isOwed = await throttle.mayMail(canonicalIdentifier(login));
    const account = await accounts.findByLogin(login);
    const email = isOwed && account?.status === 'active' ? account.claims.email : undefined;
    const address = typeof email === 'string' ? email : undefined;
    return site.inRecovery(async ({ tickets: bound, mail }) => {
      const userId = address === undefined ? undefined : account?.id;
      const issued = await tickets.issue(bound, { purpose, userId, address, flow, seconds: codeSeconds });
      const values = { code: issued.code, minutes: minutesOf(codeSeconds) };
      const letter = { template: 'sign-in-code', locale, values, notAfter: issued.expiresAt.toISOString() };
      if (address === undefined) await mail.sendNothing(letter);
      else await mail.send({ ...letter, to: address });
      return { kind: 'asked' as const, flow: issued.flow, shown: issued.shown, expiresAt: issued.expiresAt };
    });
  },
  /** Spends the code. */
  accept: async (accountId: string | undefined, { flow, code }: { flow: string; code: string }): Promise<boolean> => {
    const proven = await tickets.prove(purpose, { flow, code });
    if (proven.kind !== 'proven' || accountId === undefined || proven.ticket.user_id !== accountId) return false;
    return site.inRecovery(({ tickets: bound }) => bound.spend(proven.ticket.id, clock.now()));
  },
});

export type SignInCode = ReturnType<typeof createSignInCode>;
