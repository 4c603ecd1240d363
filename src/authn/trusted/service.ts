import { randomSecret, sha256, uuidv7 } from '../../platform/crypto/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { TrustedDeviceRepository } from './repository.ts';

/** A8: 30 days. */
export const trustedDeviceSeconds = 30 * 24 * 3600;
/** People who share a browser. */
const maxTokens = 5;

/** The cookie holds a token for each person who chose to be remembered here, the newest first. */
const tokensOf = (cookie: string | undefined): string[] =>
  (cookie ?? '')
    .split('.')
    .filter((token) => /^[\w-]{43}$/.test(token))
    .slice(0, maxTokens);

/** Devices that are not asked for a second factor again (FEATURES A8); they stand for it, and raise no level. */
export const createTrustedDevices = ({ devices, clock }: { devices: TrustedDeviceRepository; clock: Clock }) => ({
  recognizes: async (accountId: string, cookie: string | undefined): Promise<boolean> => {
    const tokens = tokensOf(cookie);
    return tokens.length > 0 && devices.recognize(accountId, tokens.map(sha256), clock.now());
  },
  /** @returns the cookie's new value */
  remember: async (accountId: string, cookie: string | undefined, userAgent: string | undefined): Promise<string> => {
    const token = randomSecret();
    const now = clock.now();
    const expiresAt = new Date(now.getTime() + trustedDeviceSeconds * 1000);
    await devices.insert({ id: uuidv7(now), userId: accountId, hash: sha256(token), userAgent, expiresAt }, now);
    return [token, ...tokensOf(cookie)].slice(0, maxTokens).join('.');
  },
  list: (accountId: string) => devices.list(accountId, clock.now()),
  /** One of them; nothing where it is somebody else's. */
  forgetOne: async (accountId: string, id: string): Promise<void> => void (await devices.remove(accountId, id)),
  forget: async (accountId: string): Promise<void> => void (await devices.removeAll(accountId)),
});

export type TrustedDevices = ReturnType<typeof createTrustedDevices>;
