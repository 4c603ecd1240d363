import { randomBytes } from 'node:crypto';
import type Koa from 'koa';
import type Router from 'koa-router';
import type { Config } from '../config/index.ts';
import { uuidv7 } from '../crypto/index.ts';
import { errors } from '../errors/index.ts';
import { inScope, type Logger } from '../logging/index.ts';
import type { Metrics } from '../metrics/index.ts';
import type { Clock } from '../ports.ts';
import type { RequestInfo } from './types.ts';

declare module 'koa' {
  interface DefaultContext {
    info: RequestInfo;
    /** CSP nonce of this answer. */
    nonce: string;
    /** Pattern of the route that answered, for metrics and log. */
    routePattern: string | undefined;
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

const infoOf = (ctx: Koa.Context, config: Config, clock: Clock): RequestInfo => {
  const given = ctx.get('x-correlation-id');
  return {
    correlationId: correlationPattern.test(given) ? given : uuidv7(clock.now()),
    ip: clientAddress(ctx.req.socket.remoteAddress ?? '', ctx.get('x-forwarded-for') || undefined, config),
    userAgent: ctx.get('user-agent').slice(0, 512) || undefined,
    header: (name) => ctx.get(name) || undefined,
  };
};

const health = /^\/health(\/|$)/;

/** OP-09, GROUND.md §7: addresses come from ISSUER; a foreign Host is refused, health probes excepted. */
export const pinIssuer = (request: Koa.BaseRequest, issuer: string): void => {
  const { host, hostname, protocol, origin } = new URL(issuer);
  const pinned = { host, hostname, origin, protocol: protocol.slice(0, -1), secure: protocol === 'https:' };
  for (const [name, value] of Object.entries(pinned))
    Object.defineProperty(request, name, { get: () => value, configurable: true });
};

const checkHost = (ctx: Koa.Context, config: Config): void => {
  if (health.test(ctx.path) || ctx.path === '/metrics') return;
  const isProxied = config.trustProxy.has(ctx.req.socket.remoteAddress ?? '');
  const asked = ((isProxied && ctx.get('x-forwarded-host')) || ctx.req.headers.host || '').toLowerCase();
  if (asked !== new URL(config.issuer).host) {
    throw errors.misdirected_request({ detail: `This service answers at ${config.issuer} only` });
  }
};

export interface PipelineDeps {
  config: Config;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
}

const levelOf = (status: number): 'error' | 'info' => (status >= 500 ? 'error' : 'info');

/** Correlation id, request scope, one log line and metrics per request. */
export const observe =
  ({ config, clock, logger, metrics }: PipelineDeps): Koa.Middleware =>
  async (ctx, next) => {
    const started = performance.now();
    ctx.info = infoOf(ctx, config, clock);
    ctx.nonce = randomBytes(16).toString('base64url');
    ctx.set('X-Correlation-Id', ctx.info.correlationId);
    await inScope({ correlationId: ctx.info.correlationId, ip: ctx.info.ip }, next);
    const seconds = (performance.now() - started) / 1000;
    const labels = { method: ctx.method, route: ctx.routePattern ?? 'none', status: String(ctx.status) };
    metrics.httpDuration.observe(labels, seconds);
    metrics.httpRequests.inc(labels);
    const line = { correlationId: ctx.info.correlationId, ...labels, ip: ctx.info.ip, durationMs: Math.round(seconds * 1000) };
    logger[levelOf(ctx.status)](line, 'request');
  };

/** OP-02. Form targets beside our own are named by the page: Chromium applies `form-action` to the redirects after a post as well. */
const contentPolicy = (nonce: string, formTargets: readonly string[]): string =>
  [
    `default-src 'none'`,
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    `img-src 'self' data:`,
    `font-src 'self'`,
    `connect-src 'self'`,
    `base-uri 'none'`,
    `frame-ancestors 'none'`,
    `form-action 'self'${formTargets.map((target) => ` ${target}`).join('')}`,
  ].join('; ');

export const setContentPolicy = (ctx: Koa.Context, formTargets: readonly string[] = []): void =>
  ctx.set('Content-Security-Policy', contentPolicy(ctx.nonce, formTargets));

export const securityHeaders =
  (config: Config): Koa.Middleware =>
  async (ctx, next) => {
    ctx.set('X-Content-Type-Options', 'nosniff');
    // Not `no-referrer`: browsers then send `Origin: null` with our own forms, which the CSRF check must refuse.
    ctx.set('Referrer-Policy', 'same-origin');
    ctx.set('X-Frame-Options', 'DENY');
    ctx.set('Cross-Origin-Opener-Policy', 'same-origin');
    ctx.set('Permissions-Policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()');
    setContentPolicy(ctx);
    ctx.set('Cache-Control', 'no-store');
    if (config.issuer.startsWith('https:')) ctx.set('Strict-Transport-Security', 'max-age=31536000; includeSubDomains');
    checkHost(ctx, config);
    await next();
  };
