import { constantTimeEqual, type Envelope } from '../crypto/index.ts';
import { errors } from '../errors/index.ts';
import type { RequestInfo } from './types.ts';

type Headers = Pick<RequestInfo, 'header'>;

/** The browser's own word on where a request comes from; programs, which send neither header, have no cookies to be used. */
export const isOwnRequest = ({ header }: Headers, issuer: string): boolean => {
  const origin = header('origin') ?? '';
  const site = header('sec-fetch-site');
  // A page that sends no referrer, as those behind mailed links, posts with `Origin: null`; then the browser's own word counts.
  const isOwn = origin === '' || origin === issuer || (origin === 'null' && site === 'same-origin');
  return isOwn && site !== 'cross-site';
};

/** SE-04 for requests of script that are known by a cookie. */
export interface ApiCsrf {
  /** What unsafe requests of the session send as `X-CSRF-Token`. */
  tokenOf(sessionId: string): string;
  /** @throws csrf_refused */
  check(request: Headers, sessionId: string | undefined): void;
  /** Before there is a session (login CSRF). @throws csrf_refused */
  requireOwn(request: Headers): void;
}

/** The token is a keyed digest of the session: no other session's fits, and it stays the same while the session lasts. */
export const createApiCsrf = ({ issuer, envelope }: { issuer: string; envelope: Pick<Envelope, 'blindIndex'> }): ApiCsrf => {
  const tokenOf = (sessionId: string): string => envelope.blindIndex(`session\0${sessionId}`, 'csrf');
  const requireOwn = (request: Headers): void => {
    if (!isOwnRequest(request, issuer)) throw errors.csrf_refused();
  };
  return {
    tokenOf,
    requireOwn,
    check: (request, sessionId) => {
      requireOwn(request);
      const sent = request.header('x-csrf-token');
      const isRight = sessionId !== undefined && sent !== undefined && constantTimeEqual(sent, tokenOf(sessionId));
      if (!isRight) throw errors.csrf_refused({ detail: 'X-CSRF-Token must have the csrfToken of the sign-in' });
    },
  };
};
