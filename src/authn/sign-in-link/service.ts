import { type Account, type Accounts, canonicalIdentifier } from '../../identity/index.ts';
import type { AuditBuffer, Clock } from '../../platform/ports.ts';
import { mailAmr } from '../factors/proof.ts';
import { type Asker, type AskOutcome, type InRecovery, minutesOf } from '../recovery/unit.ts';
import type { SignInOutcome } from '../signin/outcome.ts';
import type { SignInPlace } from '../signin/place.ts';
import type { SignIn } from '../signin/service.ts';
import type { Presented, Tickets } from '../tickets/service.ts';
import type { Throttle } from '../tickets/throttle.ts';

/** RS-12. */
const linkSeconds = 10 * 60;
const purpose = 'sign-in-link';

export type LinkOutcome =
  | SignInOutcome
  /** Used, replaced, too old, or never there. */
  | { kind: 'gone' }
  | { kind: 'code_wrong' }
  /** The link is good, but another browser asked: nobody is signed in here. */
  | { kind: 'other_browser' };

export interface SignInLinkDeps {
  accounts: Pick<Accounts, 'findByLogin' | 'find'>;
  tickets: Tickets;
  throttle: Throttle;
  conclude: SignIn['conclude'];
  surroundings: { clock: Clock; audit: AuditBuffer; attempted(outcome: string): void };
  site: { issuer: string; isOffered: boolean; inRecovery: InRecovery };
}

/** The confirmed address of somebody who may sign in. */
const addressOf = (account: Account | undefined): string | undefined => {
  const { email, email_verified: isVerified } = account?.claims ?? {};
  return account?.status === 'active' && isVerified === true && typeof email === 'string' ? email : undefined;
};

/** A mailed link, or its code, instead of a password: once, for ten minutes, in the browser that asked (FEATURES A8, RS-12, RS-13). */
export const createSignInLink = ({ accounts, tickets, throttle, conclude, surroundings, site }: SignInLinkDeps) => {
  const { clock, audit, attempted } = surroundings;

  const prove = async (presented: Presented) => {
    // RS-13: no code makes another browser the one that asked.
    const code = presented.secret === undefined ? presented.code : undefined;
    const proven = await tickets.prove(purpose, { ...presented, code });
    if (proven.kind === 'code_needed') return { kind: 'other_browser' as const };
    return proven;
  };

  const spent = async (presented: Presented, place: SignInPlace): Promise<LinkOutcome> => {
    const authTime = clock.now();
    const proven = await prove(presented);
    if (proven.kind !== 'proven') return proven;
    const { id, user_id: accountId, address } = proven.ticket;
    const account = accountId === null ? undefined : await accounts.find(accountId);
    // RS-03: a link to an address that is not the account's any more is worthless.
    if (!account || addressOf(account) !== address) return { kind: 'gone' };
    if (!(await site.inRecovery(({ tickets: bound }) => bound.spend(id, clock.now())))) return { kind: 'gone' };
    return conclude({ accountId: account.id, method: 'link', amr: [mailAmr], level: 1, authTime }, place);
  };

  return {
    isOffered: site.isOffered,

    /** The same for everybody (PW-05). */
    ask: async (login: string, { ip, flow, locale }: Asker): Promise<AskOutcome> => {
      const until = await throttle.networkStop(ip);
      if (until) return { kind: 'limited', until };
      const isOwed = await throttle.mayMail(canonicalIdentifier(login));
      const account = await accounts.findByLogin(login);
      const address = isOwed ? addressOf(account) : undefined;
      const userId = address === undefined ? undefined : account?.id;
      return site.inRecovery(async ({ tickets: bound, mail, audit: sink }) => {
        const issued = await tickets.issue(bound, { purpose, userId, address, flow, seconds: linkSeconds });
        const reason = userId === undefined ? 'nobody' : undefined;
        const actor = { type: 'anonymous' } as const;
        await sink.record({ type: 'authn.link.requested', outcome: 'success', actor, subjectId: userId, reason });
        const link = `${site.issuer}/link?ticket=${issued.secret}`;
        const values = { link, code: issued.code, minutes: minutesOf(linkSeconds) };
        const own = account?.claims.locale;
        const language = typeof own === 'string' ? own : locale;
        const letter = { template: 'sign-in-link', locale: language, values, notAfter: issued.expiresAt.toISOString() };
        if (address === undefined) await mail.sendNothing(letter);
        else await mail.send({ ...letter, to: address });
        return { kind: 'asked' as const, flow: issued.flow, shown: issued.shown, expiresAt: issued.expiresAt };
      });
    },

    look: (presented: Presented) => tickets.look(purpose, presented),

    /** Spends the link or the code. A second factor is asked for as after a password (MF-04). */
    signIn: async (presented: Presented, place: SignInPlace): Promise<LinkOutcome> => {
      const outcome = await spent(presented, place);
      const { kind } = outcome;
      attempted(kind);
      if (kind === 'gone' || kind === 'code_wrong' || kind === 'other_browser' || kind === 'refused') {
        const about = { outcome: 'failure', actor: { type: 'anonymous' }, clientId: place.clientId, reason: kind } as const;
        audit.note({ type: 'authn.login.failed', ...about, details: { method: 'link' } });
      }
      return outcome;
    },
  };
};

export type SignInLink = ReturnType<typeof createSignInLink>;
