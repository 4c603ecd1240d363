import { type Envelope, randomSecret, sha256, uuidv7 } from '../../platform/crypto/index.ts';
import type { AuditBuffer, AuditSink, Clock, InTransaction } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import { type Proof, proofBy } from '../factors/proof.ts';
import type { DeviceRepository, DeviceRow } from '../factors/repository.ts';
import type { RecoveryCodeRepository } from '../recovery-codes/repository.ts';
import type { RecoveryCodes } from '../recovery-codes/service.ts';
import type { Notify } from '../totp/service.ts';
import {
  type Assertion,
  type CreationOptions,
  clientDataOf,
  creationOptions,
  type RelyingPartyIdentity,
  type RequestOptions,
  requestOptions,
  verifyAssertion,
  verifyRegistration,
} from './library.ts';
import type { ChallengeRepository } from './repository.ts';

const challengeSeconds = 5 * 60;
const maxDevices = 20;

export interface WebauthnDeps {
  devices: DeviceRepository;
  challenges: ChallengeRepository;
  inTransaction: InTransaction<{ devices: DeviceRepository; codes: RecoveryCodeRepository; audit: AuditSink; notify: Notify }>;
  recoveryCodes: RecoveryCodes;
  envelope: Pick<Envelope, 'blindIndex'>;
  surroundings: { clock: Clock; issuer: string; audit: AuditBuffer; nameOf(accountId: string): Promise<string> };
}

/** Who a passkey says somebody is. */
export interface PasskeyProof {
  accountId: string;
  proof: Proof;
}

/** Passkeys and security keys (FEATURES A7). */
export const createWebauthn = (deps: WebauthnDeps) => {
  const { devices, challenges, inTransaction, recoveryCodes, envelope, surroundings } = deps;
  const { clock, issuer, audit: buffer, nameOf } = surroundings;
  const { hostname, host, origin } = new URL(issuer);
  const party: RelyingPartyIdentity = { id: hostname, name: host, origin };

  /** WebAuthn L3 §14.6.1: says nothing of the person. */
  const handleOf = (accountId: string): string => envelope.blindIndex(accountId, 'webauthn-user');

  const makeChallenge = async (purpose: 'register' | 'authenticate', binding: string, userId?: string): Promise<string> => {
    const challenge = randomSecret(32);
    const expiresAt = new Date(clock.now().getTime() + challengeSeconds * 1000);
    await challenges.insert({ id: sha256(challenge), purpose, binding: sha256(binding), userId, expiresAt });
    return challenge;
  };

  /** MF-07, MF-08: a challenge of ours, of this session, for the first time. */
  const spendChallenge = async (purpose: 'register' | 'authenticate', binding: string, response: unknown) => {
    const challenge = clientDataOf(response)?.challenge;
    if (challenge === undefined) return undefined;
    const spent = await challenges.spend({ id: sha256(challenge), purpose, binding: sha256(binding) }, clock.now());
    return spent && { challenge, userId: spent.userId };
  };

  const passkeysOf = async (accountId: string): Promise<DeviceRow[]> =>
    (await devices.active(accountId)).filter(({ kind }) => kind === 'webauthn');

  const proofOf = ({ isUserVerified, isBackupEligible }: Assertion): Proof => {
    const key = isBackupEligible ? 'swk' : 'hwk';
    return { ...proofBy('webauthn'), amr: isUserVerified ? [key, 'user', 'mfa'] : [key, 'mfa'] };
  };

  const report = (device: DeviceRow, stored: number, seen: number): void => {
    const target = { type: 'mfa_device', id: device.id };
    const about = { outcome: 'denied', actor: { type: 'anonymous' }, subjectId: device.user_id, target } as const;
    buffer.note({ type: 'mfa.clone_suspected', ...about, reason: 'counter_went_back', details: { stored, seen } });
  };

  /** WebAuthn L3 §7.2 step 22, §6.1.3: counter forward or none at all; whether it may be backed up never changes. */
  const accept = async (device: DeviceRow, assertion: Assertion): Promise<boolean> => {
    const stored = Number(device.sign_count ?? 0);
    const { signCount, isBackupEligible, isBackedUp } = assertion;
    if (isBackupEligible !== device.is_backup_eligible) return false;
    if ((stored > 0 || signCount > 0) && signCount <= stored) {
      report(device, stored, signCount);
      return false;
    }
    return devices.signed(device.id, { before: stored, signCount, isBackedUp }, clock.now());
  };

  const isOwners = ({ user_id: userId }: DeviceRow, response: unknown): boolean => {
    const { userHandle } = (response as { response: { userHandle?: unknown } }).response;
    return userHandle === undefined || userHandle === null || userHandle === handleOf(userId);
  };

  const knownDevice = async (response: unknown, accountId: string | undefined): Promise<DeviceRow | undefined> => {
    const { id } = response as { id?: unknown };
    const device = typeof id === 'string' && id.length <= 1400 ? await devices.byCredential(id) : undefined;
    if (!device || !isOwners(device, response)) return undefined;
    return accountId === undefined || device.user_id === accountId ? device : undefined;
  };

  const assertion = async (
    binding: string,
    response: unknown,
    accountId: string | undefined,
  ): Promise<PasskeyProof | undefined> => {
    const spent = await spendChallenge('authenticate', binding, response);
    if (!spent || spent.userId !== accountId) return undefined;
    const device = await knownDevice(response, accountId);
    if (!device) return undefined;
    // NIST SP 800-63B-4 §3.1.7: a passkey is two factors only where it has checked its user.
    const expected = { challenge: spent.challenge, party, needsUserVerification: accountId === undefined };
    const credential = { id: device.credential_id ?? '', publicKey: device.public_key ?? '' };
    const verified = await verifyAssertion(response, expected, credential);
    if (!verified || !(await accept(device, verified))) return undefined;
    return { accountId: device.user_id, proof: proofOf(verified) };
  };

  return {
    registrationOptions: async (accountId: string, binding: string): Promise<CreationOptions> => {
      const known = await passkeysOf(accountId);
      if (known.length >= maxDevices) throw errors.factor_limit_reached();
      const name = await nameOf(accountId);
      const challenge = await makeChallenge('register', binding, accountId);
      const user = { handle: handleOf(accountId), name, displayName: name };
      return creationOptions({ party, challenge, user, known: known.map(({ credential_id: id }) => id ?? '') });
    },

    /**
     * @returns the device, and recovery codes where the account had none
     * @throws passkey_refused
     */
    register: async (accountId: string, binding: string, response: unknown, name: string) => {
      const spent = await spendChallenge('register', binding, response);
      if (!spent || spent.userId !== accountId) throw errors.passkey_refused();
      const made = await verifyRegistration(response, spent.challenge, party);
      if (!made) throw errors.passkey_refused();
      const now = clock.now();
      const device = {
        id: uuidv7(now),
        user_id: accountId,
        kind: 'webauthn',
        name,
        state: 'active',
        credential_id: made.credentialId,
        public_key: made.publicKey,
        sign_count: String(made.signCount),
        transports: JSON.stringify(made.transports),
        aaguid: made.aaguid,
        is_backup_eligible: made.isBackupEligible,
        is_backed_up: made.isBackedUp,
      } as const;
      return inTransaction(async ({ devices: store, codes, audit, notify }) => {
        await store.lock(accountId);
        // WebAuthn L3 §7.1 step 26: an id belongs to one account.
        if (!(await store.insertCredential(device, now))) throw errors.passkey_refused();
        const about = { outcome: 'success', actor: { type: 'user', id: accountId }, subjectId: accountId } as const;
        const target = { type: 'mfa_device', id: device.id };
        await audit.record({ type: 'mfa.device_added', ...about, target, details: { kind: 'webauthn' } });
        const recovery = (await codes.left(accountId)) > 0 ? [] : await recoveryCodes.replace(codes, accountId);
        if (recovery.length > 0) await audit.record({ type: 'mfa.recovery_codes_made', ...about });
        await notify(accountId, 'factor_added');
        // Whoever has just made it has shown that they hold it.
        return { deviceId: device.id, recoveryCodes: recovery, proof: proofBy('webauthn') };
      });
    },

    /** For somebody known: their passkeys. For somebody unknown: any, and the passkey says who. */
    requestOptions: async (binding: string, accountId?: string): Promise<RequestOptions> => {
      const allowed = accountId === undefined ? [] : await passkeysOf(accountId);
      const challenge = await makeChallenge('authenticate', binding, accountId);
      const list = allowed.map(({ credential_id: id, transports }) => ({ id: id ?? '', transports: transports ?? [] }));
      return requestOptions(party, challenge, list, accountId === undefined ? 'required' : 'preferred');
    },

    /** A second factor of this account. */
    check: async (accountId: string, binding: string, response: unknown): Promise<Proof | undefined> =>
      (await assertion(binding, response, accountId))?.proof,

    /** Whose passkey it is (discoverable credential). */
    identify: (binding: string, response: unknown): Promise<PasskeyProof | undefined> => assertion(binding, response, undefined),
  };
};

export type Webauthn = ReturnType<typeof createWebauthn>;
