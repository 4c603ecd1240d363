import { trustedDeviceSeconds } from '../../authn/index.ts';
import type { PageContext } from '../../platform/http/index.ts';

/** Devices that are not asked again, as `authn` keeps them. */
export interface TrustedDevices {
  remember(accountId: string, cookie: string | undefined, userAgent: string | undefined): Promise<string>;
}

export const trustedCookie = 'castellan_trusted';

export const heldTrust = ({ request }: PageContext): string | undefined => request.cookie(trustedCookie);

/** Where the person has chosen so: no second factor here for 30 days. */
export const rememberDevice = async (page: PageContext, accountId: string, devices: TrustedDevices): Promise<void> => {
  if (page.form.remember !== 'yes') return;
  const value = await devices.remember(accountId, heldTrust(page), page.request.userAgent);
  page.keepCookie({ name: trustedCookie, value, seconds: trustedDeviceSeconds });
};
