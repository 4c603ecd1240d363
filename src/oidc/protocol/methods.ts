import type { Provider } from 'oidc-provider';
import { refuseMethod } from '../../platform/http/index.ts';
import { endpointMethods } from '../provider/routes.ts';

type Middleware = Parameters<Provider['use']>[0];

/**
 * RFC 9110 §15.5.6, ahead of the core: it answers another method with 404, and takes `GET /device/code` for somebody who comes back
 * from a sign-in to `/device/:uid`.
 */
export const knownMethods: Middleware = async (ctx, next) => {
  const methods = endpointMethods.get(ctx.path);
  if (methods === undefined || methods.includes(ctx.method)) return await next();
  refuseMethod(ctx, methods);
};
