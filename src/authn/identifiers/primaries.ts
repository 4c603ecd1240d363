import type { Account, Identifier } from '../../identity/index.ts';
import { errors } from '../errors.ts';
import type { Asked, Asker, AskOutcome, RecoveryUnit } from '../recovery/unit.ts';
import type { Presented } from '../tickets/service.ts';
import type { IdentifierDeps } from './deps.ts';
import type { IdentifierLetters } from './letters.ts';

export type PromoteOutcome = AskOutcome | { kind: 'primary' };

export interface PrimaryDeps extends IdentifierDeps {
  letters: IdentifierLetters;
  /** @throws identifier_not_found */
  accountOf(accountId: string): Promise<Account>;
}

/** Which of a person's identifiers is the primary one of its kind, and which go (RS-07: the primary one of today agrees to the next). */
export const createPrimaries = ({ identifiers, tickets, throttle, clock, site, letters, accountOf }: PrimaryDeps) => {
  const { inRecovery } = site;

  const ownOf = async (accountId: string, id: string): Promise<Identifier> => {
    const row = await identifiers.find(accountId, id);
    if (!row) throw errors.identifier_not_found();
    return row;
  };

  const set = async (unit: RecoveryUnit, account: Account, next: Identifier, old?: Identifier): Promise<boolean> => {
    const { type, value, canonical } = next;
    if (!(await unit.identifiers.promote(account.id, type, canonical))) return false;
    const about = { outcome: 'success', actor: { type: 'user', id: account.id }, subjectId: account.id } as const;
    await unit.audit.record({ type: 'identity.identifier_made_primary', ...about, details: { type } });
    const undo = old && (await letters.offerUndo(unit, account, { value: old.value, changedId: next.id }));
    await letters.tell(unit, account, { change: 'primary', type, value, undo });
    return true;
  };

  const askOld = async (account: Account, next: Identifier, old: Identifier, asker: Asker): Promise<PromoteOutcome> => {
    const until = (await throttle.networkStop(asker.ip)) ?? (await throttle.accountStop(account.id));
    if (until) return { kind: 'limited', until };
    const isOldVerified = old.verified_at !== null;
    if (next.type === 'phone' && !isOldVerified) return inRecovery((unit) => promoted(unit, account, next));
    const { value, canonical } = next;
    const isOwed = next.type === 'email' || (await throttle.mayMail(old.canonical));
    const asked = await inRecovery(async (unit): Promise<Asked | undefined> => {
      if (next.type === 'email') {
        return site.startPromotion(unit, account.id, { value, canonical, oldValue: old.value, isOldVerified }, asker);
      }
      const proof = { accountId: account.id, address: old.value, isOwed };
      const { flow, shown, expiresAt } = await letters.provePhone(unit, proof, asker, next.id);
      return { kind: 'asked', flow, shown, expiresAt };
    });
    return asked ?? { kind: 'primary' };
  };

  const promoted = async (unit: RecoveryUnit, account: Account, next: Identifier): Promise<PromoteOutcome> => {
    if (!(await set(unit, account, next))) throw errors.identifier_not_found();
    return { kind: 'primary' };
  };

  /** RS-07: whoever changed the primary one does not cut off the way back. */
  const mayUndo = (
    { changes, tickets: sent }: RecoveryUnit,
    accountId: string,
    { type, value }: Identifier,
  ): Promise<boolean> => {
    if (type === 'email') return changes.mayUndo(accountId, value, clock.now());
    return sent.isOpen(accountId, 'phone-undo', value, clock.now());
  };

  /** @throws identifier_is_primary, identifier_is_last, identifier_held */
  const requireRemovable = async (unit: RecoveryUnit, accountId: string, row: Identifier): Promise<void> => {
    const all = await unit.identifiers.list(accountId);
    const isAlone = !all.some((one) => one.type === row.type && one.id !== row.id);
    if (row.is_primary && (row.type === 'email' || !isAlone)) throw errors.identifier_is_primary();
    if (row.login_allowed && !all.some((one) => one.login_allowed && one.id !== row.id)) throw errors.identifier_is_last();
    if (await mayUndo(unit, accountId, row)) throw errors.identifier_held();
  };

  return {
    /**
     * @param accountId who signed in recently (RS-07): the caller sees to that
     * @throws identifier_not_found, also for one that was never confirmed
     */
    makePrimary: async (accountId: string, id: string, asker: Asker): Promise<PromoteOutcome> => {
      const account = await accountOf(accountId);
      const next = await ownOf(accountId, id);
      if (next.is_primary) return { kind: 'primary' };
      if (next.verified_at === null) throw errors.identifier_not_found();
      const old = (await identifiers.list(accountId)).find((one) => one.type === next.type && one.is_primary);
      return old ? askOld(account, next, old, asker) : inRecovery((unit) => promoted(unit, account, next));
    },

    /** The code that came to the primary number of today. */
    confirmPrimaryPhone: async (
      accountId: string,
      presented: Presented,
    ): Promise<{ kind: 'primary' | 'gone' | 'code_needed' | 'code_wrong' }> => {
      const proof = await tickets.prove('phone-old', presented);
      if (proof.kind !== 'proven') return proof;
      const { id, user_id: ownerId, subject_id: nextId, address } = proof.ticket;
      if (ownerId !== accountId) return { kind: 'gone' };
      const account = await accountOf(accountId);
      return inRecovery(async (unit) => {
        await unit.identifiers.hold(accountId);
        const phones = (await unit.identifiers.list(accountId)).filter(({ type }) => type === 'phone');
        const next = phones.find((one) => one.id === nextId);
        // RS-08: the word of a number that is the primary one no more is worth nothing.
        const old = phones.find((one) => one.is_primary && one.value === address);
        const isDone = next && old && (await unit.tickets.spend(id, clock.now())) && (await set(unit, account, next, old));
        return { kind: isDone ? 'primary' : 'gone' };
      });
    },

    /**
     * @param accountId who signed in recently: the caller sees to that
     * @throws identifier_not_found, identifier_is_primary, identifier_is_last, identifier_held
     */
    remove: async (accountId: string, id: string): Promise<void> => {
      const account = await accountOf(accountId);
      await inRecovery(async (unit) => {
        await unit.identifiers.hold(accountId);
        const row = await unit.identifiers.find(accountId, id);
        if (!row) throw errors.identifier_not_found();
        await requireRemovable(unit, accountId, row);
        await unit.identifiers.remove(accountId, id);
        const { type, value } = row;
        const about = { outcome: 'success', actor: { type: 'user', id: accountId }, subjectId: accountId } as const;
        await unit.audit.record({ type: 'identity.identifier_removed', ...about, details: { type } });
        const isProven = row.verified_at !== null;
        const isOffered = isProven && type === 'phone' && row.is_primary;
        const undo = isOffered ? await letters.offerUndo(unit, account, { value, changedId: id }) : undefined;
        await letters.tell(unit, account, { change: 'removed', type, value, undo }, type === 'email' && isProven ? [value] : []);
      });
    },
  };
};
