import type { KnownDevices } from '../../authn/index.ts';
import type { PageContext } from '../../platform/http/index.ts';
import { flowOf } from '../recovery/page.ts';

/** PW-11: what a browser holds once somebody has signed in there. It tells nothing and signs nobody in. */
const deviceCookie = 'castellan_device';

/** What a posted sign-in brings beside login and password. */
export const broughtBy = (page: PageContext) => {
  const { work, code } = page.form;
  const { flow } = flowOf(page);
  return {
    device: page.request.cookie(deviceCookie),
    work: work === '' ? undefined : work,
    mailed: flow !== undefined && code !== undefined && code.trim() !== '' ? { flow, code } : undefined,
  };
};

export const rememberBrowser = async (page: PageContext, accountId: string, devices: KnownDevices): Promise<void> => {
  const { ip, userAgent } = page.request;
  const held = await devices.remember(page.request.cookie(deviceCookie), accountId, { ip, userAgent });
  page.keepCookie({ name: deviceCookie, value: held, seconds: devices.seconds });
};
