import type { KnownDevices } from '../../authn/index.ts';
import type { PageContext } from '../../platform/http/index.ts';
import { deviceCookie } from '../../sessions/index.ts';
import { flowOf } from '../recovery/page.ts';

export const heldDevice = ({ request }: PageContext): string | undefined => request.cookie(deviceCookie);

/** What a posted sign-in brings beside login and password. */
export const broughtBy = (page: PageContext) => {
  const { work, code } = page.form;
  const { flow } = flowOf(page);
  return {
    device: heldDevice(page),
    work: work === '' ? undefined : work,
    mailed: flow !== undefined && code !== undefined && code.trim() !== '' ? { flow, code } : undefined,
  };
};

export const rememberBrowser = async (page: PageContext, accountId: string, devices: KnownDevices): Promise<void> => {
  const { ip, userAgent } = page.request;
  const value = await devices.remember(heldDevice(page), accountId, { ip, userAgent });
  page.keepCookie({ name: deviceCookie, value, seconds: devices.seconds });
};
