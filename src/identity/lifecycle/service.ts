import type { Database, TenantScope } from '../../platform/db/index.ts';
import type { Actor, AuditSink, Clock } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import { createLifecycleRepository } from './repository.ts';

type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

/** Who changes an account, and in which organizations they may. */
export interface LifecycleCaller {
  actor: Actor;
  scope: TenantScope;
}

export interface LifecycleDeps {
  database: Database;
  clock: Clock;
  audit(trx: Transaction): AuditSink;
  /** Sessions, grants, tokens and codes end in the transaction (TK-05). Supplied by `oidc`. */
  end(trx: Transaction, userId: string, ending: { cause: string; actor: Actor }): Promise<void>;
  /**
   * Judges what the change gives and takes, and makes caches forget. Supplied by `authz`.
   * @throws grant_not_yours, last_super_admin
   */
  change(trx: Transaction, caller: LifecycleCaller, userId: string, run: () => Promise<void>): Promise<void>;
}

/** The end of an account, and its return (FEATURES I7). The one place that sets these statuses. */
export const createLifecycle = ({ database, clock, audit, end, change }: LifecycleDeps) => {
  const set = (
    userId: string,
    caller: LifecycleCaller,
    { from, to }: { from: readonly string[]; to: 'active' | 'deactivated' },
    along: (trx: Transaction) => Promise<void>,
  ): Promise<void> =>
    database.transaction(async (trx) => {
      await change(trx, caller, userId, async () => {
        const accounts = createLifecycleRepository(trx);
        const status = await accounts.statusOf(userId);
        if (status === undefined || status === 'deleted') throw errors.account_not_found();
        if (!from.includes(status)) throw errors.account_status({ detail: `The account is ${status}` });
        await accounts.setStatus(userId, to, clock.now());
        await along(trx);
      });
    });

  return {
    /** Every session, token and code of the account ends at once, on every replica. @throws account_not_found, account_status */
    deactivate: (userId: string, caller: LifecycleCaller, reason?: string): Promise<void> =>
      // One that waits for approval is rejected instead (A3): a return would be the approval that somebody else has to give.
      set(userId, caller, { from: ['active', 'locked'], to: 'deactivated' }, async (trx) => {
        const { actor } = caller;
        await end(trx, userId, { cause: 'deactivated', actor });
        await audit(trx).record({ type: 'identity.user_deactivated', outcome: 'success', actor, subjectId: userId, reason });
      }),
    /** Revives no session and no token (TK-05). @throws account_not_found, account_status */
    reactivate: (userId: string, caller: LifecycleCaller, reason?: string): Promise<void> =>
      set(userId, caller, { from: ['deactivated'], to: 'active' }, (trx) =>
        audit(trx).record({
          type: 'identity.user_reactivated',
          outcome: 'success',
          actor: caller.actor,
          subjectId: userId,
          reason,
        }),
      ),
  };
};

export type Lifecycle = ReturnType<typeof createLifecycle>;
