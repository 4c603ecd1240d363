import { randomSecret, sha256 } from '../../platform/crypto/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { familyOf } from '../../sessions/index.ts';
import type { InRecovery } from '../recovery/unit.ts';
import type { KnownDeviceRepository } from './repository.ts';

/** How long a browser is remembered after its last sign-in. */
const lifeSeconds = 180 * 86_400;

export interface KnownDeviceDeps {
  devices: KnownDeviceRepository;
  accounts: { find(id: string): Promise<{ claims: Readonly<Record<string, unknown>> } | undefined> };
  clock: Clock;
  site: { issuer: string; inRecovery: InRecovery };
}

/** How the mail tells of a browser that is new to a person. */
export interface NewDevice {
  ip: string;
  userAgent?: string | undefined;
}

/** `Firefox, Linux`; a program that is no browser by the name it gives itself. */
const browserOf = (userAgent: string | undefined): string | undefined => {
  const { browser, os } = familyOf(userAgent);
  return [browser, os].filter(Boolean).join(', ') || userAgent?.slice(0, 60);
};

/** Browsers a person has signed in from (PW-11): not stopped by strangers' guesses, and worth a mail when there is a new one. */
export const createKnownDevices = ({ devices, accounts, clock, site }: KnownDeviceDeps) => {
  const isToken = (value: string | undefined): value is string => value !== undefined && /^[\w-]{43}$/.test(value);

  const claimsOf = async (accountId: string) => (await accounts.find(accountId))?.claims ?? {};

  return {
    seconds: lifeSeconds,
    /** The browser's key in the counters, where it is this person's. */
    recognize: async (token: string | undefined, accountId: string | undefined): Promise<string | undefined> => {
      if (!isToken(token) || accountId === undefined) return undefined;
      const hash = sha256(token);
      return (await devices.recognize(hash, accountId, clock.now())) ? hash : undefined;
    },
    /** After a sign-in. @returns what the browser is to hold from now on */
    remember: async (token: string | undefined, accountId: string, { ip, userAgent }: NewDevice): Promise<string> => {
      const held = isToken(token) ? token : randomSecret();
      const now = clock.now();
      const { email, locale } = await claimsOf(accountId);
      await site.inRecovery(async ({ devices: bound, mail }) => {
        const isKnown = await bound.recognize(sha256(held), accountId, now);
        const isFirst = !isKnown && !(await bound.has(accountId));
        await bound.remember(sha256(held), accountId, now, new Date(now.getTime() + lifeSeconds * 1000));
        if (isKnown || isFirst || typeof email !== 'string') return;
        const values = { ip, browser: browserOf(userAgent), link: `${site.issuer}/forgot` };
        await mail.send({ to: email, template: 'new-device', locale: typeof locale === 'string' ? locale : undefined, values });
      });
      return held;
    },
  };
};

export type KnownDevices = ReturnType<typeof createKnownDevices>;
