import { type Envelope, uuidv7 } from '../../platform/crypto/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Clock, Mailer } from '../../platform/ports.ts';
import { createEndingRepository } from '../endings/repository.ts';
import type { Transaction, TransactionalSinks } from '../ports.ts';
import { type ApprovalRow, createApprovalRepository } from './repository.ts';

/** A client asks a person, who is somewhere else, to sign in there (OpenID CIBA Core 1.0). */
export interface ApprovalRequest {
  accountId: string;
  clientId: string;
  authReqId: string;
  /** As the person knows it. */
  clientName: string;
  bindingMessage: string | undefined;
  scope: string;
  expiresAt: Date;
}

/** One that waits. `authReqId` is for this room only: whoever has it can poll. */
export interface ApprovalView {
  id: string;
  authReqId: string;
  clientId: string;
  bindingMessage: string | undefined;
  scopes: readonly string[];
  createdAt: Date;
  expiresAt: Date;
}

interface ApprovalDeps {
  database: Database;
  clock: Clock;
  envelope: Envelope;
  sinks: Pick<TransactionalSinks, 'audit'>;
  mail(trx: Transaction): Mailer;
  issuer: string;
  /** PROFILE=conformance: its plan leaves dozens of requests unanswered. */
  isUnlimited?: boolean | undefined;
}

/** Nobody is flooded: more than these unanswered ones within the time are refused before the person hears of them. */
const maxWaiting = 5;
const windowSeconds = 600;

const contextOf = (id: string): string => `approval:${id}`;

const viewOf = ({ id, clientId, bindingMessage, scope, createdAt, expiresAt }: ApprovalRow, authReqId: string): ApprovalView => ({
  id,
  authReqId,
  clientId,
  bindingMessage: bindingMessage ?? undefined,
  scopes: scope.split(' ').filter(Boolean),
  createdAt,
  expiresAt,
});

export const createApprovals = ({ database, clock, envelope, sinks, mail, issuer, isUnlimited }: ApprovalDeps) => {
  const before = (now: Date): Date => new Date(now.getTime() - windowSeconds * 1000);

  /** CIBA Core §1: the person is elsewhere, and has to learn that an answer is waited for. */
  const tell = async (trx: Transaction, { accountId, clientName, bindingMessage, expiresAt }: ApprovalRequest): Promise<void> => {
    const reader = await createEndingRepository(trx).readerOf(accountId);
    if (!reader) return;
    const minutes = Math.max(1, Math.round((expiresAt.getTime() - clock.now().getTime()) / 60_000));
    const values = { application: clientName, bindingMessage, link: `${issuer}/approvals`, minutes };
    const notAfter = expiresAt.toISOString();
    await mail(trx).send({ to: reader.address, template: 'approval-requested', locale: reader.locale, values, notAfter });
  };

  return {
    /** @returns the approval's id, or `undefined` when too many wait for this person */
    request: (asked: ApprovalRequest): Promise<string | undefined> =>
      database.transaction(async (trx) => {
        const { accountId, clientId, authReqId, bindingMessage, scope, expiresAt } = asked;
        const now = clock.now();
        const id = uuidv7(now);
        const row: ApprovalRow = {
          id,
          userId: accountId,
          clientId,
          requestSealed: envelope.seal(authReqId, contextOf(id)),
          bindingMessage: bindingMessage ?? null,
          scope,
          createdAt: now,
          expiresAt,
        };
        if (!(await createApprovalRepository(trx).insert(row, isUnlimited ? Number.POSITIVE_INFINITY : maxWaiting, before(now))))
          return undefined;
        await sinks.audit(trx).record({
          type: 'oidc.ciba.requested',
          outcome: 'success',
          actor: { type: 'client', id: clientId },
          subjectId: accountId,
          clientId,
          details: { bindingMessage: bindingMessage ?? '' },
        });
        await tell(trx, asked);
        return id;
      }),

    waiting: async (accountId: string): Promise<ApprovalView[]> => {
      const rows = await createApprovalRepository(database.knex).waiting(accountId, clock.now());
      return rows.map((row) => viewOf(row, envelope.open(row.requestSealed, contextOf(row.id))));
    },

    /** Takes the person's answer, once, inside the caller's transaction. False when there is nothing of theirs to answer. */
    decideIn: async (trx: Transaction, accountId: string, id: string, decision: 'approved' | 'denied'): Promise<boolean> => {
      const row = await createApprovalRepository(trx).decide(accountId, id, decision, clock.now());
      if (!row) return false;
      await sinks.audit(trx).record({
        type: decision === 'approved' ? 'oidc.ciba.approved' : 'oidc.ciba.denied',
        outcome: 'success',
        actor: { type: 'user', id: accountId },
        subjectId: accountId,
        clientId: row.clientId,
      });
      return true;
    },

    sweep: (): Promise<number> => createApprovalRepository(database.knex).sweep(before(clock.now())),
  };
};

export type Approvals = ReturnType<typeof createApprovals>;
