import koaCors from '@koa/cors';
import type Koa from 'koa';

const exposed = ['WWW-Authenticate', 'DPoP-Nonce', 'ETag', 'Retry-After', 'RateLimit', 'RateLimit-Policy', 'X-Correlation-Id'];
const allowed = [
  'Authorization',
  'Content-Type',
  'DPoP',
  'Idempotency-Key',
  'If-Match',
  'X-Accept-Terms',
  'X-Correlation-Id',
  'X-Proof-Of-Work',
];
const preflightSeconds = 3600;

// Metadata is for everybody (INTEROP: `*` without credentials).
const isPublic = (path: string): boolean => path.startsWith('/.well-known/') || path === '/jwks';

export interface CorsDeps {
  issuer: string;
  /** Whether a client's registration names an address of this origin. */
  isRegistered(origin: string): Promise<boolean>;
}

/**
 * SE-08: other origins read our answers only where a client's registration names them; never `null`, never with credentials. The
 * core, which lets every origin read a refusal that names no client, is held to it too.
 */
export const cors = ({ issuer, isRegistered }: CorsDeps): Koa.Middleware => {
  const answer = koaCors({
    origin: (ctx) => ctx.get('origin'),
    exposeHeaders: exposed,
    allowHeaders: allowed,
    maxAge: preflightSeconds,
  }) as unknown as Koa.Middleware;
  const foreign: Koa.Middleware = async (ctx, next) => {
    const origin = ctx.get('origin');
    if (origin !== 'null' && (await isRegistered(origin))) return await answer(ctx, next);
    try {
      return await next();
    } finally {
      for (const name of ['Allow-Origin', 'Allow-Methods', 'Allow-Headers', 'Expose-Headers', 'Max-Age'])
        ctx.remove(`Access-Control-${name}`);
    }
  };
  return (ctx, next) => {
    const origin = ctx.get('origin');
    return origin === '' || origin === issuer || isPublic(ctx.path) ? next() : foreign(ctx, next);
  };
};
