import type Koa from 'koa';

/** A cookie to be kept for some seconds; an empty value ends it. */
export interface CookieChange {
  name: string;
  value: string;
  seconds: number;
  /** `lax` where people come by links from elsewhere (default), `strict` where only script asks. */
  sameSite?: 'lax' | 'strict';
}

export interface OwnCookies {
  read(ctx: Koa.Context, name: string): string | undefined;
  keep(ctx: Koa.Context, change: CookieChange): void;
}

/** Access token of a sign-in in cookie mode (CONTRACT.md, `mode`). */
export const accessCookie = 'castellan_access';

export const cookieName = (issuer: string, name: string): string => (issuer.startsWith('https:') ? `__Host-${name}` : name);

/**
 * SE-03: the one place where our cookies get their name and attributes; on https they are `__Host-`, so that no other host or path
 * can plant one. What they hold proves itself (tokens, digests): a signature beside it would say nothing more.
 */
export const createOwnCookies = (issuer: string): OwnCookies => {
  const secure = issuer.startsWith('https:');
  return {
    read: (ctx, name) => {
      const start = `${cookieName(issuer, name)}=`;
      const found = ctx
        .get('cookie')
        .split(';')
        .map((pair) => pair.trim())
        .filter((pair) => pair.startsWith(start));
      // Of two of one name somebody else has set one.
      const value = found.length === 1 ? found[0]?.slice(start.length) : undefined;
      return value === '' ? undefined : value;
    },
    keep: (ctx, { name, value, seconds, sameSite = 'lax' }) => {
      const options = { signed: false, httpOnly: true, path: '/', overwrite: true, secure, sameSite } as const;
      ctx.cookies.set(cookieName(issuer, name), value, { ...options, maxAge: seconds * 1000 });
    },
  };
};
