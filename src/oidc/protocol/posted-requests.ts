import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';
import getRawBody from 'raw-body';
import { refuseRepeated } from './repeated-parameters.ts';

type Middleware = Parameters<Provider['use']>[0];

const maxBytes = 8 * 1024;
const cookieName = 'posted_logout';
const formType = 'application/x-www-form-urlencoded';

interface PostedRequestsDeps {
  authorizationPath: string;
  logoutPath: string;
  isHttps: boolean;
}

/** Only what cannot be said in an address is kept back: the ID token hint of a logout (RFC 9700: no tokens in URLs). */
const hint = 'id_token_hint';

/**
 * OpenID Connect Core §3.1.2.1 and RP-Initiated Logout §2 want POST as well as GET. Cookies that are SameSite=Lax do not come with
 * a cross-site POST, so the parameters travel on by a 303 to the same address, where they do.
 */
export const postedRequests = ({ authorizationPath, logoutPath, isHttps }: PostedRequestsDeps): Middleware => {
  // SE-03
  const name = isHttps ? `__Host-${cookieName}` : cookieName;
  const cookie = { path: '/', httpOnly: true, sameSite: 'lax', overwrite: true, signed: false, secure: isHttps } as const;

  const restoreHint = (ctx: Context): void => {
    if (ctx.method !== 'GET' || ctx.query[hint] !== undefined) return;
    const kept = ctx.cookies.get(name, { signed: false });
    if (!kept) return;
    ctx.cookies.set(name, null, cookie);
    ctx.query = { ...ctx.query, [hint]: kept };
  };

  const keepHint = (ctx: Context, parameters: URLSearchParams): void => {
    const token = parameters.get(hint);
    if (token === null || !/^[\w.-]{1,3500}$/.test(token)) return;
    parameters.delete(hint);
    ctx.cookies.set(name, token, { ...cookie, maxAge: 60_000 });
  };

  return async (ctx, next) => {
    const isLogout = ctx.path === logoutPath;
    if (!isLogout && ctx.path !== authorizationPath) return await next();
    if (isLogout) restoreHint(ctx);
    if (ctx.method !== 'POST' || !ctx.is(formType)) return await next();
    const parameters = new URLSearchParams(await getRawBody(ctx.req, { limit: maxBytes, encoding: 'utf8' }));
    if (isLogout) keepHint(ctx, parameters);
    else refuseRepeated(parameters.keys());
    ctx.status = 303;
    ctx.set('Location', `${ctx.path}?${parameters}`);
    ctx.set('Cache-Control', 'no-store');
  };
};
