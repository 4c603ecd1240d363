import type { FirstPartyTokens } from '../../oidc/index.ts';
import {
  type Answer,
  type ApiCsrf,
  accessCookie,
  answer,
  type CookieChange,
  type RequestInfo,
} from '../../platform/http/index.ts';
import type { TokenAnswer } from './schema.ts';
import type { viewOfUser } from './user.ts';

export type Mode = 'bearer' | 'cookie';

const refreshCookie = 'castellan_refresh';
/** CONTRACT.md: as long as the refresh token can live; the server decides when it really ends. */
const refreshSeconds = 7 * 86_400;

const cookieSuffix = '.cookie';

/** A sign-in that waits for its second factor says by its `mfaToken` where its tokens go; nothing secret hangs on that. */
export const mfaTokenOf = (flow: string, mode: Mode): string => (mode === 'cookie' ? `${flow}${cookieSuffix}` : flow);

/** @throws csrf_refused for a sign-in in cookie mode that another site's page would finish */
export type ReadMfaToken = (mfaToken: string, request: RequestInfo) => { flow: string; mode: Mode };

export interface ModesDeps {
  csrf: ApiCsrf;
  userOf(accountId: string): Promise<ReturnType<typeof viewOfUser>>;
}

const tokenCookie = (name: string, value: string, seconds: number): CookieChange => ({
  name,
  value,
  seconds,
  // Only script of our own origin asks the API; nobody comes here by a link.
  sameSite: 'strict',
});

/** The two ways in which a sign-in hands out its tokens (FEATURES A1). */
export const createModes = ({ csrf, userOf }: ModesDeps) => {
  /** SE-04, login CSRF: nobody is signed in by another site's page. @throws csrf_refused */
  const chosen = (mode: Mode = 'bearer', request: RequestInfo): Mode => {
    if (mode === 'cookie') csrf.requireOwn(request);
    return mode;
  };

  return {
    chosen,
    readMfaToken: ((mfaToken, request) => {
      if (!mfaToken.endsWith(cookieSuffix)) return { flow: mfaToken, mode: 'bearer' };
      return { flow: mfaToken.slice(0, -cookieSuffix.length), mode: chosen('cookie', request) };
    }) as ReadMfaToken,

    deliver: async (tokens: FirstPartyTokens, mode: Mode): Promise<TokenAnswer | Answer> => {
      const { accessToken, expiresIn, refreshToken, accountId, sessionUid } = tokens;
      const user = await userOf(accountId);
      if (mode === 'bearer') return { accessToken, tokenType: 'Bearer', expiresIn, refreshToken, user };
      return answer({
        body: { csrfToken: csrf.tokenOf(sessionUid), expiresIn, user },
        cookies: [tokenCookie(accessCookie, accessToken, expiresIn), tokenCookie(refreshCookie, refreshToken, refreshSeconds)],
      });
    },

    refreshTokenOf: (request: RequestInfo): string | undefined => request.cookie(refreshCookie),
    accessTokenOf: (request: RequestInfo): string | undefined => request.cookie(accessCookie),
    /** Whether the browser holds anything of a sign-in in cookie mode. */
    isHeld: (request: RequestInfo): boolean => [accessCookie, refreshCookie].some((name) => request.cookie(name) !== undefined),
    /** @throws csrf_refused */
    check: csrf.check,
    csrfTokenOf: csrf.tokenOf,
    /** After log-out. */
    emptied: (): Answer =>
      answer({ status: 204, cookies: [accessCookie, refreshCookie].map((name) => tokenCookie(name, '', 0)) }),
  };
};

export type Modes = ReturnType<typeof createModes>;
