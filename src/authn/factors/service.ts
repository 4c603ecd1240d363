import type { Level } from '../../platform/assurance/index.ts';
import type { AuditSink, InTransaction } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import type { FactorPolicy } from '../policy/service.ts';
import type { RecoveryCodeRepository } from '../recovery-codes/repository.ts';
import { isRecoveryCode, type RecoveryCodes } from '../recovery-codes/service.ts';
import type { Notify, Totp } from '../totp/service.ts';
import type { TrustedDeviceRepository } from '../trusted/repository.ts';
import type { GuardFactor } from './limits.ts';
import { type FactorMethod, type Proof, type ProofOutcome, proofBy, reaches } from './proof.ts';
import type { DeviceKind, DeviceRepository, DeviceRow } from './repository.ts';

export interface FactorDeps {
  devices: DeviceRepository;
  codes: RecoveryCodeRepository;
  inTransaction: InTransaction<{
    devices: DeviceRepository;
    codes: RecoveryCodeRepository;
    trusted: Pick<TrustedDeviceRepository, 'removeAll'>;
    audit: AuditSink;
    notify: Notify;
  }>;
  policy: Pick<FactorPolicy, 'requirementOf'>;
  checks: { totp: Totp; recoveryCodes: RecoveryCodes };
  guard: GuardFactor;
  /** Enough of a phone number for its owner; whether codes can be sent at all. */
  sending: { hintOf(device: DeviceRow): string | undefined; isOffered(kind: DeviceKind): boolean };
}

/** A device as its owner sees it. */
export interface DeviceView {
  id: string;
  kind: DeviceKind;
  name: string;
  createdAt: string;
  lastUsedAt: string | null;
  /** Phones: the end of the number. */
  hint?: string;
  /** Passkeys: kept by a service on several devices. */
  isBackedUp?: boolean;
}

const viewOf = (
  { id, kind, name, created_at: createdAt, last_used_at: lastUsedAt, is_backed_up: isBackedUp }: DeviceRow,
  hint: string | undefined,
): DeviceView => ({
  id,
  kind,
  name,
  createdAt: createdAt.toISOString(),
  lastUsedAt: lastUsedAt?.toISOString() ?? null,
  ...(hint === undefined ? {} : { hint }),
  ...(kind === 'webauthn' ? { isBackedUp: isBackedUp === true } : {}),
});

type Which = { id: string } | { kind: DeviceKind };

const chosenBy =
  (which: Which) =>
  (device: DeviceRow): boolean =>
    'id' in which ? device.id === which.id : device.kind === which.kind;

/** The order in which a person is asked: the strongest first, recovery codes last. */
const order: readonly FactorMethod[] = ['webauthn', 'totp', 'sms', 'email', 'recovery'];

/** Second factors of an account as a whole: which there are, proof by a typed code, removal (FEATURES A6, MF-05, MF-09). */
export const createFactors = ({ devices, codes, inTransaction, policy, checks, guard, sending }: FactorDeps) => {
  const actorOf = (id: string) => ({ type: 'user', id }) as const;

  const drop = async (
    { store, audit }: { store: DeviceRepository; audit: AuditSink },
    accountId: string,
    gone: readonly DeviceRow[],
  ): Promise<void> => {
    for (const { id, kind } of gone) {
      await store.remove(accountId, id);
      const about = { outcome: 'success', actor: actorOf(accountId), subjectId: accountId } as const;
      await audit.record({ type: 'mfa.device_removed', ...about, target: { type: 'mfa_device', id }, details: { kind } });
    }
  };

  return {
    list: async (accountId: string): Promise<{ devices: DeviceView[]; recoveryCodesLeft: number }> => ({
      devices: (await devices.active(accountId)).map((device) => viewOf(device, sending.hintOf(device))),
      recoveryCodesLeft: await codes.left(accountId),
    }),

    /** What the account can be asked for; empty where it has no second factor. */
    methodsOf: async (accountId: string): Promise<FactorMethod[]> => {
      const kinds = new Set<FactorMethod>((await devices.active(accountId)).map(({ kind }) => kind).filter(sending.isOffered));
      if (kinds.size > 0 && (await codes.left(accountId)) > 0) kinds.add('recovery');
      return order.filter((method) => kinds.has(method));
    },

    /** How strong a sign-in must be to change the factors there are: as strong as they make it (MF-05). */
    neededLevel: async (accountId: string): Promise<Level> =>
      (await devices.active(accountId)).some(({ kind }) => reaches(kind, 2)) ? 2 : 1,

    /** A code of an authenticator app, a recovery code, or one that was sent. @param checkSent where one was sent */
    proveByCode: (accountId: string, typed: string, checkSent?: () => Promise<Proof | undefined>): Promise<ProofOutcome> => {
      const isRecovery = isRecoveryCode(typed);
      return guard(accountId, isRecovery ? 'recovery' : checkSent ? 'sent' : 'totp', async () => {
        if (!isRecovery) return (await checkSent?.()) ?? checks.totp.check(accountId, typed);
        return (await checks.recoveryCodes.spend(codes, accountId, typed)) ? proofBy('recovery') : undefined;
      });
    },

    rename: async (accountId: string, deviceId: string, name: string): Promise<void> => {
      if (!(await devices.rename(accountId, deviceId, name))) throw errors.factor_device_not_found();
    },

    /**
     * Removes devices; remembered devices go with them, recovery codes with the last one.
     * @param which one device, or all of a kind
     * @throws factor_device_not_found, factor_is_last (MF-09)
     */
    remove: async (accountId: string, which: Which): Promise<void> => {
      const isRequired = (await policy.requirementOf(accountId, undefined)) === 'required';
      await inTransaction(async ({ devices: store, codes: recovery, trusted, audit, notify }) => {
        await store.lock(accountId);
        const all = await store.active(accountId);
        const gone = all.filter(chosenBy(which));
        if (gone.length === 0) throw errors.factor_device_not_found();
        const isLast = gone.length === all.length;
        if (isLast && isRequired) throw errors.factor_is_last();
        await drop({ store, audit }, accountId, gone);
        if (isLast) await recovery.remove(accountId);
        // What a device stood for is not all there any more.
        await trusted.removeAll(accountId);
        await notify(accountId, 'factor_removed');
      });
    },

    /** MF-06: ten new codes; the old ones are worthless. @throws no_factor */
    regenerateRecoveryCodes: (accountId: string): Promise<readonly string[]> =>
      inTransaction(async ({ devices: store, codes: recovery, audit, notify }) => {
        await store.lock(accountId);
        if ((await store.active(accountId)).length === 0) throw errors.no_factor();
        const made = await checks.recoveryCodes.replace(recovery, accountId);
        const about = { outcome: 'success', actor: actorOf(accountId), subjectId: accountId } as const;
        await audit.record({ type: 'mfa.recovery_codes_made', ...about });
        await notify(accountId, 'recovery_codes_made');
        return made;
      }),
  };
};

export type Factors = ReturnType<typeof createFactors>;
