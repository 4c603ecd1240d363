import { type Accounts, canonicalIdentifier, isEmailAddress } from '../../identity/index.ts';
import { uuidv7 } from '../../platform/crypto/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { type Asked, type Asker, type AskOutcome, type InRecovery, minutesOf, type RecoveryUnit } from '../recovery/unit.ts';
import type { Presented, Tickets } from '../tickets/service.ts';
import type { Throttle } from '../tickets/throttle.ts';
import type { EmailChangeRow } from './repository.ts';

const ticketSeconds = 30 * 60;
/** RS-07. */
const undoSeconds = 7 * 86_400;

export type ChangeEnd = 'old' | 'new';

export type ChangeOutcome =
  | { kind: 'applied' }
  /** The other end is still to confirm. */
  | { kind: 'waiting'; for: ChangeEnd }
  | { kind: 'gone' | 'code_needed' | 'code_wrong' };

/** A verified address of the person's own, and the one that is to agree. */
export interface Promotion {
  value: string;
  canonical: string;
  oldValue: string;
  isOldVerified: boolean;
}

const addressAt = (change: EmailChangeRow, end: ChangeEnd): string => (end === 'old' ? change.old_value : change.new_value);

export interface EmailChangeDeps {
  accounts: Pick<Accounts, 'find' | 'idOf'>;
  tickets: Tickets;
  throttle: Throttle;
  clock: Clock;
  site: { issuer: string; inRecovery: InRecovery };
}

/** A change of address is confirmed at both ends, and the old one can undo it (RS-07, RS-08). */
export const createEmailChange = ({ accounts, tickets, throttle, clock, site }: EmailChangeDeps) => {
  const { issuer, inRecovery } = site;

  /** A letter to one end, which confirms that end of this change and nothing else (RS-08). */
  const ask = async (
    unit: RecoveryUnit,
    change: EmailChangeRow,
    end: ChangeEnd,
    asker: Asker & { shown?: string },
    isOwed: boolean,
  ) => {
    const purpose = `email-${end}` as const;
    const address = addressAt(change, end);
    const wish = {
      userId: change.user_id,
      address,
      subjectId: change.id,
      flow: asker.flow,
      shown: asker.shown,
      seconds: ticketSeconds,
    };
    const issued = await tickets.issue(unit.tickets, { ...wish, purpose });
    const values = {
      link: `${issuer}/verify?for=${purpose}&ticket=${issued.secret}`,
      code: issued.code,
      minutes: minutesOf(ticketSeconds),
      address: change.new_value,
    };
    const letter = { template: `email-change-${end}`, locale: asker.locale, values, notAfter: issued.expiresAt.toISOString() };
    if (isOwed) await unit.mail.send({ ...letter, to: address });
    else await unit.mail.sendNothing(letter);
    return issued;
  };

  /** RS-07: the old address learns of it, and can take it back. */
  const tellOld = async (unit: RecoveryUnit, change: EmailChangeRow, undoUntil: Date): Promise<void> => {
    const { id: subjectId, user_id: userId, old_value: to, new_value: address } = change;
    const issued = await tickets.issue(unit.tickets, {
      purpose: 'email-undo',
      userId,
      address: to,
      subjectId,
      seconds: undoSeconds,
    });
    const values = { link: `${issuer}/verify?for=email-undo&ticket=${issued.secret}`, address, isKept: change.keeps_old };
    await unit.mail.send({ to, template: 'email-changed', values, notAfter: undoUntil.toISOString() });
  };

  const apply = async (unit: RecoveryUnit, change: EmailChangeRow, now: Date): Promise<boolean> => {
    const { id, user_id: userId, old_value: oldValue, new_value: value, new_canonical: canonical } = change;
    const undoUntil = new Date(now.getTime() + undoSeconds * 1000);
    if (!(await unit.changes.apply(id, now, undoUntil))) return false;
    const isSet = change.keeps_old
      ? await unit.identifiers.promote(userId, 'email', canonical)
      : await unit.addresses.replace(userId, { id: uuidv7(now), value, canonical, verified_at: now }, now);
    if (!isSet) throw new AddressTaken();
    // RS-03: what was mailed to the old address for other purposes is worthless now.
    await unit.tickets.endAll(userId, ['reset-password', 'verify-email', 'sign-in', 'sign-in-link', 'unlock'], now);
    if (oldValue !== '') await tellOld(unit, change, undoUntil);
    const actor = { type: 'user', id: userId } as const;
    await unit.audit.record({ type: 'identity.email_changed', outcome: 'success', actor, subjectId: userId });
    return true;
  };

  const waitsFor = (change: EmailChangeRow): ChangeEnd | undefined => {
    if (change.old_confirmed_at === null) return 'old';
    return change.new_confirmed_at === null ? 'new' : undefined;
  };

  /** RS-08: the proof is for the address it was mailed to, in the change it was made for. */
  const confirmIn = async (
    unit: RecoveryUnit,
    end: ChangeEnd,
    ticket: { id: string; changeId: string; address: string | null },
  ): Promise<ChangeOutcome> => {
    const now = clock.now();
    if (!(await unit.tickets.spend(ticket.id, now))) return { kind: 'gone' };
    const change = await unit.changes.confirm(ticket.changeId, end, now);
    if (!change || addressAt(change, end) !== ticket.address) return { kind: 'gone' };
    const other = waitsFor(change);
    if (other) return { kind: 'waiting', for: other };
    return { kind: (await apply(unit, change, now)) ? 'applied' : 'gone' };
  };

  return {
    /** @param accountId who signed in recently (RS-07): the caller sees to that */
    start: async (accountId: string, typed: string, asker: Asker): Promise<AskOutcome | { kind: 'invalid' }> => {
      const newValue = typed.normalize('NFKC').trim();
      const account = await accounts.find(accountId);
      if (!isEmailAddress(newValue) || !account) return { kind: 'invalid' };
      // Who came by another provider may have none yet: then nobody else is to be asked.
      const oldValue = typeof account.claims.email === 'string' ? account.claims.email : '';
      const canonical = canonicalIdentifier(newValue);
      const ownerId = await accounts.idOf(newValue);
      // One of the person's own is made the primary one instead.
      if (canonical === canonicalIdentifier(oldValue) || ownerId === accountId) return { kind: 'invalid' };
      const until = await throttle.networkStop(asker.ip);
      if (until) return { kind: 'limited', until };
      // A taken address gets no code, and nobody is told that it is taken: counted all the same (PW-05).
      const mayMail = await throttle.mayMail(canonical);
      const isFree = ownerId === undefined && mayMail;
      return inRecovery(async (unit) => {
        const now = clock.now();
        await unit.changes.endWaiting(accountId, now);
        const change: EmailChangeRow = {
          id: uuidv7(now),
          user_id: accountId,
          old_value: oldValue,
          new_value: newValue,
          new_canonical: canonical,
          // An address that was never confirmed has no owner who could be asked; it is told all the same.
          old_confirmed_at: account.claims.email_verified === true ? null : now,
          new_confirmed_at: null,
          created_at: now,
          expires_at: new Date(now.getTime() + ticketSeconds * 1000),
          keeps_old: false,
        };
        await unit.changes.insert(change);
        const first = await ask(unit, change, 'new', asker, isFree);
        if (oldValue !== '') await ask(unit, change, 'old', { ...asker, flow: first.flow, shown: first.shown }, true);
        return { kind: 'asked' as const, flow: first.flow, shown: first.shown, expiresAt: first.expiresAt };
      });
    },

    /** A verified address of the person becomes the primary one, once the primary one of today agrees (RS-07). */
    promote: async (unit: RecoveryUnit, accountId: string, next: Promotion, asker: Asker): Promise<Asked | undefined> => {
      const now = clock.now();
      await unit.changes.endWaiting(accountId, now);
      const change: EmailChangeRow = {
        id: uuidv7(now),
        user_id: accountId,
        old_value: next.oldValue,
        new_value: next.value,
        new_canonical: next.canonical,
        old_confirmed_at: next.isOldVerified ? null : now,
        new_confirmed_at: now,
        created_at: now,
        expires_at: new Date(now.getTime() + ticketSeconds * 1000),
        keeps_old: true,
      };
      await unit.changes.insert(change);
      if (!next.isOldVerified) return void (await apply(unit, change, now));
      const { flow, shown, expiresAt } = await ask(unit, change, 'old', asker, true);
      return { kind: 'asked', flow, shown, expiresAt };
    },

    look: (end: ChangeEnd | 'undo', presented: Presented) => tickets.look(`email-${end}`, presented),

    confirm: async (end: ChangeEnd, presented: Presented): Promise<ChangeOutcome> => {
      const proven = await tickets.prove(`email-${end}`, presented);
      if (proven.kind !== 'proven') return proven;
      const { id, subject_id: changeId, address } = proven.ticket;
      const work =
        changeId === null
          ? Promise.resolve({ kind: 'gone' } as const)
          : inRecovery((unit) => confirmIn(unit, end, { id, changeId, address }));
      return work.catch((error: unknown): ChangeOutcome => {
        if (error instanceof AddressTaken) return { kind: 'gone' };
        throw error;
      });
    },

    /** The old end was not asked, or was deceived: the address comes back and every session ends (RS-07). */
    undo: async (presented: Presented): Promise<{ kind: 'undone' | 'gone' }> => {
      // Whoever undoes did not ask for the change: holding the mail to the old address is all there is.
      const ticket = await tickets.held('email-undo', presented.secret);
      if (!ticket?.subject_id) return { kind: 'gone' };
      const { id, subject_id: changeId } = ticket;
      return inRecovery(async (unit) => {
        const now = clock.now();
        if (!(await unit.tickets.spend(id, now))) return { kind: 'gone' as const };
        const change = await unit.changes.undo(changeId, now);
        if (!change) return { kind: 'gone' as const };
        const { user_id: userId, old_value: oldValue, new_canonical: canonical } = change;
        await unit.endSessions(userId, 'email_change_undone');
        await unit.addresses.restore(userId, oldValue, { newCanonical: canonical, at: change.created_at });
        await unit.devices.forgetAll(userId);
        const actor = { type: 'user', id: userId } as const;
        await unit.audit.record({ type: 'identity.email_change_undone', outcome: 'success', actor, subjectId: userId });
        return { kind: 'undone' as const };
      });
    },

    /** Lets go of old addresses whose time to undo is over. @returns how many */
    settle: (): Promise<number> =>
      inRecovery(async ({ changes, addresses }) => {
        const due = await changes.settle(clock.now(), 200);
        for (const { user_id: userId, old_value: oldValue } of due) await addresses.release(userId, oldValue);
        return due.length;
      }),
  };
};

/** Somebody else took the address between the mail and its confirmation. */
class AddressTaken extends Error {}

export type EmailChange = ReturnType<typeof createEmailChange>;
