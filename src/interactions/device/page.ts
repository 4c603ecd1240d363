import type { Context } from 'koa';
import type { DeviceProblem, ProtocolPages } from '../../oidc/index.ts';
import type { PageOf } from '../../platform/http/index.ts';
import { shownAs } from '../application.ts';
import type { FormError } from '../steps.ts';

type Mistake = Exclude<DeviceProblem, 'denied' | 'failed'>;

const messages: Record<Mistake, string> = {
  missing: 'device.missing',
  unknown: 'device.wrong',
  expired: 'device.expired',
  used: 'device.used',
};

const errorOf = (problem: Mistake | undefined): FormError[] =>
  problem === undefined ? [] : [{ field: 'user_code', key: messages[problem] }];

/** Programs name themselves as they like: the first word of it is enough to recognize one. */
const programOf = (userAgent: string | undefined): string | undefined => userAgent?.slice(0, 60);

/** RFC 8628 §3.3: code, comparison with the device, outcome. */
export const createDevicePages = (pageOf: PageOf): Pick<ProtocolPages, 'deviceInput' | 'deviceConfirm' | 'deviceDone'> => ({
  deviceInput: (ctx: Context, { action, xsrf, userCode, problem }) => {
    const page = pageOf(ctx);
    if (problem === 'denied') {
      page.render('notice', { key: 'device.denied', links: [{ key: 'link.device', href: '/device' }] });
      return;
    }
    if (problem === 'failed') {
      // The form belongs to a session that has ended, or to none: only a new one can be sent.
      page.render('notice', { key: 'device.over', kind: 'warning', links: [{ key: 'link.device', href: '/device' }] }, 400);
      return;
    }
    const errors = errorOf(problem);
    page.render('device-code', { action, hidden: { xsrf }, userCode, errors }, errors.length > 0 ? 400 : 200);
  },
  deviceConfirm: (ctx, { action, xsrf, userCode, client, device }) => {
    pageOf(ctx).render('device-confirm', {
      action,
      hidden: { xsrf, user_code: userCode },
      userCode,
      ...shownAs(client),
      device: { ip: device.ip, browser: programOf(device.userAgent) },
    });
  },
  deviceDone: (ctx, client) => {
    pageOf(ctx).render('notice', { key: 'device.done', kind: 'success', ...shownAs(client), path: '/device' });
  },
});
