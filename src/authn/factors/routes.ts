import { recentSeconds, requireSignIn } from '../../platform/assurance/index.ts';
import { type AdminRoutes, personOf, type RequestInfo } from '../../platform/http/index.ts';
import type { Clock, Principal } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import type { Totp } from '../totp/service.ts';
import {
  DeviceList,
  DeviceParams,
  DisableBody,
  EnableBody,
  EnrolmentView,
  RecoveryCodesView,
  RenameBody,
  VerifyBody,
} from './schema.ts';
import type { Factors } from './service.ts';

export interface FactorRouteDeps {
  factors: Factors;
  totp: Totp;
  confirmPassword(
    accountId: string,
    password: string,
    request: RequestInfo,
  ): Promise<{ kind: 'confirmed' } | Exclude<Refused, { kind: 'proven' }>>;
  clock: Clock;
  requireOwner(principal: Principal): Promise<void>;
}

type Refused =
  | { kind: 'refused' }
  | { kind: 'locked'; until: Date }
  | { kind: 'busy'; retryAfterSeconds: number }
  | { kind: 'proven' };

/** MF-05: whoever has a factor changes factors with one, recently shown. @throws insufficient_user_authentication */
export const createOwnerCheck =
  (factors: Pick<Factors, 'neededLevel'>, clock: Clock) =>
  async (principal: Principal): Promise<void> => {
    const level = await factors.neededLevel(personOf(principal));
    requireSignIn(principal, { maxAgeSeconds: recentSeconds, level }, clock.now());
  };

/** The five classic endpoints and their neighbors (CONTRACT.md, `/mfa`). Nobody but the person's own account is reached. */
export const mountFactorRoutes = (
  admin: AdminRoutes,
  { factors, totp, confirmPassword, clock, requireOwner }: FactorRouteDeps,
): void => {
  const secondsUntil = (until: Date): string => String(Math.max(1, Math.ceil((until.getTime() - clock.now().getTime()) / 1000)));

  /** @throws code_refused, factors_locked, unavailable */
  const orRefuse = (outcome: Refused | { kind: 'confirmed' }): void => {
    if (outcome.kind === 'locked') throw errors.factors_locked({ headers: { 'Retry-After': secondsUntil(outcome.until) } });
    if (outcome.kind === 'busy') throw errors.hashing_busy({ headers: { 'Retry-After': String(outcome.retryAfterSeconds) } });
    if (outcome.kind === 'refused') throw errors.code_refused();
  };

  admin.post(
    '/api/v1/mfa/totp/enable',
    {
      summary: 'Make the key of an authenticator app',
      permission: 'self',
      body: EnableBody,
      response: EnrolmentView,
      status: 200,
    },
    async ({ body, principal }) => {
      await requireOwner(principal);
      return totp.enable(principal.id, body.name);
    },
  );
  admin.post(
    '/api/v1/mfa/totp/verify',
    { summary: 'Confirm it by its first code', permission: 'self', body: VerifyBody, response: RecoveryCodesView, status: 200 },
    async ({ body, principal }) => {
      const outcome = await totp.verify(personOf(principal), body.deviceId, body.code);
      if (outcome.kind === 'verified') return { recoveryCodes: [...outcome.recoveryCodes] };
      orRefuse(outcome);
      throw errors.code_refused();
    },
  );
  admin.post(
    '/api/v1/mfa/totp/disable',
    { summary: 'Remove authenticator apps', permission: 'self', body: DisableBody, status: 204 },
    async ({ body, principal, request }) => {
      const { password, code } = body;
      if (code !== undefined) orRefuse(await factors.proveByCode(personOf(principal), code));
      else if (password !== undefined) orRefuse(await confirmPassword(personOf(principal), password, request));
      else throw errors.code_refused({ detail: 'The password or a code is required' });
      await factors.remove(personOf(principal), { kind: 'totp' });
      return undefined;
    },
  );
  admin.get(
    '/api/v1/mfa/devices',
    { summary: 'List my second factors', permission: 'self', response: DeviceList, status: 200 },
    async ({ principal }) => {
      const { devices, recoveryCodesLeft } = await factors.list(personOf(principal));
      return { items: devices, nextCursor: null, recoveryCodesLeft };
    },
  );
  admin.patch(
    '/api/v1/mfa/devices/:id',
    { summary: 'Name a device', permission: 'self', params: DeviceParams, body: RenameBody, status: 204 },
    async ({ params, body, principal }) => {
      await factors.rename(personOf(principal), params.id, body.name.trim());
      return undefined;
    },
  );
  admin.delete(
    '/api/v1/mfa/devices/:id',
    { summary: 'Remove a device', permission: 'self', params: DeviceParams, status: 204 },
    async ({ params, principal }) => {
      await requireOwner(principal);
      await factors.remove(principal.id, { id: params.id });
      return undefined;
    },
  );
  admin.post(
    '/api/v1/mfa/recovery-codes',
    { summary: 'Make ten new recovery codes', permission: 'self', response: RecoveryCodesView, status: 200 },
    async ({ principal }) => {
      await requireOwner(principal);
      return { recoveryCodes: [...(await factors.regenerateRecoveryCodes(principal.id))] };
    },
  );
};
