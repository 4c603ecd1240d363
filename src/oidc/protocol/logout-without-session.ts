import type { Context } from 'koa';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';

type Middleware = Parameters<Provider['use']>[0];

/** Part of the name of the session's cookie and of its signature. */
const sessionCookie = 'castellan_session';

interface LogoutDeps {
  path: string;
  /** Says that nobody is signed in. */
  render(ctx: Context): void | Promise<void>;
}

interface Asked {
  state?: string | undefined;
  postLogoutRedirectUri?: string | undefined;
}

const addressOf = ({ state, postLogoutRedirectUri }: Asked): string | undefined => {
  if (postLogoutRedirectUri === undefined) return undefined;
  const url = new URL(postLogoutRedirectUri);
  if (state !== undefined) url.searchParams.set('state', state);
  return url.href;
};

/**
 * RP-Initiated Logout §3, §4 where nobody is signed in: there is nothing to ask and nothing to end. The core sends a form that confirms
 * itself, and makes a session for it; the person gets a page that says so, or goes on to the client's address, which the core has
 * checked by then.
 */
export const logoutWithoutSession = ({ path, render }: LogoutDeps): Middleware => {
  return async (ctx, next) => {
    await next();
    const { session } = (ctx as Partial<KoaContextWithOIDC>).oidc ?? {};
    if (ctx.method !== 'GET' || ctx.path !== path || ctx.status !== 200 || !session || session.accountId !== undefined) return;
    const address = addressOf((session.state ?? {}) as Asked);
    await session.destroy();
    const cookies = [ctx.response.get('Set-Cookie')].flat().filter((cookie) => !cookie.includes(sessionCookie));
    ctx.set('Set-Cookie', cookies);
    if (address === undefined) return await render(ctx);
    ctx.status = 303;
    ctx.redirect(address);
  };
};
