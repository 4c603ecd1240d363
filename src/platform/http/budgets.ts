import { isIPv6 } from 'node:net';
import type Koa from 'koa';
import { LRUCache } from 'lru-cache';
import type { RateLimits } from '../config/index.ts';
import { errors } from '../errors/index.ts';
import type { Clock, Principal } from '../ports.ts';

type BudgetName = 'anonymous' | 'user' | 'moderator' | 'admin' | 'superAdmin' | 'protocol' | 'client';

const windowSeconds = 900;
const maxKeys = 100_000;

/** PW-02: whoever has one IPv6 address has its /64. */
export const networkOf = (address: string): string => {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.toLowerCase().split('%')[0]?.split('::') ?? [];
  const left = head.split(':').filter(Boolean);
  const right = (tail ?? '').split(':').filter(Boolean);
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
};

const byRole: readonly [string, BudgetName][] = [
  ['SUPER_ADMIN', 'superAdmin'],
  ['ADMIN', 'admin'],
  ['MODERATOR', 'moderator'],
];

const budgetOf = (principal: Principal | undefined): BudgetName => {
  if (!principal) return 'anonymous';
  if (principal.type === 'client') return 'client';
  return byRole.find(([role]) => principal.roles.includes(role))?.[1] ?? 'user';
};

interface Window {
  used: number;
  endsAt: number;
}

// CONTRACT.md: not counted.
const uncounted = /^\/(health|metrics|assets|\.well-known|jwks|favicon\.ico)(\/|$)/;
// Where an upstream provider sends a browser back to is a page among the API's paths.
const ownApi = /^\/api\/v1(?!\/auth\/social\/[^/]+\/callback$)(\/|$)/;
const clientEndpoint = /^\/(token|introspect|revoke|par|device\/code|backchannel)$/;

interface AuthenticatedClient {
  clientId: string;
  clientAuthMethod?: string;
}

/** The client that proved itself at an endpoint for clients. A failed proof is a 401. */
const provenClient = (ctx: Koa.Context): string | undefined => {
  if (!clientEndpoint.test(ctx.path) || ctx.method !== 'POST' || ctx.status === 401) return undefined;
  const client = (ctx.oidc as { client?: AuthenticatedClient } | undefined)?.client;
  return client && client.clientAuthMethod !== 'none' ? client.clientId : undefined;
};

export interface Budgets {
  /** Counts a request of our own API to its caller. @throws too_many_requests */
  admit(ctx: Koa.Context, principal: Principal | undefined): Promise<void>;
  /** Counts pages and protocol requests to their address, or to the client that proved itself. */
  middleware: Koa.Middleware;
  /** The same for what is answered ahead of the pipeline; `undefined` where the pipeline has to refuse. */
  takeDirectly(address: string): DirectCharge | undefined;
}

export interface DirectCharge {
  headers: readonly string[];
  /** The client that proved itself has a budget of its own. */
  countTo(clientId: string): void;
  /** The pipeline counts the request after all. */
  giveBack(): void;
}

const free: DirectCharge = { headers: [], countTo: () => undefined, giveBack: () => undefined };

/** Request budgets (FEATURES S3): fixed windows of 15 minutes in this process. The counters of failed logins are elsewhere. */
export const createBudgets = ({ limits, clock }: { limits: RateLimits; clock: Clock }): Budgets => {
  const windows = new LRUCache<string, Window>({ max: maxKeys });

  const windowOf = (name: BudgetName, key: string): Window => {
    const now = clock.now().getTime();
    const found = windows.get(`${name} ${key}`);
    if (found && found.endsAt > now) return found;
    const fresh = { used: 0, endsAt: now + windowSeconds * 1000 };
    windows.set(`${name} ${key}`, fresh);
    return fresh;
  };

  const secondsLeft = (window: Window): number => Math.max(1, Math.ceil((window.endsAt - clock.now().getTime()) / 1000));

  const headersOf = (name: BudgetName, window: Window): [string, string][] => [
    ['RateLimit-Policy', `"${name}";q=${limits[name]};w=${windowSeconds}`],
    ['RateLimit', `"${name}";r=${Math.max(0, limits[name] - window.used)};t=${secondsLeft(window)}`],
  ];

  const take = (ctx: Koa.Context, name: BudgetName, key: string): void => {
    const window = windowOf(name, key);
    window.used += 1;
    for (const [header, value] of headersOf(name, window)) ctx.set(header, value);
    if (window.used > limits[name]) throw errors.too_many_requests({ headers: { 'Retry-After': String(secondsLeft(window)) } });
  };

  /** A client over its own budget goes on counting to its address. */
  const countToClient = (clientId: string, address: string): void => {
    const own = windowOf('client', clientId);
    if (own.used >= limits.client) return;
    own.used += 1;
    windowOf('protocol', address).used -= 1;
  };

  const count: Koa.Middleware = async (ctx, next) => {
    const address = networkOf(ctx.info.ip);
    take(ctx, 'protocol', address);
    await next();
    const clientId = provenClient(ctx);
    if (clientId !== undefined) countToClient(clientId, address);
  };

  return {
    admit: async (ctx, principal) => {
      if (!limits.enabled || !ownApi.test(ctx.path)) return;
      const key = principal ? `${principal.type}:${principal.id}` : networkOf(ctx.info.ip);
      take(ctx, budgetOf(principal), key);
    },
    takeDirectly: (ip) => {
      if (!limits.enabled) return free;
      const address = networkOf(ip);
      const window = windowOf('protocol', address);
      if (window.used >= limits.protocol) return undefined;
      window.used += 1;
      return {
        headers: headersOf('protocol', window).flat(),
        countTo: (clientId) => countToClient(clientId, address),
        giveBack: () => {
          window.used -= 1;
        },
      };
    },
    middleware: (ctx, next) => (!limits.enabled || uncounted.test(ctx.path) || ownApi.test(ctx.path) ? next() : count(ctx, next)),
  };
};
