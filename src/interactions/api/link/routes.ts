import { Type } from '@sinclair/typebox';
import type { SignInLink } from '../../../authn/index.ts';
import { errors as shared } from '../../../platform/errors/index.ts';
import type { AdminRoutes } from '../../../platform/http/index.ts';
import type { Clock } from '../../../platform/ports.ts';
import { errors } from '../../errors.ts';
import { deviceFields } from '../devices.ts';
import { LoginView, Mode } from '../schema.ts';
import type { AuthApi } from '../service.ts';

export interface LinkRouteDeps {
  api: AuthApi;
  authn: { signInLink: SignInLink };
  clock: Clock;
}

const closed = { additionalProperties: false };
const AskBody = Type.Object({ email: Type.String({ minLength: 1, maxLength: 320 }) }, closed);
const AskView = Type.Object({ flow: Type.String(), expiresAt: Type.String({ format: 'date-time' }) }, closed);
const SignInBody = Type.Object(
  {
    flow: Type.String({ minLength: 1, maxLength: 100 }),
    code: Type.String({ minLength: 1, maxLength: 20 }),
    mode: Mode,
    ...deviceFields,
  },
  closed,
);

/** A mailed code instead of a password (FEATURES A8); `flow` shows that the caller is the one who asked (RS-13). */
export const mountLinkRoutes = (admin: AdminRoutes, { api, authn, clock }: LinkRouteDeps): void => {
  const { signInLink } = authn;
  if (!signInLink.isOffered) return;

  admin.post(
    '/api/v1/auth/link',
    { summary: 'Ask for a mailed code to sign in with', permission: 'public', body: AskBody, response: AskView, status: 200 },
    async ({ body, request }) => {
      const locale = request.header('accept-language')?.slice(0, 200);
      const outcome = await signInLink.ask(body.email, { ip: request.ip, locale });
      if (outcome.kind === 'limited') {
        const seconds = Math.max(1, Math.ceil((outcome.until.getTime() - clock.now().getTime()) / 1000));
        throw shared.too_many_requests({ headers: { 'Retry-After': String(seconds) } });
      }
      return { flow: outcome.flow, expiresAt: outcome.expiresAt.toISOString() };
    },
  );
  admin.post(
    '/api/v1/auth/link/sign-in',
    { summary: 'Sign in by the mailed code', permission: 'public', body: SignInBody, response: LoginView, status: 200 },
    async ({ body, request }) => {
      const { flow, code, ...wish } = body;
      const way = api.modes.chosen(wish, request);
      const outcome = await signInLink.signIn({ flow, code }, api.placeIn(way, request));
      const isRefused = outcome.kind === 'gone' || outcome.kind === 'code_wrong' || outcome.kind === 'other_browser';
      if (isRefused) throw errors.link_refused({ headers: { 'WWW-Authenticate': 'Bearer' } });
      return api.answerTo(outcome, request, way);
    },
  );
};
