import type { Middleware } from 'koa';
import { sha256 } from '../../platform/crypto/index.ts';
import type { StaticDocument } from '../../platform/http/index.ts';
import { routes } from '../provider/routes.ts';

/** Relying parties look again after this long: a next key is published a rotation ahead. */
const maxAge = 300;

const paths: ReadonlySet<string> = new Set([
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  routes.jwks,
]);

export const isDocument = (path: string): boolean => paths.has(path);

/**
 * Keeps the bytes of what one provider says of itself: they depend on its configuration and keys only, and a change of keys makes
 * another provider (GROUND.md §7).
 */
export const createDocuments = () => {
  const kept = new Map<string, StaticDocument>();
  const keep: Middleware = async (ctx, next) => {
    await next();
    if (ctx.method !== 'GET' || ctx.status !== 200 || typeof ctx.body !== 'object') return;
    const body = JSON.stringify(ctx.body);
    const contentType = ctx.response.get('Content-Type') || 'application/json; charset=utf-8';
    const document = { body, contentType, etag: `"${sha256(body)}"`, maxAge };
    kept.set(ctx.path, document);
    ctx.body = body;
    ctx.set('Content-Type', contentType);
    ctx.set('Cache-Control', `public, max-age=${maxAge}`);
    ctx.set('ETag', document.etag);
    ctx.set('Access-Control-Allow-Origin', '*');
  };
  return { keep, find: (path: string): StaticDocument | undefined => kept.get(path) };
};
