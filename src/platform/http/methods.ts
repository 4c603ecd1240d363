import type Koa from 'koa';
import { errors } from '../errors/index.ts';

/** @throws method_not_allowed, but for OPTIONS, which is answered */
export const refuseMethod = (ctx: Koa.Context, methods: readonly string[]): void => {
  const allow = methods.join(', ');
  if (ctx.method !== 'OPTIONS') throw errors.method_not_allowed({ headers: { Allow: allow } });
  ctx.set('Allow', allow);
  ctx.status = 204;
};

/** RFC 9110 §15.5.6: a known path that no lane answered was asked with the wrong method. */
export const refuseMethods: Koa.Middleware = async (ctx, next) => {
  const matched = (ctx.matched ?? []) as { methods: readonly string[] }[];
  if (matched.length === 0 || ctx.status !== 404 || ctx.body) return await next();
  refuseMethod(ctx, [...new Set(matched.flatMap(({ methods }) => methods))]);
};
