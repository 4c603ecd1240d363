import type Koa from 'koa';
import type { Views } from '../views/index.ts';

const prefix = '/assets/';

/** Static files out of memory; an address that carries the content's digest may be cached for good. */
export const serveAssets =
  ({ assets }: Pick<Views, 'assets'>): Koa.Middleware =>
  async (ctx, next) => {
    const asset = ctx.path.startsWith(prefix) ? assets.get(ctx.path.slice(prefix.length)) : undefined;
    if (!asset || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return await next();
    ctx.routePattern = `${prefix}:file`;
    const isPinned = ctx.query.v === asset.etag.slice(1, 9);
    ctx.set('Cache-Control', isPinned ? 'public, max-age=31536000, immutable' : 'public, max-age=300');
    ctx.set('ETag', asset.etag);
    ctx.type = asset.contentType;
    ctx.status = 200;
    if (ctx.fresh) ctx.status = 304;
    else ctx.body = asset.body;
  };
