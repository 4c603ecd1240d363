import { Type } from '@sinclair/typebox';
import { type KnownDevices, type SignInPlace, trustedDeviceSeconds } from '../../authn/index.ts';
import type { CookieChange, RequestInfo } from '../../platform/http/index.ts';
import { deviceCookie } from '../../sessions/index.ts';
import { type TrustedDevices, trustedCookie } from '../mfa/trusted.ts';

/** Where the tokens go: into the answer, or into cookies that script cannot read. */
export type Mode = 'bearer' | 'cookie';

/** What a client keeps of earlier sign-ins on its device (PW-11, A8). */
export interface Held {
  /** A device it was signed in on before. */
  known?: string | undefined;
  /** A device that is not asked for a second factor. */
  trusted?: string | undefined;
  /** Whether it keeps anything: a browser does, a program where it says so. */
  isKept: boolean;
}

const separator = '~';

/** In bearer mode one value that only we read stands for the cookies of a browser. `null`: there is none yet, and one is wanted. */
export const deviceFields = {
  deviceToken: Type.Optional(Type.Union([Type.String({ minLength: 1, maxLength: 400 }), Type.Null()])),
};
/** With a second factor: no other is asked for here for 30 days. */
export const rememberFields = { ...deviceFields, rememberDevice: Type.Optional(Type.Boolean()) };

export const heldIn = (mode: Mode, request: RequestInfo, deviceToken: string | null | undefined): Held => {
  if (mode === 'cookie') return { known: request.cookie(deviceCookie), trusted: request.cookie(trustedCookie), isKept: true };
  const [known = '', trusted = ''] = (deviceToken ?? '').split(separator);
  return { known: known || undefined, trusted: trusted || undefined, isKept: deviceToken !== undefined };
};

/** Where a JSON sign-in comes from. */
export const placeOf = ({ ip, userAgent }: RequestInfo, held: Held, clientId: string): SignInPlace => ({
  channel: 'api',
  clientId,
  trustedDevice: held.trusted,
  from: { ip, userAgent, device: held.known, isBrowser: held.isKept },
});

export interface DeviceDeps {
  knownDevices: Pick<KnownDevices, 'remember' | 'seconds'>;
  trustedDevices: TrustedDevices;
}

/** What the device is to hold after a sign-in; the same rows as those of the hosted pages. */
export const createKeepDevice =
  ({ knownDevices, trustedDevices }: DeviceDeps) =>
  async (held: Held, accountId: string, { ip, userAgent }: RequestInfo, isTrusted: boolean): Promise<Held> => {
    if (!held.isKept) return held;
    const known = await knownDevices.remember(held.known, accountId, { ip, userAgent });
    if (!isTrusted) return { ...held, known };
    return { known, trusted: await trustedDevices.remember(accountId, held.trusted, userAgent), isKept: true };
  };

export const deviceTokenOf = ({ known, trusted }: Held): string | undefined =>
  trusted === undefined ? known : `${known ?? ''}${separator}${trusted}`;

/** @param before a trust that is older goes on as long as it was to */
export const deviceCookies = ({ known, trusted }: Held, before: Held, knownSeconds: number): CookieChange[] => [
  ...(known === undefined ? [] : [{ name: deviceCookie, value: known, seconds: knownSeconds }]),
  ...(trusted === undefined || trusted === before.trusted
    ? []
    : [{ name: trustedCookie, value: trusted, seconds: trustedDeviceSeconds }]),
];
