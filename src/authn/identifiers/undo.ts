import type { Clock } from '../../platform/ports.ts';
import type { InRecovery } from '../recovery/unit.ts';
import type { Presented, Tickets } from '../tickets/service.ts';

export interface PhoneUndoDeps {
  tickets: Tickets;
  clock: Clock;
  site: { inRecovery: InRecovery };
}

/** Somebody else has the number by now: nothing of the undoing may stay. */
class NumberTaken extends Error {}

const orGone = (error: unknown): { kind: 'gone' } => {
  if (error instanceof NumberTaken) return { kind: 'gone' };
  throw error;
};

/** Of a primary number that was replaced or removed: it comes back, and every session ends (RS-07). */
export const createPhoneUndo = ({ tickets, clock, site }: PhoneUndoDeps) => ({
  lookUndo: (presented: Presented) => tickets.look('phone-undo', presented),
  /** Whoever undoes did not ask for the change: holding the message to the old number is all there is. */
  undoPhone: async ({ secret }: Presented): Promise<{ kind: 'phone-undone' | 'gone' }> => {
    const ticket = await tickets.held('phone-undo', secret);
    const { user_id: userId, address, subject_id: newId } = ticket ?? {};
    if (!ticket || !userId || !address || !newId) return { kind: 'gone' };
    const undo = site.inRecovery(async (unit) => {
      await unit.endSessions(userId, 'phone_change_undone');
      if (!(await unit.tickets.spend(ticket.id, clock.now()))) return { kind: 'gone' as const };
      const since = { newId, at: ticket.created_at };
      if (!(await unit.identifiers.restorePhone(userId, address, since))) throw new NumberTaken();
      await unit.devices.forgetAll(userId);
      const actor = { type: 'user', id: userId } as const;
      await unit.audit.record({ type: 'identity.phone_change_undone', outcome: 'success', actor, subjectId: userId });
      return { kind: 'phone-undone' as const };
    });
    return undo.catch(orGone);
  },
});
