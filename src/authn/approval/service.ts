import type { Actor, AuditSink, Clock, InTransaction, Mailer } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import type { ApprovalRepository, PendingRow } from './repository.ts';

export interface ApprovalUnit {
  approvals: ApprovalRepository;
  audit: AuditSink;
  mail: Mailer;
  /** Whoever cached the account asks again. */
  forget(accountId: string): Promise<void>;
}

export interface ApprovalDeps {
  approvals: ApprovalRepository;
  inTransaction: InTransaction<ApprovalUnit>;
  clock: Clock;
  issuer: string;
}

/** New accounts that wait for somebody to let them in (FEATURES A3). */
export const createRegistrationApproval = ({ approvals, inTransaction, clock, issuer }: ApprovalDeps) => {
  const decide = (
    id: string,
    work: (unit: ApprovalUnit, row: PendingRow) => Promise<boolean>,
    letter: 'registration-approved' | 'registration-rejected',
  ): Promise<void> =>
    inTransaction(async (unit) => {
      const row = await unit.approvals.findPending(id);
      if (!row || !(await work(unit, row))) throw errors.registration_not_pending();
      await unit.forget(id);
      const { email: to, locale } = row;
      if (to !== null) await unit.mail.send({ to, template: letter, locale: locale ?? undefined, values: { link: issuer } });
    });

  return {
    list: (limit: number, after: [string, string] | undefined): Promise<PendingRow[]> => approvals.pending(limit, after),
    /** @throws registration_not_pending */
    approve: (id: string, actor: Actor): Promise<void> =>
      decide(
        id,
        async (unit) => {
          if (!(await unit.approvals.activate(id, clock.now()))) return false;
          await unit.audit.record({ type: 'identity.registration_approved', outcome: 'success', actor, subjectId: id });
          return true;
        },
        'registration-approved',
      ),
    /** The account goes; its address may be used again. @throws registration_not_pending */
    reject: (id: string, actor: Actor): Promise<void> =>
      decide(
        id,
        async (unit) => {
          if (!(await unit.approvals.remove(id))) return false;
          await unit.audit.record({ type: 'identity.registration_rejected', outcome: 'success', actor, subjectId: id });
          return true;
        },
        'registration-rejected',
      ),
  };
};

export type RegistrationApproval = ReturnType<typeof createRegistrationApproval>;
