import { type Envelope, uuidv7 } from '../../platform/crypto/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { Transaction, TransactionalSinks } from '../ports.ts';
import { type ApprovalRow, createApprovalRepository } from './repository.ts';

/** A client asks a person, who is somewhere else, to sign in there (OpenID CIBA Core 1.0). */
export interface ApprovalRequest {
  accountId: string;
  clientId: string;
  authReqId: string;
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
}

/** Nobody is flooded: more than these at a time are refused before the person hears of them. */
const maxWaiting = 5;

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

export const createApprovals = ({ database, clock, envelope, sinks }: ApprovalDeps) => ({
  /** @returns the approval's id, or `undefined` when too many wait for this person */
  request: ({ accountId, clientId, authReqId, bindingMessage, scope, expiresAt }: ApprovalRequest): Promise<string | undefined> =>
    database.transaction(async (trx) => {
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
      if (!(await createApprovalRepository(trx).insert(row, maxWaiting))) return undefined;
      await sinks.audit(trx).record({
        type: 'oidc.ciba.requested',
        outcome: 'success',
        actor: { type: 'client', id: clientId },
        subjectId: accountId,
        clientId,
        details: { bindingMessage: bindingMessage ?? '' },
      });
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

  sweep: (): Promise<number> => createApprovalRepository(database.knex).sweep(clock.now()),
});

export type Approvals = ReturnType<typeof createApprovals>;
