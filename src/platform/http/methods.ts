import type Koa from 'koa';
import { errors } from '../errors/index.ts';

/** RFC 9110 §15.5.6: a known path that no lane answered was asked with the wrong method. */
export const refuseMethods: Koa.Middleware = async (ctx, next) => {
  const matched = (ctx.matched ?? []) as { methods: readonly string[] }[];
  if (matched.length === 0 || ctx.status !== 404 || ctx.body) return await next();
  const allow = [...new Set(matched.flatMap(({ methods }) => methods))].join(', ');
  if (ctx.method !== 'OPTIONS') throw errors.method_not_allowed({ headers: { Allow: allow } });
  ctx.set('Allow', allow);
  ctx.status = 204;
};
