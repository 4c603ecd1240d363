/**
 * Owns: the HTTP pipeline of all three lanes (STYLE "How a request flows"): correlation, log, metrics, errors, headers, limits,
 * the route table with its OpenAPI document, the page lane with CSRF, static files, health, and the server's life.
 */
import type { IncomingMessage } from 'node:http';
import Koa from 'koa';
import Router from 'koa-router';
import type { Config } from '../config/index.ts';
import type { Envelope } from '../crypto/index.ts';
import type { Logger } from '../logging/index.ts';
import type { Metrics } from '../metrics/index.ts';
import type { AuditBuffer, Authenticator, Clock, Guard } from '../ports.ts';
import type { Views } from '../views/index.ts';
import { serveAssets } from './assets.ts';
import { requirePlainBody } from './body.ts';
import { errorBoundary } from './boundary.ts';
import { createBudgets } from './budgets.ts';
import { createRecorder, type HttpRouter, observe, pinIssuer, securityHeaders } from './context.ts';
import { createOwnCookies } from './cookies.ts';
import { type ApiCsrf, createApiCsrf } from './csrf.ts';
import { createDirectAnswers, type DirectRoute } from './direct.ts';
import { createDocumentAnswer, type StaticDocument } from './documents.ts';
import { createIdempotency } from './idempotency.ts';
import { rememberMatches } from './matches.ts';
import { refuseMethods } from './methods.ts';
import { type HealthProbe, mountOperations } from './operations.ts';
import { createPages } from './pages.ts';
import type { IdempotencyRepository } from './repository.ts';
import type { RequestListener } from './server.ts';
import { createTable, type RouteRow } from './table.ts';
import type { AdminRoutes, PageOf, PageRoutes } from './types.ts';

export { decodeText, parseJson } from './body.ts';
export { networkOf } from './budgets.ts';
export { pinIssuer } from './context.ts';
export { accessCookie, type CookieChange } from './cookies.ts';
export { cors } from './cors.ts';
export type { ApiCsrf } from './csrf.ts';
export type { DirectRequest, DirectRoute } from './direct.ts';
export type { StaticDocument } from './documents.ts';
export { fieldWords } from './field-words.ts';
export { decodeCursor, encodeCursor, etagOf, ListQuery, listOf, PageQuery, pageOfItems, requireMatch } from './lists.ts';
export { refuseMethod } from './methods.ts';
export type { DependencyState, HealthProbe } from './operations.ts';
export { ownPath } from './pages.ts';
export { personOf } from './person.ts';
export { createIdempotencyRepository } from './repository.ts';
export { createHttpServer, drain, listenOn, type RequestListener } from './server.ts';
export { answer, checkOf, type RouteRow } from './table.ts';
export type { AdminRoutes, Answer, PageContext, PageOf, PageRoutes, RequestInfo, RouteAccess } from './types.ts';

/** What the protocol core answers alone. */
export interface MachineLane {
  /** Paths that are no page or route of ours: they need not be looked for among those. */
  paths: ReadonlySet<string>;
  /** The document at a path, where it is the same for everybody. */
  document(path: string): StaticDocument | undefined;
}

export interface HttpDeps {
  config: Config;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  envelope: Envelope;
  views: Views;
  authenticator: Authenticator;
  guard: Guard;
  audit: AuditBuffer;
  probes: readonly HealthProbe[];
  idempotencyKeys: IdempotencyRepository;
  validateResponses?: boolean;
}

export interface Http {
  admin: AdminRoutes;
  pages: PageRoutes;
  pageOf: PageOf;
  rows: readonly RouteRow[];
  /** Of requests that are known by a cookie. */
  csrf: ApiCsrf;
  /** Middleware ahead of the routes: static protocol bytes, CORS. */
  useFirst(middleware: Koa.Middleware): void;
  /** Middleware behind the routes: the protocol lane. */
  useLast(middleware: Koa.Middleware): void;
  /** Shortcuts for what only the protocol lane answers. */
  setMachineLane(lane: MachineLane): void;
  /** What answers plain requests ahead of the pipeline. */
  addDirect(routes: readonly DirectRoute[]): void;
  /** The provider's keys sign the outer app's cookies too (GROUND.md §7). */
  setKeys(keys: readonly string[]): void;
  /** Health says "draining" from now on. */
  startDraining(): void;
  callback(): RequestListener;
}

export const createHttp = (deps: HttpDeps): Http => {
  const { config, clock, logger, metrics, envelope, views, probes } = deps;
  const app = new Koa();
  const router: HttpRouter = new Router<Koa.DefaultState, Koa.DefaultContext>();
  let isDraining = false;
  pinIssuer(app.request, config.issuer);
  app.on('error', (error: unknown) => logger.error({ err: error }, 'unexpected'));

  const cookies = createOwnCookies(config.issuer);
  const csrf = createApiCsrf({ issuer: config.issuer, envelope });
  const { routes: pages, pageOf } = createPages({ config, envelope, views, router, cookies });
  const budgets = createBudgets({ limits: config.rateLimits, clock });
  const { admin, rows } = createTable({
    router,
    issuer: config.issuer,
    authenticator: deps.authenticator,
    guard: deps.guard,
    audit: deps.audit,
    clock,
    admit: budgets.admit,
    cookies,
    csrf,
    once: createIdempotency({ keys: deps.idempotencyKeys, envelope, clock }),
    validateResponses: deps.validateResponses ?? false,
  });
  mountOperations({ config, clock, metrics, router, rows, probes, isDraining: () => isDraining });

  const first: Koa.Middleware[] = [];
  const last: Koa.Middleware[] = [];
  let lane: MachineLane = { paths: new Set(), document: () => undefined };
  const directRoutes = new Map<string, DirectRoute>();
  /** Of what failed ahead of the pipeline: it is not tried again. */
  const failures = new WeakMap<IncomingMessage, unknown>();
  const record = createRecorder({ logger, metrics });
  return {
    admin,
    pages,
    pageOf,
    rows,
    csrf,
    useFirst: (middleware) => void first.push(middleware),
    useLast: (middleware) => void last.push(middleware),
    setMachineLane: (given) => {
      lane = given;
    },
    addDirect: (routes) => {
      for (const route of routes) directRoutes.set(route.line, route);
    },
    setKeys: (keys) => {
      app.keys = [...keys];
    },
    startDraining: () => {
      isDraining = true;
    },
    callback: () => {
      app.use(observe({ config, clock, cookies, record }));
      app.use(errorBoundary({ logger, pageOf }));
      app.use(securityHeaders(config));
      app.use(serveAssets(views));
      for (const middleware of first) app.use(middleware);
      app.use(budgets.middleware);
      rememberMatches(router);
      const routes = router.routes();
      app.use((ctx, next) => {
        ctx.isProtocol = lane.paths.has(ctx.path);
        if (failures.has(ctx.req)) {
          ctx.routePattern = ctx.path;
          throw failures.get(ctx.req);
        }
        requirePlainBody(ctx.req);
        if (!ctx.isProtocol) return routes(ctx as Parameters<typeof routes>[0], next);
        ctx.routePattern = ctx.path;
        return next();
      });
      for (const middleware of last) app.use(middleware);
      app.use(refuseMethods);
      const listener = app.callback();
      const answerDocument = createDocumentAnswer({ config, clock, record, find: (path) => lane.document(path) });
      const answerDirectly = createDirectAnswers({
        config,
        clock,
        record,
        budgets,
        find: (line) => directRoutes.get(line),
        isDraining: () => isDraining,
      });
      return (request, response) => {
        const pass = (failure?: unknown): void => {
          if (failure !== undefined) failures.set(request, failure);
          void listener(request, response);
        };
        if (!answerDocument(request, response) && !answerDirectly(request, response, pass)) pass();
      };
    },
  };
};
