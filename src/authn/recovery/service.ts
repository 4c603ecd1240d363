import { type Account, type Accounts, canonicalIdentifier } from '../../identity/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { PasswordChoice, PasswordProblem } from '../password/choice.ts';
import type { Hasher } from '../password/hashing.ts';
import { type Busy, orBusy } from '../password/pool.ts';
import type { Presented, Tickets } from '../tickets/service.ts';
import type { Throttle } from '../tickets/throttle.ts';
import { type Asker, type AskOutcome, type InRecovery, minutesOf, type RecoveryUnit } from './unit.ts';

/** RS-03. */
const ticketSeconds = 30 * 60;

export type ResetOutcome =
  | { kind: 'reset' }
  | { kind: 'gone' | 'code_needed' | 'code_wrong' }
  | { kind: 'invalid'; problems: readonly PasswordProblem[] }
  | Busy;

export interface RecoveryDeps {
  accounts: Pick<Accounts, 'findByLogin' | 'find'>;
  tickets: Tickets;
  throttle: Throttle;
  passwords: { hasher: Pick<Hasher, 'hash'>; choice: PasswordChoice; forgetFailures(accountId: string): Promise<void> };
  clock: Clock;
  site: { issuer: string; inRecovery: InRecovery };
}

const purpose = 'reset-password';

/** Somebody was quicker: nothing of this reset may stay. */
class Spent extends Error {}

const orLost = (error: unknown): false => {
  if (error instanceof Spent) return false;
  throw error;
};

/** Owed to every change of a password: earlier links and known browsers are worthless, and the person is told (PW-08, PW-11, RS-03). */
export const passwordChanged = async (
  { tickets, devices, mail }: Pick<RecoveryUnit, 'tickets' | 'devices' | 'mail'>,
  { accountId, claims, now, issuer }: { accountId: string; claims: Account['claims']; now: Date; issuer: string },
): Promise<void> => {
  await devices.forgetAll(accountId);
  await tickets.endAll(accountId, [purpose, 'sign-in', 'sign-in-link', 'unlock', 'add-email', 'add-phone', 'phone-old'], now);
  const { email: to, locale } = claims;
  if (typeof to !== 'string') return;
  const values = { link: `${issuer}/forgot` };
  await mail.send({ to, template: 'password-changed', locale: typeof locale === 'string' ? locale : undefined, values });
};

/** Forgotten passwords: the same answer for everybody, one link by mail, all sessions ended by its use (RS-03, RS-06). */
export const createRecovery = ({ accounts, tickets, throttle, passwords, clock, site }: RecoveryDeps) => {
  const { issuer, inRecovery } = site;
  const mailable = async (login: string): Promise<{ accountId: string; address: string; locale: unknown } | undefined> => {
    const account = await accounts.findByLogin(login);
    const address = account?.claims.email;
    // RS-02: the mail goes to the stored address; what was typed only selects the account.
    if (account?.status !== 'active' || typeof address !== 'string') return undefined;
    return { accountId: account.id, address, locale: account.claims.locale };
  };

  /** RS-03: a link that was mailed to another address than today's is worthless. */
  const ownerOf = async (accountId: string | null, address: string | null): Promise<Account | undefined> => {
    const account = accountId === null ? undefined : await accounts.find(accountId);
    return account?.status === 'active' && account.claims.email === address ? account : undefined;
  };

  const prove = async (presented: Presented) => {
    // The link, never a code alone: RS-03.
    const proven = await tickets.prove(purpose, { ...presented, secret: presented.secret ?? '' });
    if (proven.kind !== 'proven') return proven;
    const { id, user_id: accountId, address } = proven.ticket;
    const account = await ownerOf(accountId, address);
    return account ? { kind: 'proven' as const, ticket: { id, address }, account } : { kind: 'gone' as const };
  };

  const replaceIn =
    (ticket: { id: string; address: string | null }, { id: accountId, claims }: Account, hash: string) =>
    async (unit: RecoveryUnit): Promise<boolean> => {
      const now = clock.now();
      // The account is held first (RC-11), then the link is spent: of two at once one wins.
      await unit.endSessions(accountId, 'password_reset');
      if (!(await unit.tickets.spend(ticket.id, now))) throw new Spent();
      // SO-02: whoever reads mail at the address may be the first to have shown that it is theirs.
      if (claims.email_verified !== true) await unit.surrender(accountId, now);
      if (ticket.address !== null) await unit.addresses.markVerified(accountId, ticket.address, now);
      await unit.passwords.replace(accountId, hash, now);
      const actor = { type: 'user', id: accountId } as const;
      await unit.audit.record({ type: 'authn.password.reset', outcome: 'success', actor, subjectId: accountId });
      await passwordChanged(unit, { accountId, claims, now, issuer });
      return true;
    };

  return {
    ask: async (login: string, { ip, flow, locale }: Asker): Promise<AskOutcome> => {
      const until = await throttle.networkStop(ip);
      if (until) return { kind: 'limited', until };
      const isOwed = await throttle.mayMail(canonicalIdentifier(login));
      const found = await mailable(login);
      const reader = isOwed ? found : undefined;
      return inRecovery(async ({ tickets: bound, mail, audit }) => {
        const wish = { purpose, userId: reader?.accountId, address: reader?.address, flow, seconds: ticketSeconds } as const;
        const issued = await tickets.issue(bound, wish);
        const subjectId = reader?.accountId;
        const reason = reader ? undefined : 'nobody';
        const actor = { type: 'anonymous' } as const;
        await audit.record({ type: 'authn.password.reset_requested', outcome: 'success', actor, subjectId, reason });
        const values = { link: `${issuer}/reset?ticket=${issued.secret}`, minutes: minutesOf(ticketSeconds) };
        const language = typeof reader?.locale === 'string' ? reader.locale : locale;
        const letter = { template: 'password-reset', locale: language, values, notAfter: issued.expiresAt.toISOString() };
        if (reader) await mail.send({ ...letter, to: reader.address });
        else await mail.sendNothing(letter);
        return { kind: 'asked' as const, flow: issued.flow, shown: issued.shown, expiresAt: issued.expiresAt };
      });
    },

    look: (presented: Presented) => tickets.look(purpose, presented),

    /** Replaces the password and nothing else: factors stay where the address was proven before, and nobody is signed in (RS-06, SO-02). */
    reset: (password: string, presented: Presented): Promise<ResetOutcome> =>
      orBusy(async (): Promise<ResetOutcome> => {
        const proven = await prove(presented);
        if (proven.kind !== 'proven') return proven;
        const { ticket, account } = proven;
        const problems = await passwords.choice.problems(password, { accountId: account.id, claims: account.claims });
        if (problems.length > 0) return { kind: 'invalid', problems };
        const hash = await passwords.hasher.hash(password);
        const isDone = await inRecovery(replaceIn(ticket, account, hash)).catch(orLost);
        if (!isDone) return { kind: 'gone' };
        await passwords.forgetFailures(account.id);
        return { kind: 'reset' };
      }),
  };
};

export type Recovery = ReturnType<typeof createRecovery>;
