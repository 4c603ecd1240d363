import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type Koa from 'koa';
import type { Config } from '../config/index.ts';
import { errors } from '../errors/index.ts';
import type { Metrics } from '../metrics/index.ts';
import type { Clock } from '../ports.ts';
import { type HttpRouter, nonceOf, setContentPolicy } from './context.ts';
import { openApiDocument } from './openapi.ts';
import type { RouteRow } from './table.ts';

export interface DependencyState {
  status: 'ok' | 'degraded' | 'down';
  latencyMs?: number | undefined;
  detail?: string | undefined;
}

/** One dependency that health asks about; it must answer within a second. */
export interface HealthProbe {
  name: string;
  /** Whether the service cannot serve without it. */
  essential: boolean;
  check(): Promise<DependencyState>;
}

export interface OperationsDeps {
  config: Config;
  clock: Clock;
  metrics: Metrics;
  router: HttpRouter;
  rows: readonly RouteRow[];
  probes: readonly HealthProbe[];
  isDraining: () => boolean;
}

const probeLimitMs = 1000;

const ask = async (probe: HealthProbe): Promise<DependencyState> => {
  const started = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<DependencyState>((resolve) => {
    timer = setTimeout(() => resolve({ status: 'down', detail: 'no answer in time' }), probeLimitMs);
  });
  const state = await Promise.race([probe.check().catch((): DependencyState => ({ status: 'down' })), late]);
  clearTimeout(timer);
  return { latencyMs: Math.round(performance.now() - started), ...state };
};

const swaggerPage = (nonce: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Castellan API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css"><link rel="icon" href="/assets/favicon.svg" type="image/svg+xml"></head>
<body><div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script nonce="${nonce}">SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true });</script>
</body></html>`;

const swaggerFiles: Record<string, string> = { 'swagger-ui.css': 'text/css', 'swagger-ui-bundle.js': 'text/javascript' };

/** Health, metrics and API documents (FEATURES O1, O2, O7), for OPERATIONS_ALLOW only where they tell more than a status. */
export const mountOperations = ({ config, clock, metrics, router, rows, probes, isDraining }: OperationsDeps): void => {
  const isAllowed = (ctx: Koa.Context): boolean => config.operationsAllow.has(ctx.info.ip);
  const requireAllowed = (ctx: Koa.Context): void => {
    if (!isAllowed(ctx)) throw errors.not_found();
  };
  const get = (path: string, handler: (ctx: Koa.Context) => Promise<void> | void): void => {
    router.get(path, async (ctx) => {
      ctx.routePattern = path;
      await handler(ctx);
    });
  };
  const askAll = async (): Promise<Record<string, DependencyState>> =>
    Object.fromEntries(await Promise.all(probes.map(async (probe) => [probe.name, await ask(probe)])));

  get('/health', async (ctx) => {
    const dependencies = await askAll();
    const states = probes.map(({ name, essential }) => ({ essential, status: dependencies[name]?.status ?? 'down' }));
    const isDown = states.some(({ essential, status }) => essential && status === 'down');
    const isDegraded = states.some(({ status }) => status !== 'ok');
    const status = isDown ? 'down' : isDegraded ? 'degraded' : 'ok';
    ctx.status = isDown ? 503 : 200;
    ctx.body = { status, timestamp: clock.now().toISOString(), ...(isAllowed(ctx) ? { dependencies } : {}) };
  });
  get('/health/live', (ctx) => {
    ctx.body = { status: 'ok' };
  });
  get('/health/ready', async (ctx) => {
    const dependencies = await askAll();
    const essential = new Set(probes.filter((probe) => probe.essential).map(({ name }) => name));
    const failing = Object.entries(dependencies).filter(([, { status }]) => status !== 'ok');
    const reasons = failing.filter(([name, { status }]) => essential.has(name) && status === 'down').map(([name]) => name);
    if (isDraining()) reasons.push('draining');
    const degraded = failing.map(([name]) => name).filter((name) => !reasons.includes(name));
    ctx.status = reasons.length > 0 ? 503 : 200;
    ctx.body = reasons.length > 0 ? { status: 'unavailable', reasons } : { status: 'ok', degraded };
  });
  get('/metrics', async (ctx) => {
    requireAllowed(ctx);
    ctx.body = await metrics.registry.metrics();
    ctx.type = metrics.registry.contentType;
  });
  get('/openapi.json', (ctx) => {
    requireAllowed(ctx);
    ctx.body = openApiDocument(rows, config.issuer);
  });
  get('/docs', (ctx) => {
    requireAllowed(ctx);
    ctx.type = 'html';
    setContentPolicy(ctx);
    ctx.body = swaggerPage(nonceOf(ctx));
  });
  get('/docs/:file', (ctx) => {
    requireAllowed(ctx);
    const { file = '' } = ctx.params as { file?: string };
    const type = swaggerFiles[file];
    if (type === undefined) throw errors.not_found();
    const directory = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
    ctx.set('Cache-Control', 'public, max-age=3600');
    ctx.type = type;
    ctx.body = readFileSync(join(directory, file));
  });
};
