import { Type } from '@sinclair/typebox';
import type { SendOutcome, SentMethod } from '../../../authn/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import type { AdminRoutes } from '../../../platform/http/index.ts';
import type { Clock } from '../../../platform/ports.ts';
import { errors } from '../../errors.ts';
import type { AuthApi } from '../service.ts';

/** What `authn` does to send a code of a JSON sign-in. */
export interface CodeAuthn {
  flows: {
    sendCode(token: string, channel: 'api', method: SentMethod, locale?: string): Promise<SendOutcome | { kind: 'expired' }>;
  };
}

export interface CodeRouteDeps {
  api: AuthApi;
  authn: CodeAuthn;
  clock: Clock;
}

const closed = { additionalProperties: false };
const method = Type.Union([Type.Literal('email'), Type.Literal('sms')]);
const CodeBody = Type.Object({ mfaToken: Type.String({ minLength: 1, maxLength: 200 }), method }, closed);
const CodeView = Type.Object({ method, to: Type.String(), expiresAt: Type.String({ format: 'date-time' }) }, closed);

/** Sends the code of a factor that is sent; `validate` takes it (FEATURES A8). */
export const mountFactorCodeRoute = (admin: AdminRoutes, { api, authn, clock }: CodeRouteDeps): void => {
  admin.post(
    '/api/v1/mfa/code',
    {
      summary: 'Send the code of a sign-in by mail or text message',
      permission: 'public',
      body: CodeBody,
      response: CodeView,
      status: 200,
    },
    async ({ body, request }) => {
      const { flow } = api.modes.readMfaToken({ mfaToken: body.mfaToken }, request);
      const locale = request.header('accept-language')?.slice(0, 200);
      const outcome = await authn.flows.sendCode(flow, 'api', body.method, locale);
      switch (outcome.kind) {
        case 'sent':
          return { method: outcome.method, to: outcome.to, expiresAt: outcome.expiresAt.toISOString() };
        case 'limited': {
          const seconds = Math.max(1, Math.ceil((outcome.until.getTime() - clock.now().getTime()) / 1000));
          throw shared.too_many_requests({ headers: { 'Retry-After': String(seconds) } });
        }
        case 'unavailable':
          throw shared.invalid_request({ errors: [{ path: '/method', message: 'is not one of this sign-in’s methods' }] });
        default:
          throw errors.factor_sign_in_over({ headers: { 'WWW-Authenticate': 'Bearer' } });
      }
    },
  );
};
