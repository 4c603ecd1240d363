import type { AskOutcome, EmailChange, Presented, Recovery, ResetOutcome, Verification } from '../../authn/index.ts';
import { recentSeconds } from '../../platform/assurance/index.ts';
import { errors as shared } from '../../platform/errors/index.ts';
import type { AdminRoutes, RequestInfo } from '../../platform/http/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { passwordProblems } from '../api/problems.ts';
import { errors } from '../errors.ts';
import type { Unlock } from '../verify/page.ts';
import {
  AskBody,
  AskView,
  ChangeEmailBody,
  ConfirmChangeBody,
  ConfirmChangeView,
  ResetBody,
  TokenBody,
  VerifyBody,
} from './schema.ts';

export interface RecoveryRouteDeps {
  recovery: Recovery;
  verification: Verification;
  emailChange: EmailChange;
  unlock: Unlock;
  clock: Clock;
}

const base = '/api/v1/auth';

interface Brought {
  token?: string | undefined;
  flow?: string | undefined;
  code?: string | undefined;
  confirmationCode?: string | undefined;
}

export const presented = ({ token, flow, code, confirmationCode }: Brought): Presented => ({
  secret: token,
  flow,
  code: token === undefined ? code : confirmationCode,
});

export const askerOf = ({ ip, header }: RequestInfo) => ({ ip, locale: header('accept-language')?.slice(0, 200) });

/** @throws ticket_gone, confirmation_code_required, confirmation_code_refused */
export const refuse = (kind: 'gone' | 'code_needed' | 'code_wrong'): never => {
  if (kind === 'code_needed') throw errors.confirmation_code_required();
  throw kind === 'code_wrong' ? errors.confirmation_code_refused() : errors.ticket_gone();
};

/** Verification, recovery and change of address in JSON: the hosted pages' services, the same answers (FEATURES A2, A3). */
export const mountRecoveryRoutes = (admin: AdminRoutes, deps: RecoveryRouteDeps): void => {
  const { recovery, verification, emailChange, unlock, clock } = deps;

  const retryAfter = (seconds: number) => ({ headers: { 'Retry-After': String(Math.max(1, Math.ceil(seconds))) } });
  const answerAsk = (outcome: AskOutcome | { kind: 'invalid' }) => {
    if (outcome.kind === 'limited') {
      throw shared.too_many_requests(retryAfter((outcome.until.getTime() - clock.now().getTime()) / 1000));
    }
    if (outcome.kind === 'invalid') {
      throw shared.invalid_request({ errors: [{ path: '/newEmail', message: 'is not an address that can be used here' }] });
    }
    return { flow: outcome.flow, confirmationCode: outcome.shown, expiresAt: outcome.expiresAt.toISOString() };
  };
  const answerReset = (outcome: ResetOutcome): undefined => {
    if (outcome.kind === 'reset') return undefined;
    if (outcome.kind === 'busy') throw shared.unavailable(retryAfter(outcome.retryAfterSeconds));
    if (outcome.kind === 'invalid') throw passwordProblems(outcome.problems, '/newPassword');
    return refuse(outcome.kind);
  };

  const ask = { permission: 'public', body: AskBody, response: AskView, status: 202 } as const;
  admin.post(
    `${base}/forgot-password`,
    { ...ask, summary: 'Mail a link for a new password, if there is an account' },
    async ({ body, request }) => answerAsk(await recovery.ask(body.email, askerOf(request))),
  );
  admin.post(
    `${base}/reset-password`,
    {
      summary: 'Choose a new password by the mailed link; every session ends',
      permission: 'public',
      body: ResetBody,
      status: 204,
    },
    async ({ body }) => answerReset(await recovery.reset(body.newPassword, presented(body))),
  );
  admin.post(`${base}/verify-email/send`, { ...ask, summary: 'Mail the link and code again' }, async ({ body, request }) =>
    answerAsk(await verification.ask(body.email, askerOf(request))),
  );
  admin.post(
    `${base}/verify-email`,
    { summary: 'Confirm an address by the mailed link or code', permission: 'public', body: VerifyBody, status: 204 },
    async ({ body }) => {
      const { kind } = await verification.confirm(presented(body));
      return kind === 'verified' ? undefined : refuse(kind);
    },
  );
  admin.post(
    `${base}/change-email`,
    {
      summary: 'Ask for another address; both ends confirm by mail',
      permission: 'self',
      // RS-07
      stepUp: { maxAgeSeconds: recentSeconds },
      body: ChangeEmailBody,
      response: AskView,
      status: 202,
    },
    async ({ body, principal, request }) => {
      if (principal.type !== 'user') throw shared.not_found();
      return answerAsk(await emailChange.start(principal.id, body.newEmail, askerOf(request)));
    },
  );
  admin.post(
    `${base}/change-email/confirm`,
    {
      summary: 'Confirm one end of a change of address',
      permission: 'public',
      body: ConfirmChangeBody,
      response: ConfirmChangeView,
      status: 200,
    },
    async ({ body }) => {
      const outcome = await emailChange.confirm(body.end, presented(body));
      if (outcome.kind === 'applied') return { status: 'applied' as const };
      return outcome.kind === 'waiting' ? { status: 'waiting' as const, waitingFor: outcome.for } : refuse(outcome.kind);
    },
  );
  admin.post(
    `${base}/change-email/undo`,
    { summary: 'Take a change of address back from the old address', permission: 'public', body: TokenBody, status: 204 },
    async ({ body }) => {
      const { kind } = await emailChange.undo({ secret: body.token });
      return kind === 'undone' ? undefined : refuse(kind);
    },
  );
  admin.post(
    `${base}/unlock`,
    { summary: 'Unlock an account by the mailed link', permission: 'public', body: TokenBody, status: 204 },
    async ({ body }) => {
      const { kind } = await unlock.unlock({ secret: body.token });
      return kind === 'unlocked' ? undefined : refuse(kind);
    },
  );
};
