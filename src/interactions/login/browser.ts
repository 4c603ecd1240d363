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
    device: page.ctx.cookies.get(deviceCookie, { signed: false }),
    work: work === '' ? undefined : work,
    mailed: flow !== undefined && code !== undefined && code.trim() !== '' ? { flow, code } : undefined,
  };
};

export const rememberBrowser = async (page: PageContext, accountId: string, devices: KnownDevices): Promise<void> => {
  const { ip, userAgent } = page.request;
  const held = await devices.remember(page.ctx.cookies.get(deviceCookie, { signed: false }), accountId, { ip, userAgent });
  const options = { signed: false, httpOnly: true, sameSite: 'lax', path: '/', overwrite: true } as const;
  page.ctx.cookies.set(deviceCookie, held, { ...options, maxAge: devices.seconds * 1000, secure: page.ctx.secure });
};
