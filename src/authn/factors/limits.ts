import type { AuditBuffer, Clock } from '../../platform/ports.ts';
import type { Limits } from '../password/limits.ts';
import type { FailureRepository } from '../password/repository.ts';
import type { Proof, ProofOutcome } from './proof.ts';

/** MF-02: failures of all second factors of an account together, in the window that passwords have. */
export const factorLimit = 5;
const toldWindowSeconds = 15 * 60;

export interface FactorLimitDeps {
  limits: Limits;
  failures: Pick<FailureRepository, 'count'>;
  clock: Clock;
  audit: AuditBuffer;
  /** Tells the person that somebody who knows the password fails at the factor. */
  told(accountId: string): Promise<void>;
  attempted(method: string, outcome: string): void;
}

/** Counts a try at any second factor before it is checked; a success clears the count, a new first factor does not. */
export const createFactorLimit = ({ limits, failures, clock, audit, told, attempted }: FactorLimitDeps) => {
  const tellOnce = async (accountId: string): Promise<void> => {
    const key = `factors-told:${accountId}`;
    const { count } = await failures.count({ key, now: clock.now(), windowSeconds: toldWindowSeconds, limit: 1 });
    if (count > 1) return;
    const actor = { type: 'anonymous' } as const;
    const details = { scope: 'factors' };
    audit.note({ type: 'authn.locked', outcome: 'denied', actor, subjectId: accountId, reason: 'too_many_failures', details });
    await told(accountId);
  };

  const note = (accountId: string, method: string, outcome: ProofOutcome['kind']): void => {
    attempted(method, outcome);
    const actor = { type: 'user', id: accountId } as const;
    const about = { actor, subjectId: accountId, details: { method } };
    if (outcome === 'proven') audit.note({ type: 'authn.challenge.succeeded', outcome: 'success', ...about });
    else audit.note({ type: 'authn.challenge.failed', outcome: 'failure', reason: outcome, ...about });
  };

  return async (accountId: string, method: string, check: () => Promise<Proof | undefined>): Promise<ProofOutcome> => {
    const guarded = await limits(`factors:${accountId}`, '', check);
    if (guarded.kind === 'locked') {
      note(accountId, method, 'locked');
      await tellOnce(accountId);
      return guarded;
    }
    const outcome: ProofOutcome = guarded.result ? { kind: 'proven', proof: guarded.result } : { kind: 'refused' };
    note(accountId, guarded.result?.method ?? method, outcome.kind);
    return outcome;
  };
};

export type GuardFactor = ReturnType<typeof createFactorLimit>;
