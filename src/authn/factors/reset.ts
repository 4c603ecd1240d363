import type { Accounts } from '../../identity/index.ts';
import { errors as shared } from '../../platform/errors/index.ts';
import type { AuditSink, InTransaction } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import type { FlowRepository } from '../flows/repository.ts';
import type { RecoveryCodeRepository } from '../recovery-codes/repository.ts';
import type { Notify } from '../totp/service.ts';
import type { TrustedDeviceRepository } from '../trusted/repository.ts';
import type { DeviceRepository } from './repository.ts';

export interface ResetDeps {
  accounts: Pick<Accounts, 'find'>;
  outranks(actorId: string, accountId: string): Promise<boolean>;
  inTransaction: InTransaction<{
    devices: DeviceRepository;
    codes: RecoveryCodeRepository;
    trusted: Pick<TrustedDeviceRepository, 'removeAll'>;
    flows: Pick<FlowRepository, 'endAll'>;
    audit: AuditSink;
    notify: Notify;
    endSessions(accountId: string, cause: string): Promise<void>;
  }>;
}

/**
 * Help desk (MF-09): takes every factor of somebody who has lost them all. Nobody is signed in by it; where a policy asks for a
 * factor, the next sign-in sets one up.
 */
export const createFactorReset =
  ({ accounts, outranks, inTransaction }: ResetDeps) =>
  /** @throws not_found, factor_reset_own, factor_reset_above, no_factor */
  async (accountId: string, { actorId, reason }: { actorId: string; reason: string }): Promise<{ removed: number }> => {
    if (!(await accounts.find(accountId))) throw shared.not_found();
    if (accountId === actorId) throw errors.factor_reset_own();
    // AZ-04: who may not have somebody's rights does not make their account easier to take.
    if (!(await outranks(actorId, accountId))) throw errors.factor_reset_above();
    return inTransaction(async ({ devices, codes, trusted, flows, audit, notify, endSessions }) => {
      await devices.lock(accountId);
      const all = await devices.active(accountId);
      if (all.length === 0) throw errors.no_factor();
      for (const { id } of all) await devices.remove(accountId, id);
      await codes.remove(accountId);
      await trusted.removeAll(accountId);
      await flows.endAll(accountId);
      const actor = { type: 'user', id: actorId } as const;
      const target = { type: 'user', id: accountId };
      const details = { removed: all.length };
      await audit.record({ type: 'mfa.reset', outcome: 'success', actor, subjectId: accountId, target, reason, details });
      await notify(accountId, 'factors_reset');
      await endSessions(accountId, 'factors_reset');
      return details;
    });
  };

export type FactorReset = ReturnType<typeof createFactorReset>;
