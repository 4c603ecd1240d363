import { phoneNumberOf } from '../../identity/index.ts';
import { type Envelope, sha256, uuidv7 } from '../../platform/crypto/index.ts';
import type { AuditSink, Clock, InTransaction } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import type { GuardFactor } from '../factors/limits.ts';
import { proofBy } from '../factors/proof.ts';
import type { DeviceRepository } from '../factors/repository.ts';
import { factorContext } from '../factors/sealed.ts';
import type { FlowRepository } from '../flows/repository.ts';
import type { RecoveryCodeRepository } from '../recovery-codes/repository.ts';
import type { RecoveryCodes } from '../recovery-codes/service.ts';
import type { Notify } from '../totp/service.ts';
import { type CodeAddresses, hintOf, type SentMethod } from './addresses.ts';
import type { CodeUnit, createSentCodes, SendOutcome } from './service.ts';

const enrolSeconds = 15 * 60;

/** What confirming a device changes together. */
export interface EnrolUnit extends CodeUnit {
  devices: DeviceRepository;
  codes: RecoveryCodeRepository;
  audit: AuditSink;
  notify: Notify;
}

export interface EnrolmentDeps {
  devices: DeviceRepository;
  flows: Pick<FlowRepository, 'find'>;
  sent: ReturnType<typeof createSentCodes<EnrolUnit>>;
  addresses: CodeAddresses;
  inTransaction: InTransaction<EnrolUnit>;
  checks: { recoveryCodes: RecoveryCodes; guard: GuardFactor };
  surroundings: { clock: Clock; envelope: Pick<Envelope, 'seal'>; isOffered(method: SentMethod): boolean };
}

export interface EnrolmentWish {
  /** As typed; for `sms`, unless one waits to be confirmed already. */
  phoneNumber?: string | undefined;
  name?: string | undefined;
  locale?: string | undefined;
}

/** An address or number that waits for its code. */
export interface PendingCode {
  deviceId: string;
  to: string;
  /** Whether a code that was sent is still good. */
  hasCode: boolean;
}

/** Mail address and phone as second factors: confirmed by a first code, one of each (FEATURES A8). */
export const createCodeEnrolment = (deps: EnrolmentDeps) => {
  const { devices, flows, sent, addresses, inTransaction, checks, surroundings } = deps;
  const { clock, envelope, isOffered } = surroundings;
  const flowIdOf = (deviceId: string): string => sha256(`enrol:${deviceId}`);

  const phoneFor = async (accountId: string, typed: string | undefined): Promise<string | undefined> => {
    if (typed !== undefined) return phoneNumberOf(typed);
    const waiting = await devices.pending(accountId, 'sms');
    return waiting && addresses.phoneOf(waiting);
  };

  /** @throws factor_not_offered, factor_limit_reached, factor_address_unverified, factor_phone_invalid */
  const addressFor = async (accountId: string, method: SentMethod, wish: EnrolmentWish): Promise<string> => {
    if (!isOffered(method)) throw errors.factor_not_offered();
    if ((await devices.active(accountId)).some(({ kind }) => kind === method)) throw errors.factor_limit_reached();
    const address = method === 'email' ? await addresses.email(accountId) : await phoneFor(accountId, wish.phoneNumber);
    if (address !== undefined) return address;
    throw method === 'email' ? errors.factor_address_unverified() : errors.factor_phone_invalid();
  };

  return {
    isOffered,
    /**
     * Sends a first code; a device that waited before is replaced, what is active stays (MF-05).
     * @throws factor_not_offered, factor_limit_reached, factor_address_unverified, factor_phone_invalid
     */
    enable: async (
      accountId: string,
      method: SentMethod,
      wish: EnrolmentWish,
    ): Promise<Exclude<SendOutcome, { kind: 'unavailable' }> & { deviceId: string }> => {
      const address = await addressFor(accountId, method, wish);
      const now = clock.now();
      const id = uuidv7(now);
      const flowId = flowIdOf(id);
      const sealed = method === 'sms' ? envelope.seal(address, factorContext(id)) : null;
      const name = wish.name?.trim() ?? '';
      const outcome = await sent.send({ flowId, accountId, method, address, locale: wish.locale }, async (unit) => {
        await unit.devices.lock(accountId);
        const device = { id, user_id: accountId, kind: method, name, state: 'pending', secret_sealed: sealed } as const;
        await unit.devices.insert(device, now);
        const expiresAt = new Date(now.getTime() + enrolSeconds * 1000);
        const nothing = { amr: [], level: 0, needed_level: 0, stage: null, client_id: null } as const;
        const flow = { id: flowId, user_id: accountId, channel: 'enrol', authenticated_at: now, expires_at: expiresAt } as const;
        await unit.flows.put({ ...flow, ...nothing, amr: [] }, now);
      });
      if (outcome.kind === 'unavailable') throw errors.factor_not_offered();
      return { ...outcome, deviceId: id };
    },

    pending: async (accountId: string, method: SentMethod): Promise<PendingCode | undefined> => {
      const device = await devices.pending(accountId, method);
      if (!device) return undefined;
      const address = method === 'sms' ? addresses.phoneOf(device) : await addresses.email(accountId);
      const now = clock.now();
      const flow = await flows.find(flowIdOf(device.id), 'enrol', now);
      const hasCode = flow?.code_hash != null && flow.code_expires_at !== null && flow.code_expires_at > now;
      return { deviceId: device.id, to: hintOf(method, address ?? ''), hasCode };
    },

    /**
     * @returns recovery codes where the account had none
     * @throws factor_device_not_found, factor_not_pending
     */
    verify: async (accountId: string, deviceId: string, typed: string) => {
      const device = await devices.find(accountId, deviceId);
      if (device?.kind !== 'email' && device?.kind !== 'sms') throw errors.factor_device_not_found();
      const { kind, state } = device;
      if (state !== 'pending') throw errors.factor_not_pending();
      const outcome = await checks.guard(accountId, kind, async () =>
        (await sent.check(accountId, flowIdOf(deviceId), typed)) ? proofBy(kind) : undefined,
      );
      if (outcome.kind !== 'proven') return outcome;
      return inTransaction(async ({ devices: store, codes, flows: open, audit, notify }) => {
        await store.lock(accountId);
        if (!(await store.activate(deviceId, undefined, clock.now()))) throw errors.factor_not_pending();
        await open.end(flowIdOf(deviceId));
        const about = { outcome: 'success', actor: { type: 'user', id: accountId }, subjectId: accountId } as const;
        await audit.record({
          type: 'mfa.device_added',
          ...about,
          target: { type: 'mfa_device', id: deviceId },
          details: { kind },
        });
        const recovery = (await codes.left(accountId)) > 0 ? [] : await checks.recoveryCodes.replace(codes, accountId);
        if (recovery.length > 0) await audit.record({ type: 'mfa.recovery_codes_made', ...about });
        await notify(accountId, 'factor_added');
        return { kind: 'verified' as const, recoveryCodes: recovery };
      });
    },
  };
};

export type CodeEnrolment = ReturnType<typeof createCodeEnrolment>;
