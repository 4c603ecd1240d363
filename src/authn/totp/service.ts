import QRCode from 'qrcode';
import { type Envelope, uuidv7 } from '../../platform/crypto/index.ts';
import type { AuditSink, Clock, InTransaction } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import type { GuardFactor } from '../factors/limits.ts';
import { type Proof, proofBy } from '../factors/proof.ts';
import type { DeviceRepository, DeviceRow } from '../factors/repository.ts';
import { factorContext } from '../factors/sealed.ts';
import type { RecoveryCodeRepository } from '../recovery-codes/repository.ts';
import type { RecoveryCodes } from '../recovery-codes/service.ts';
import { keyUri, makeSecret, matchingStep, readCode } from './arithmetic.ts';

/** Devices of one kind a person may have. */
const maxDevices = 10;

export interface TotpDeps {
  devices: DeviceRepository;
  inTransaction: InTransaction<{ devices: DeviceRepository; codes: RecoveryCodeRepository; audit: AuditSink; notify: Notify }>;
  recoveryCodes: RecoveryCodes;
  guard: GuardFactor;
  envelope: Pick<Envelope, 'seal' | 'open'>;
  surroundings: { clock: Clock; issuer: string; nameOf(accountId: string): Promise<string> };
}

export type Notice =
  | 'factor_added'
  | 'factor_removed'
  | 'recovery_codes_made'
  | 'factors_locked'
  | 'factors_reset'
  | 'sign_in_refused';

/** A security notice to the person, in the transaction of what it tells of. */
export type Notify = (accountId: string, notice: Notice) => Promise<void>;

export interface Enrolment {
  deviceId: string;
  /** Base32. */
  secret: string;
  otpauthUrl: string;
  /** Drawn here: the key goes to nobody else. */
  qrSvg: string;
}

/** Authenticator apps (FEATURES A6). */
export const createTotp = ({ devices, inTransaction, recoveryCodes, guard, envelope, surroundings }: TotpDeps) => {
  const { clock, issuer, nameOf } = surroundings;
  const secretOf = ({ id, secret_sealed: sealed }: DeviceRow): string => envelope.open(sealed ?? '', factorContext(id));

  const shown = async (accountId: string, deviceId: string, secret: string): Promise<Enrolment> => {
    const otpauthUrl = keyUri({ secret, issuer: new URL(issuer).host, account: await nameOf(accountId) });
    const qrSvg = await QRCode.toString(otpauthUrl, { type: 'svg', errorCorrectionLevel: 'M', margin: 4 });
    return { deviceId, secret, otpauthUrl, qrSvg: qrSvg.trim() };
  };

  const spend = async (device: DeviceRow, code: string): Promise<boolean> => {
    const now = clock.now();
    const last = device.last_step === null ? undefined : Number(device.last_step);
    const step = matchingStep(secretOf(device), code, now, last);
    return step !== undefined && devices.spendStep(device.id, step, now);
  };

  return {
    /** A key that waits to be confirmed; one that waited before is replaced, what is active stays. @throws factor_limit_reached */
    enable: async (accountId: string, name = ''): Promise<Enrolment> => {
      const active = (await devices.active(accountId)).filter(({ kind }) => kind === 'totp');
      if (active.length >= maxDevices) throw errors.factor_limit_reached();
      const now = clock.now();
      const id = uuidv7(now);
      const secret = makeSecret();
      const sealed = envelope.seal(secret, factorContext(id));
      const device = { id, user_id: accountId, kind: 'totp', name, state: 'pending', secret_sealed: sealed } as const;
      await inTransaction(async ({ devices: store }) => {
        await store.lock(accountId);
        await store.insert(device, now);
      });
      return shown(accountId, id, secret);
    },

    /** The key that waits, shown again: a page that is loaded anew must not make the scanned one worthless. */
    pending: async (accountId: string): Promise<Enrolment | undefined> => {
      const device = await devices.pending(accountId, 'totp');
      return device && shown(accountId, device.id, secretOf(device));
    },

    /**
     * Confirms a key by its first code, which is spent by that.
     * @returns ten new recovery codes
     * @throws factor_device_not_found, factor_not_pending
     */
    verify: async (accountId: string, deviceId: string, typed: string) => {
      const device = await devices.find(accountId, deviceId);
      if (device?.kind !== 'totp') throw errors.factor_device_not_found();
      if (device.state !== 'pending') throw errors.factor_not_pending();
      const code = readCode(typed);
      const outcome = await guard(accountId, 'totp', async () => {
        const step = code && matchingStep(secretOf(device), code, clock.now(), undefined);
        return step ? { ...proofBy('totp'), step } : undefined;
      });
      if (outcome.kind !== 'proven') return outcome;
      const { step } = outcome.proof as Proof & { step: number };
      return inTransaction(async ({ devices: store, codes, audit, notify }) => {
        await store.lock(accountId);
        if (!(await store.activate(deviceId, step, clock.now()))) throw errors.factor_not_pending();
        const made = await recoveryCodes.replace(codes, accountId);
        const actor = { type: 'user', id: accountId } as const;
        const target = { type: 'mfa_device', id: deviceId };
        const about = { outcome: 'success', actor, subjectId: accountId } as const;
        await audit.record({ type: 'mfa.device_added', ...about, target, details: { kind: 'totp' } });
        await audit.record({ type: 'mfa.recovery_codes_made', ...about });
        await notify(accountId, 'factor_added');
        return { kind: 'verified' as const, recoveryCodes: made, proof: proofBy('totp') };
      });
    },

    /** MF-01: a time step is accepted once a device, only forward; the row decides, so that replicas agree. */
    check: async (accountId: string, typed: string): Promise<Proof | undefined> => {
      const code = readCode(typed);
      if (code === undefined) return undefined;
      const apps = (await devices.active(accountId)).filter(({ kind }) => kind === 'totp');
      for (const app of apps) if (await spend(app, code)) return proofBy('totp');
      return undefined;
    },
  };
};

export type Totp = ReturnType<typeof createTotp>;
