import type { Static, TSchema } from '@sinclair/typebox';
import type Koa from 'koa';
import type { StepUp } from '../assurance/index.ts';
import type { House, PermissionScope, Principal } from '../ports.ts';
import type { Locale } from '../views/index.ts';
import type { CookieChange } from './cookies.ts';
import type { Worn } from './houses.ts';

/** What a service or an audit event may want to know of the request. Nothing of it is trusted beyond TRUST_PROXY. */
export interface RequestInfo {
  correlationId: string;
  /** Client address, through trusted proxies only. */
  ip: string;
  userAgent: string | undefined;
  /** A request header by its lower-case name. */
  header(name: string): string | undefined;
  /** One of our own cookies by its plain name; one that came twice is none (SE-03). */
  cookie(name: string): string | undefined;
}

/** `resource:action` without a scope, or an explicit mark that no permission is needed. */
export type RouteAccess = 'public' | 'self' | `${string}:${string}`;

export type TokenScope = 'api' | 'authz' | 'authz_entities' | 'scim';

/** One row of the route table. From it come validation, OpenAPI, the guard, rate-limit class and metrics labels. */
export interface RouteSpec<
  Access extends RouteAccess,
  Params extends TSchema,
  Query extends TSchema,
  Body extends TSchema,
  Response extends TSchema,
> {
  summary: string;
  /** For the OpenAPI document: what the shapes do not say. */
  description?: string;
  /** `public`: nobody need be signed in. `self`: any caller with a valid token, about itself. Else the permission. */
  permission: Access;
  /** Scope of the access token, default `api` (CONTRACT.md); of several one is enough. */
  scope?: TokenScope | readonly [TokenScope, ...TokenScope[]];
  /** The object is the deployment's own: only who holds the permission everywhere may (TN-02). */
  everywhere?: true;
  /** The path parameter that is the id of the person whom the request is about: a narrow direct deny is judged by that person. */
  person?: string;
  /** How recent and how strong a person's sign-in must be (RFC 9470); machines have none and are not asked. */
  stepUp?: StepUp;
  params?: Params;
  query?: Query;
  body?: Body;
  response?: Response;
  /** Status of the usual answer; a handler may return `answer(...)` with another. */
  status: number;
}

export interface RouteInput<Access extends RouteAccess, Params extends TSchema, Query extends TSchema, Body extends TSchema> {
  params: Static<Params>;
  query: Static<Query>;
  body: Static<Body>;
  principal: Access extends 'public' ? Principal | undefined : Principal;
  /** How far the caller's permission reaches; `own` on `self` routes. */
  reach: PermissionScope;
  /** Where `reach` is `organization`: in which ones. */
  organizationIds: readonly string[];
  request: RequestInfo;
}

/** An answer that is more than a JSON body with the spec's status. */
export interface Answer {
  readonly isAnswer: true;
  status?: number;
  headers?: Record<string, string>;
  cookies?: readonly CookieChange[];
  body?: unknown;
}

export type RouteHandler<
  Access extends RouteAccess,
  Params extends TSchema,
  Query extends TSchema,
  Body extends TSchema,
  Response extends TSchema,
> = (input: RouteInput<Access, Params, Query, Body>) => Promise<Static<Response> | Answer | undefined>;

type AddRoute = <
  const Access extends RouteAccess,
  Params extends TSchema,
  Query extends TSchema,
  Body extends TSchema,
  Response extends TSchema,
>(
  path: string,
  spec: RouteSpec<Access, Params, Query, Body, Response>,
  handler: RouteHandler<Access, Params, Query, Body, Response>,
) => void;

/** The route table. Paths start at the issuer's root: `/api/v1/clients/:id`. */
export interface AdminRoutes {
  get: AddRoute;
  post: AddRoute;
  put: AddRoute;
  patch: AddRoute;
  delete: AddRoute;
}

/** One request for a hosted page. */
export interface PageContext {
  readonly ctx: Koa.Context;
  readonly request: RequestInfo;
  readonly params: Record<string, string>;
  readonly query: Record<string, string>;
  /** Fields of a posted form, each at most once; empty on GET. The CSRF token has been checked by then. */
  readonly form: Record<string, string>;
  /** Chosen by the person, asked for by the application, preferred by the browser (platform/views). */
  readonly locale: Locale;
  /** The same, with what an application asked for (`ui_locales`) between the person's choice and the browser's preference. */
  localeFor(uiLocales: string | undefined): Locale;
  /** Keeps the person's choice in a cookie. */
  chooseLocale(locale: Locale): void;
  /** Sets one of our own cookies; `request.cookie` reads it. */
  keepCookie(change: CookieChange): void;
  /** How the last sign-in page of this browser looked, and where that sign-in goes on; empty where there was none. */
  readonly worn: Worn;
  /** This page looks like it from here on, and so do the mails that its request owes. */
  wear(house: House | undefined): void;
  /** Pages outside of the sign-in look like it too: forgotten passwords, mailed links, signing out. */
  keepWorn(worn: Worn): void;
  /**
   * Renders `views/<template>.njk`; `csrfToken`, `nonce`, `locale`, `requestId`, `house` and `path` (of this page, for the language
   * links) are there without being passed, and may be.
   */
  render(template: string, values: Record<string, unknown>, status?: number): void;
  /**
   * Lets a form of this page end at another origin or scheme: browsers apply the policy's `form-action` also to the redirects
   * that follow a post, and a sign-in ends at the client.
   */
  allowFormTarget(source: string): void;
  /** 303, to our own origin unless the caller vouches for the address. */
  redirect(location: string): void;
}

export interface PageRoutes {
  get(path: string, handler: (page: PageContext) => Promise<void>): void;
  /** A form post; `Content-Type` and CSRF token are checked before the handler. */
  post(path: string, handler: (page: PageContext) => Promise<void>): void;
}

/** Page context of a request that reached us by another way than `PageRoutes`: the provider's own pages, the error boundary. */
export type PageOf = (ctx: Koa.Context) => PageContext;
