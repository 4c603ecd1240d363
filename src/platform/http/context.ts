import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type Koa from 'koa';
import type Router from 'koa-router';
import type { Config } from '../config/index.ts';
import { uuidv7 } from '../crypto/index.ts';
import { errors } from '../errors/index.ts';
import { createRequestLog, inScope, type Logger, type RequestScope } from '../logging/index.ts';
import type { Metrics } from '../metrics/index.ts';
import type { Clock } from '../ports.ts';
import type { OwnCookies } from './cookies.ts';
import type { RequestInfo } from './types.ts';

declare module 'koa' {
  interface DefaultContext {
    info: RequestInfo;
    /** CSP nonce of this answer: `nonceOf`. */
    nonce: string | undefined;
    /** Pattern of the route that answered, for metrics and log. */
    routePattern: string | undefined;
    /** Refusals take the shape of RFC 6749 §5.2. */
    isProtocol: boolean | undefined;
  }
}

export type HttpRouter = Router<Koa.DefaultState, Koa.DefaultContext>;

const correlationPattern = /^[A-Za-z0-9._-]{1,64}$/;

/** The right-most address that is not one of our proxies (TRUST_PROXY). */
export const clientAddress = (peer: string, forwardedFor: string | undefined, config: Pick<Config, 'trustProxy'>): string => {
  const normalize = (address: string): string => address.trim().replace(/^::ffff:(?=\d+\.)/i, '');
  const hops = (forwardedFor ?? '').slice(-2048).split(',').map(normalize).filter(Boolean);
  let address = normalize(peer);
  while (config.trustProxy.has(address)) {
    const next = hops.pop();
    if (next === undefined) break;
    address = next;
  }
  return address.slice(0, 45);
};

/** Ours where the caller gave none, or one that does not fit CONTRACT.md. */
export const correlationIdOf = (given: string | undefined, clock: Clock): string =>
  given !== undefined && correlationPattern.test(given) ? given : uuidv7(clock.now());

interface ObserveDeps {
  config: Config;
  clock: Clock;
  cookies: OwnCookies;
  record: Recorder;
}

const infoOf = (ctx: Koa.Context, { config, clock, cookies }: ObserveDeps): RequestInfo => ({
  correlationId: correlationIdOf(ctx.get('x-correlation-id'), clock),
  ip: clientAddress(ctx.req.socket.remoteAddress ?? '', ctx.get('x-forwarded-for') || undefined, config),
  userAgent: ctx.get('user-agent').slice(0, 512) || undefined,
  header: (name) => ctx.get(name) || undefined,
  cookie: (name) => cookies.read(ctx, name),
});

const health = /^\/health(\/|$)/;

/** OP-09, GROUND.md §7: addresses come from ISSUER; a foreign Host is refused, health probes excepted. */
export const pinIssuer = (request: Koa.BaseRequest, issuer: string): void => {
  const { host, hostname, protocol, origin } = new URL(issuer);
  const pinned = { host, hostname, origin, protocol: protocol.slice(0, -1), secure: protocol === 'https:' };
  for (const [name, value] of Object.entries(pinned))
    Object.defineProperty(request, name, { get: () => value, configurable: true });
};

/** Whether a request was sent to ISSUER's host, as far as it says (X-Forwarded-Host through trusted proxies only). */
export const createHostTest = ({ issuer, trustProxy }: Pick<Config, 'issuer' | 'trustProxy'>) => {
  const own = new URL(issuer).host;
  return ({ headers, socket }: IncomingMessage): boolean => {
    const forwarded = headers['x-forwarded-host'];
    if (forwarded === undefined) return headers.host === own || headers.host?.toLowerCase() === own;
    const isProxied = trustProxy.has(socket.remoteAddress ?? '');
    const asked = (isProxied && String(forwarded)) || headers.host || '';
    return asked.toLowerCase() === own;
  };
};

const hostCheck = (config: Config): ((ctx: Koa.Context) => void) => {
  const isOurs = createHostTest(config);
  return (ctx) => {
    if (isOurs(ctx.req) || health.test(ctx.path) || ctx.path === '/metrics') return;
    throw errors.misdirected_request({ detail: `This service answers at ${config.issuer} only` });
  };
};

export interface PipelineDeps {
  config: Config;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
}

export interface AnsweredRequest {
  correlationId: string;
  ip: string;
  method: string;
  route: string;
  status: number;
  /** Of `performance.now()`. */
  started: number;
}

/** One log line and the metrics of an answered request. */
export const createRecorder = ({ logger, metrics }: Pick<PipelineDeps, 'logger' | 'metrics'>) => {
  const log = createRequestLog(logger);
  return ({ correlationId, ip, method, route, status, started }: AnsweredRequest): void => {
    const seconds = (performance.now() - started) / 1000;
    metrics.httpDuration.observe({ method, route, status: String(status) }, seconds);
    log({ correlationId, method, route, status, ip, durationMs: Math.round(seconds * 1000) });
  };
};

export type Recorder = ReturnType<typeof createRecorder>;

/** One listener, whatever is to follow the answer; the same hook follows once. */
const afterAnswerOf = ({ res }: Koa.Context): NonNullable<RequestScope['afterAnswer']> => {
  const hooks = new Set<() => void>();
  return (hook) => {
    if (res.closed) return hook();
    if (hooks.size === 0)
      res.once('close', () => {
        for (const one of hooks) one();
      });
    hooks.add(hook);
  };
};

/** Correlation id, request scope, one log line and metrics per request. */
export const observe =
  (deps: ObserveDeps): Koa.Middleware =>
  async (ctx, next) => {
    const started = performance.now();
    ctx.info = infoOf(ctx, deps);
    const { correlationId, ip } = ctx.info;
    ctx.set('X-Correlation-Id', correlationId);
    await inScope({ correlationId, ip, afterAnswer: afterAnswerOf(ctx) }, next);
    const { method, status } = ctx;
    deps.record({ correlationId, ip, method, route: ctx.routePattern ?? 'none', status, started });
  };

/** OP-02. Form targets beside our own are named by the page: Chromium applies `form-action` to the redirects after a post as well. */
const contentPolicy = (nonce: string | undefined, formTargets: readonly string[]): string => {
  const own = nonce === undefined ? `'self'` : `'self' 'nonce-${nonce}'`;
  return [
    `default-src 'none'`,
    `script-src ${own}`,
    `style-src ${own}`,
    `img-src 'self' data:`,
    `font-src 'self'`,
    `connect-src 'self'`,
    `base-uri 'none'`,
    `frame-ancestors 'none'`,
    `form-action 'self'${formTargets.map((target) => ` ${target}`).join('')}`,
  ].join('; ');
};

/** Made for answers that use it: pages. */
export const nonceOf = (ctx: Koa.Context): string => {
  ctx.nonce ??= randomBytes(16).toString('base64url');
  return ctx.nonce;
};

export const setContentPolicy = (ctx: Koa.Context, formTargets: readonly string[] = []): void =>
  ctx.set('Content-Security-Policy', contentPolicy(nonceOf(ctx), formTargets));

/** What every answer carries; pages name a nonce and more form targets. */
export const commonHeaders = ({ issuer }: Pick<Config, 'issuer'>): Record<string, string> => ({
  'X-Content-Type-Options': 'nosniff',
  // Not `no-referrer`: browsers then send `Origin: null` with our own forms, which the CSRF check must refuse.
  'Referrer-Policy': 'same-origin',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'Content-Security-Policy': contentPolicy(undefined, []),
  'Cache-Control': 'no-store',
  ...(issuer.startsWith('https:') ? { 'Strict-Transport-Security': 'max-age=31536000; includeSubDomains' } : {}),
});

export const securityHeaders = (config: Config): Koa.Middleware => {
  const headers = Object.entries(commonHeaders(config));
  const checkHost = hostCheck(config);
  return (ctx, next) => {
    for (const [name, value] of headers) ctx.res.setHeader(name, value);
    checkHost(ctx);
    return next();
  };
};
