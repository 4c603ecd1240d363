import { Type } from '@sinclair/typebox';
import { errors as shared } from '../../platform/errors/index.ts';
import { type AdminRoutes, personOf } from '../../platform/http/index.ts';
import type { Clock, Principal } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import { sentMethods } from './addresses.ts';
import type { CodeEnrolment } from './enrolment.ts';

export interface CodeRouteDeps {
  codes: CodeEnrolment;
  clock: Clock;
  /** MF-05. */
  requireOwner(principal: Principal): Promise<void>;
}

const closed = { additionalProperties: false };
const name = Type.Optional(Type.String({ maxLength: 60 }));
const id = Type.String({ format: 'uuid' });
const bodies = {
  email: Type.Object({ name }, closed),
  sms: Type.Object({ phoneNumber: Type.String({ minLength: 1, maxLength: 40 }), name }, closed),
};
const SentView = Type.Object({ deviceId: id, to: Type.String(), expiresAt: Type.String({ format: 'date-time' }) }, closed);
const VerifyBody = Type.Object({ deviceId: id, code: Type.String({ minLength: 1, maxLength: 200 }) }, closed);
const VerifiedView = Type.Object({ recoveryCodes: Type.Array(Type.String()) }, closed);
const what = { email: 'the account’s mail address', sms: 'a phone' };

/** A mail address or phone as second factor (FEATURES A8): `enable` sends a code, `verify` takes it. */
export const mountCodeEnrolmentRoutes = (admin: AdminRoutes, { codes, clock, requireOwner }: CodeRouteDeps): void => {
  const wait = (until: Date) => ({
    headers: { 'Retry-After': String(Math.max(1, Math.ceil((until.getTime() - clock.now().getTime()) / 1000))) },
  });

  for (const method of sentMethods) {
    admin.post(
      `/api/v1/mfa/${method}/enable`,
      {
        summary: `Send a first code to ${what[method]}`,
        permission: 'self',
        body: bodies[method],
        response: SentView,
        status: 200,
      },
      async ({ body, principal, request }) => {
        await requireOwner(principal);
        const locale = request.header('accept-language')?.slice(0, 200);
        const outcome = await codes.enable(principal.id, method, { ...body, locale });
        if (outcome.kind === 'limited') throw shared.too_many_requests(wait(outcome.until));
        const { deviceId, to, expiresAt } = outcome;
        return { deviceId, to, expiresAt: expiresAt.toISOString() };
      },
    );
    admin.post(
      `/api/v1/mfa/${method}/verify`,
      {
        summary: `Confirm ${what[method]} by its code`,
        permission: 'self',
        body: VerifyBody,
        response: VerifiedView,
        status: 200,
      },
      async ({ body, principal }) => {
        const outcome = await codes.verify(personOf(principal), body.deviceId, body.code);
        if (outcome.kind === 'locked') throw errors.factors_locked(wait(outcome.until));
        if (outcome.kind !== 'verified') throw errors.code_refused();
        return { recoveryCodes: [...outcome.recoveryCodes] };
      },
    );
  }
};
