import type { viewOfClaims } from '../../identity/index.ts';
import type { FirstPartyTokens } from '../../oidc/index.ts';
import { errors as shared } from '../../platform/errors/index.ts';
import {
  type Answer,
  type ApiCsrf,
  accessCookie,
  answer,
  type CookieChange,
  type RequestInfo,
} from '../../platform/http/index.ts';
import { createKeepDevice, type DeviceDeps, deviceCookies, deviceTokenOf, type Held, heldIn, type Mode } from './devices.ts';
import type { TokenAnswer } from './schema.ts';

const refreshCookie = 'castellan_refresh';
/** CONTRACT.md: as long as the refresh token can live; the server decides when it really ends. */
const refreshSeconds = 7 * 86_400;

const cookieSuffix = '.cookie';

/** A sign-in that waits for its second factor says by its `mfaToken` where its tokens go; nothing secret hangs on that. */
export const mfaTokenOf = (flow: string, mode: Mode): string => (mode === 'cookie' ? `${flow}${cookieSuffix}` : flow);

/** How a sign-in hands out its tokens, and what the device holds. */
export interface Way {
  mode: Mode;
  held: Held;
  /** A8: the second factor that is being shown counts here for 30 days. */
  isRemembering: boolean;
}

interface DeviceWish {
  deviceToken?: string | null | undefined;
  rememberDevice?: boolean | undefined;
}

export interface ModesDeps {
  csrf: ApiCsrf;
  devices: DeviceDeps;
  userOf(accountId: string): Promise<ReturnType<typeof viewOfClaims>>;
}

const tokenCookie = (name: string, value: string, seconds: number): CookieChange => ({
  name,
  value,
  seconds,
  // Only script of our own origin asks the API; nobody comes here by a link.
  sameSite: 'strict',
});

/** The two ways in which a sign-in hands out its tokens (FEATURES A1). */
export const createModes = ({ csrf, devices, userOf }: ModesDeps) => {
  const keep = createKeepDevice(devices);

  const requireOwn = (request: RequestInfo): void => csrf.requireOwn(request);

  /** SE-04, login CSRF: nobody is signed in by another site's page. @throws csrf_refused, invalid_request */
  const chosen = ({ mode = 'bearer', ...wish }: DeviceWish & { mode?: Mode | undefined }, request: RequestInfo): Way => {
    if (mode === 'cookie') {
      requireOwn(request);
      if (wish.deviceToken !== undefined)
        throw shared.invalid_request({ errors: [{ path: '/deviceToken', message: 'is of bearer mode; here cookies hold it' }] });
    }
    return { mode, held: heldIn(mode, request, wish.deviceToken), isRemembering: wish.rememberDevice === true };
  };

  const keptAfter = async ({ held, isRemembering }: Way, accountId: string, request: RequestInfo): Promise<Held> => {
    // Who wants to be remembered keeps what says so.
    return keep({ ...held, isKept: held.isKept || isRemembering }, accountId, request, isRemembering);
  };

  return {
    chosen,
    requireOwn,
    /** @throws csrf_refused for a sign-in in cookie mode that another site's page would finish; invalid_request */
    readMfaToken: (
      { mfaToken, ...wish }: DeviceWish & { mfaToken: string },
      request: RequestInfo,
    ): { flow: string; way: Way } => {
      const mode = mfaToken.endsWith(cookieSuffix) ? 'cookie' : 'bearer';
      const flow = mode === 'cookie' ? mfaToken.slice(0, -cookieSuffix.length) : mfaToken;
      return { flow, way: chosen({ mode, ...wish }, request) };
    },

    keptAfter,

    /** @param device what it held before and holds from now on; absent where nobody has signed in anew */
    deliver: async (
      tokens: FirstPartyTokens,
      mode: Mode,
      device?: { before: Held; kept: Held },
    ): Promise<TokenAnswer | Answer> => {
      const { accessToken, expiresIn, refreshToken, accountId, sessionUid } = tokens;
      const user = await userOf(accountId);
      if (mode === 'bearer') {
        const deviceToken = device?.kept.isKept ? deviceTokenOf(device.kept) : undefined;
        const more = deviceToken === undefined ? {} : { deviceToken };
        return { accessToken, tokenType: 'Bearer', expiresIn, refreshToken, user, ...more };
      }
      const held = device ? deviceCookies(device.kept, device.before, devices.knownDevices.seconds) : [];
      const own = [tokenCookie(accessCookie, accessToken, expiresIn), tokenCookie(refreshCookie, refreshToken, refreshSeconds)];
      return answer({ body: { csrfToken: csrf.tokenOf(sessionUid), expiresIn, user }, cookies: [...own, ...held] });
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
