import { randomBytes } from 'node:crypto';
import type Koa from 'koa';
import type { Config } from '../config/index.ts';
import { constantTimeEqual, type Envelope } from '../crypto/index.ts';
import { errors } from '../errors/index.ts';
import { currentScope } from '../logging/index.ts';
import type { House } from '../ports.ts';
import { chooseLocale, type Locale, type Views } from '../views/index.ts';
import { readForm, readParams, readQuery } from './body.ts';
import { type HttpRouter, nonceOf, setContentPolicy } from './context.ts';
import type { OwnCookies } from './cookies.ts';
import { isOwnRequest } from './csrf.ts';
import { createHouseCookie } from './houses.ts';
import type { PageContext, PageOf, PageRoutes } from './types.ts';

const localeCookie = 'castellan_locale';
const csrfField = '_csrf';
const csrfCookie = 'castellan_csrf';
const csrfCookieSeconds = 43_200;
const localeCookieSeconds = 31_536_000;

interface PagesDeps {
  config: Config;
  envelope: Envelope;
  views: Views;
  router: HttpRouter;
  cookies: OwnCookies;
}

/** A double-submit token: the form's value is a keyed digest of the cookie's, so neither can be planted without the other. */
const createCsrf = (config: Config, envelope: Envelope, cookies: OwnCookies) => {
  const tokenOf = (cookie: string): string => envelope.blindIndex(cookie, 'csrf');
  return {
    issue: (ctx: Koa.Context): string => {
      const existing = cookies.read(ctx, csrfCookie);
      const value = existing && /^[\w-]{43}$/.test(existing) ? existing : randomBytes(32).toString('base64url');
      cookies.keep(ctx, { name: csrfCookie, value, seconds: csrfCookieSeconds });
      return tokenOf(value);
    },
    /** @throws csrf_refused */
    check: (ctx: Koa.Context, token: string | undefined): void => {
      const cookie = cookies.read(ctx, csrfCookie);
      const isOwn = isOwnRequest(ctx.info, config.issuer);
      if (!isOwn || !cookie || !token || !constantTimeEqual(token, tokenOf(cookie))) throw errors.csrf_refused();
    },
  };
};

/** RU-05: only a path on our own origin; everything a browser would read as another host is not one. */
export const ownPath = (target: string | undefined): string | undefined => {
  if (target === undefined || !/^\/(?![/\\])[\x21-\x7e]*$/.test(target) || target.includes('\\')) return undefined;
  return target;
};

export interface Pages {
  routes: PageRoutes;
  pageOf: PageOf;
}

/** The browser lane: pages, forms, their CSRF token. */
export const createPages = ({ config, envelope, views, router, cookies }: PagesDeps): Pages => {
  const csrf = createCsrf(config, envelope, cookies);
  const houses = createHouseCookie(envelope, cookies);

  const contextOf = (ctx: Koa.Context, form: Record<string, string>, query: Record<string, string>): PageContext => {
    const formTargets: string[] = [];
    const localeFor = (uiLocales: string | undefined): Locale =>
      chooseLocale({
        cookie: cookies.read(ctx, localeCookie),
        uiLocales,
        acceptLanguage: ctx.get('accept-language') || undefined,
      });
    const locale = localeFor(query.ui_locales);
    let worn = houses.read(ctx);
    let house: House | undefined;
    const wear = (other: House | undefined): void => {
      house = other;
      const scope = currentScope();
      if (scope) scope.house = other;
    };
    wear(worn.house);
    return {
      ctx,
      request: ctx.info,
      params: (ctx.params ?? {}) as Record<string, string>,
      query,
      form,
      locale,
      localeFor,
      chooseLocale: (chosen) => cookies.keep(ctx, { name: localeCookie, value: chosen, seconds: localeCookieSeconds }),
      keepCookie: (change) => cookies.keep(ctx, change),
      get worn() {
        return worn;
      },
      wear,
      keepWorn: (next) => {
        if (JSON.stringify(next) !== JSON.stringify(worn)) houses.keep(ctx, next);
        worn = next;
      },
      allowFormTarget: (source) => {
        formTargets.push(source);
        setContentPolicy(ctx, formTargets);
      },
      render: (template, values, status = 200) => {
        setContentPolicy(ctx, formTargets);
        const { correlationId: requestId } = ctx.info;
        const shared = { csrfToken: csrf.issue(ctx), nonce: nonceOf(ctx), requestId, house, path: ctx.path };
        const chosen = (values.locale as Locale | undefined) ?? locale;
        ctx.status = status;
        ctx.type = 'html';
        ctx.body = views.render(template, chosen, { ...shared, ...values });
      },
      redirect: (location) => {
        // RU-07: 303, so that a form's body is never posted on.
        ctx.status = 303;
        ctx.set('Location', location);
        ctx.body = '';
      },
    };
  };

  const enter = (ctx: Koa.Context, path: string): void => {
    ctx.routePattern = path;
    ctx.params = readParams(ctx);
  };

  const routes: PageRoutes = {
    get: (path, handler) => {
      router.get(path, async (ctx) => {
        enter(ctx, path);
        await handler(contextOf(ctx, {}, readQuery(ctx)));
      });
    },
    post: (path, handler) => {
      router.post(path, async (ctx) => {
        enter(ctx, path);
        const form = await readForm(ctx);
        csrf.check(ctx, form[csrfField]);
        await handler(contextOf(ctx, form, readQuery(ctx)));
      });
    },
  };

  // Errors and the provider's own pages may come with a query that is itself the mistake.
  const pageOf: PageOf = (ctx) => contextOf(ctx, {}, Object.fromEntries(new URLSearchParams(ctx.querystring)));
  return { routes, pageOf };
};
