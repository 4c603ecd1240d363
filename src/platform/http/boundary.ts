import type Koa from 'koa';
import { isStorageFull, isUnavailable } from '../db/index.ts';
import { errors, Refusal } from '../errors/index.ts';
import type { Logger } from '../logging/index.ts';
import type { PageOf } from './types.ts';

const apiPath = /^\/(api|access|scim|openapi\.json|health|metrics)(\/|$)/;

/** JSON to programs, a page to people who ask for one. */
export const wantsPage = (ctx: Koa.Context): boolean => !apiPath.test(ctx.path) && ctx.accepts(['json', 'html']) === 'html';

interface HttpError {
  status?: number;
  expose?: boolean;
}

/** Whatever was thrown, as a refusal a caller can understand. Faults lose their inside here. */
export const toRefusal = (error: unknown): Refusal => {
  if (error instanceof Refusal) return error;
  if (isUnavailable(error)) {
    const extensions = isStorageFull(error) ? { reason: 'storage' } : {};
    return errors.unavailable({ headers: { 'Retry-After': '5' }, extensions, cause: error });
  }
  const { status } = (typeof error === 'object' && error !== null ? error : {}) as HttpError;
  if (status === 413) return errors.payload_too_large({ cause: error });
  if (error instanceof URIError || status === 400)
    return errors.invalid_request({ detail: 'The address is malformed', cause: error });
  return errors.internal({ cause: error });
};

/** RFC 9457. */
export const problemOf = (refusal: Refusal, correlationId: string): Record<string, unknown> => ({
  ...refusal.extensions,
  type: `urn:castellan:error:${refusal.code}`,
  title: refusal.title,
  status: refusal.status,
  ...(refusal.detail === undefined ? {} : { detail: refusal.detail }),
  correlationId,
  errors: refusal.errors,
});

// RFC 6749 §5.2 and §4.1.2.1 for what was thrown past the protocol core.
const oauthError = (refusal: Refusal): Record<string, unknown> => {
  if (refusal.status === 503) return { error: 'temporarily_unavailable' };
  return refusal.status >= 500 ? { error: 'server_error' } : { error: 'invalid_request', error_description: refusal.title };
};

// What a person is told: one of the kinds that `views/error.njk` has words for.
const pageKinds: Record<string, string> = {
  session_limit_reached: 'sessions',
  not_found: 'not_found',
  approval_over: 'approval_over',
  approval_not_found: 'approval_over',
  csrf_refused: 'form',
  interaction_not_found: 'expired',
  permission_required: 'denied',
  registration_closed: 'closed',
  unavailable: 'unavailable',
  too_many_requests: 'too_many',
};

const pageKind = ({ code, status }: Refusal): string => {
  if (status === 404) return pageKinds[code] ?? 'not_found';
  return pageKinds[code] ?? (status >= 500 ? 'internal' : 'request');
};

const answer = (ctx: Koa.Context, refusal: Refusal, pageOf: PageOf): void => {
  ctx.status = refusal.status;
  ctx.set(refusal.headers);
  if (wantsPage(ctx)) {
    const description = refusal.status < 500 ? (refusal.detail ?? refusal.title) : undefined;
    pageOf(ctx).render('error', { kind: pageKind(refusal), error: refusal.code, description }, refusal.status);
  } else if (ctx.isProtocol) {
    ctx.body = oauthError(refusal);
  } else {
    ctx.body = JSON.stringify(problemOf(refusal, ctx.info.correlationId));
    ctx.type = 'application/problem+json';
  }
};

/** The one place where an error becomes an answer. */
export const errorBoundary =
  ({ logger, pageOf }: { logger: Logger; pageOf: PageOf }): Koa.Middleware =>
  async (ctx, next) => {
    try {
      await next();
      if (ctx.status === 404 && !ctx.body && ctx.respond !== false) throw errors.not_found();
    } catch (error) {
      const refusal = toRefusal(error);
      // GROUND.md §7: an error past the core comes with Location and cookies already set.
      ctx.remove('Location');
      if (refusal.status >= 500) {
        ctx.remove('Set-Cookie');
        logger.error({ err: refusal.cause, refusal: refusal.code }, 'request failed');
      }
      answer(ctx, refusal, pageOf);
    }
  };
