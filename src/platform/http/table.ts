import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type Koa from 'koa';
import { requireSignIn } from '../assurance/index.ts';
import { errors, Refusal } from '../errors/index.ts';
import type { AuditBuffer, Authenticator, Clock, Guard, PermissionScope, Principal } from '../ports.ts';
import { readJson, readParams, readQuery } from './body.ts';
import { type Challenges, createChallenges, type HeaderToken, headerToken } from './challenges.ts';
import type { HttpRouter } from './context.ts';
import { accessCookie, type OwnCookies } from './cookies.ts';
import type { ApiCsrf } from './csrf.ts';
import { fieldErrors } from './fields.ts';
import type { Idempotency } from './idempotency.ts';
import { isMoment } from './moments.ts';
import type { AdminRoutes, Answer, RouteAccess, RouteSpec, TokenScope } from './types.ts';

export type AnySpec = RouteSpec<RouteAccess, TSchema, TSchema, TSchema, TSchema>;

/** One row of the table, as OpenAPI and the cross-tenant test read it. */
export interface RouteRow {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  path: string;
  spec: AnySpec;
}

export interface TableDeps {
  router: HttpRouter;
  issuer: string;
  authenticator: Authenticator;
  guard: Guard;
  audit: AuditBuffer;
  clock: Clock;
  /** Budgets: asked once a request, as soon as the caller is known. */
  admit: (ctx: Koa.Context, principal: Principal | undefined) => Promise<void>;
  /** Answers a repeated POST as the first time. */
  once: Idempotency;
  cookies: OwnCookies;
  csrf: ApiCsrf;
  /** Tests check answers against their schema as well. */
  validateResponses: boolean;
}

const createAjv = (coerceTypes: boolean): Ajv => {
  const ajv = new Ajv({
    allErrors: true,
    strict: true,
    coerceTypes,
    useDefaults: true,
    removeAdditional: false,
    ownProperties: true,
    // With the schema at the place of an error, which knows the names there.
    verbose: true,
    // Coercion makes `1e309` infinite, and limits are only asked of finite numbers otherwise.
    strictNumbers: !coerceTypes,
  });
  (addFormats as unknown as (ajv: Ajv) => void)(ajv);
  ajv.addFormat('date-time', isMoment);
  return ajv;
};
// IN-03: bodies are never coerced; a query is text, so its numbers are.
const strictAjv = createAjv(false);
const queryAjv = createAjv(true);

type Check = (value: unknown) => unknown;

const createCheck = (schema: TSchema | undefined, prefix: string, ajv: Ajv): Check => {
  if (!schema) return () => ({});
  // Compiled when first asked: all of them together took a sixth of the start.
  let compiled: ValidateFunction | undefined;
  return (value) => {
    compiled ??= ajv.compile(schema);
    const validate = compiled;
    if (!validate(value)) throw errors.invalid_request({ errors: fieldErrors(validate, prefix) });
    return value;
  };
};

/** For pages that post what the API takes: the same shapes. @throws invalid_request naming each field */
export const checkOf = <Schema extends TSchema>(schema: Schema): ((value: unknown) => Static<Schema>) =>
  createCheck(schema, '', strictAjv) as (value: unknown) => Static<Schema>;

interface Caller {
  principal: Principal | undefined;
  reach: PermissionScope;
  organizationIds: readonly string[];
}

type TokenScopes = readonly [TokenScope, ...TokenScope[]];

const scopesOf = ({ scope = 'api' }: AnySpec): TokenScopes => (typeof scope === 'string' ? [scope] : scope);

const createGate = ({ issuer, authenticator, guard, audit, admit, clock, cookies, csrf }: TableDeps, challenges: Challenges) => {
  const { unasked, withChallenge } = challenges;

  const authenticate = async (ctx: Koa.Context, token: HeaderToken, scopes: TokenScopes): Promise<Principal> => {
    // RFC 9449 §8.2: with every answer to a proof.
    if (token.scheme === 'DPoP') ctx.set('DPoP-Nonce', authenticator.dpop.nextNonce());
    try {
      const carrier = { method: ctx.method, address: `${issuer}${ctx.path}`, request: ctx.req };
      return await authenticator.authenticate({ ...token, carrier }, ...scopes);
    } catch (error) {
      throw error instanceof Refusal ? withChallenge(error, scopes.join(' '), token.scheme) : error;
    }
  };

  const cookieToken = (ctx: Koa.Context): HeaderToken | undefined => {
    const value = cookies.read(ctx, accessCookie);
    return value === undefined ? undefined : { scheme: 'Bearer', value };
  };

  /** By the token of the header; else by the cookie, which the browser sends by itself (SE-04). */
  const identify = async (ctx: Koa.Context, scopes: TokenScopes): Promise<Principal> => {
    const isByHeader = ctx.get('authorization') !== '';
    const token = isByHeader ? headerToken(ctx) : cookieToken(ctx);
    if (token === undefined) throw errors.unauthenticated({ headers: { 'WWW-Authenticate': unasked() } });
    const principal = await authenticate(ctx, token, scopes);
    if (!isByHeader && ctx.method !== 'GET' && ctx.method !== 'HEAD') csrf.check(ctx.info, principal.sessionId);
    return principal;
  };

  const deny = (principal: Principal, permission: string, route: string): never => {
    audit.note({
      type: 'api.denied',
      outcome: 'denied',
      actor: { type: principal.type, id: principal.id },
      clientId: principal.clientId,
      reason: 'permission_required',
      details: { permission, route },
    });
    throw errors.permission_required({ detail: `The permission ${permission} is required`, extensions: { permission } });
  };

  const holding = async (
    ctx: Koa.Context,
    { permission, person: parameter, everywhere }: AnySpec,
    principal: Principal,
  ): Promise<Omit<Caller, 'principal'> | undefined> => {
    const person = parameter === undefined ? undefined : (ctx.params as Record<string, string>)[parameter];
    const reach = await guard.reach(principal, permission, person);
    if (reach === undefined || (everywhere && reach !== 'any')) return undefined;
    return { reach, organizationIds: reach === 'organization' ? await guard.organizations(principal, permission, person) : [] };
  };

  return async (ctx: Koa.Context, spec: AnySpec, route: string): Promise<Caller> => {
    if (spec.permission === 'public') {
      await admit(ctx, undefined);
      return { principal: undefined, reach: 'own', organizationIds: [] };
    }
    const principal = await identify(ctx, scopesOf(spec)).catch(async (error: unknown) => {
      // Guessing at tokens has the budget of strangers.
      if (error instanceof Refusal) await admit(ctx, undefined);
      throw error;
    });
    await admit(ctx, principal);
    if (spec.stepUp) requireSignIn(principal, spec.stepUp, clock.now());
    if (spec.permission === 'self') return { principal, reach: 'own', organizationIds: [] };
    const held = await holding(ctx, spec, principal);
    return held ? { principal, ...held } : deny(principal, spec.everywhere ? `${spec.permission}:any` : spec.permission, route);
  };
};

const isAnswer = (value: unknown): value is Answer =>
  typeof value === 'object' && value !== null && (value as Answer).isAnswer === true;

/** An answer with a status, headers or a body of its own. */
export const answer = (parts: Omit<Answer, 'isAnswer'>): Answer => ({ isAnswer: true, ...parts });

const send = (
  ctx: Koa.Context,
  { spec, cookies }: { spec: AnySpec; cookies: OwnCookies },
  result: unknown,
  check?: Check,
): void => {
  const {
    status = spec.status,
    headers = {},
    body,
    cookies: kept = [],
  }: Omit<Answer, 'isAnswer'> = isAnswer(result) ? result : { body: result };
  ctx.status = status;
  ctx.set(headers);
  for (const change of kept) cookies.keep(ctx, change);
  if (body === undefined) {
    ctx.body = null;
    ctx.status = status === 200 ? 204 : status;
    return;
  }
  if (status === spec.status) check?.(JSON.parse(JSON.stringify(body)));
  ctx.body = JSON.stringify(body);
  if (!headers['Content-Type']) ctx.type = 'application/json';
};

const noQuery = Type.Object({}, { additionalProperties: false });

const createReader = (method: RouteRow['method'], spec: AnySpec) => {
  const checkParams = createCheck(spec.params, 'params', strictAjv);
  const checkQuery = createCheck(spec.query ?? noQuery, 'query', queryAjv);
  const checkBody = spec.body ? createCheck(spec.body, '', strictAjv) : undefined;
  const readBody = async (ctx: Koa.Context): Promise<unknown> => {
    if (method === 'get') return {};
    const sent = await readJson(ctx);
    if (sent !== undefined && !checkBody) throw errors.invalid_request({ detail: 'This request takes no body' });
    return checkBody ? checkBody(sent === undefined ? {} : sent) : {};
  };
  return async (ctx: Koa.Context) => ({
    params: checkParams(readParams(ctx)),
    query: checkQuery({ ...readQuery(ctx) }),
    body: await readBody(ctx),
  });
};

/** The route table (DESIGN.md, decision 6). */
export const createTable = (deps: TableDeps): { admin: AdminRoutes; rows: readonly RouteRow[] } => {
  const rows: RouteRow[] = [];
  const challenges = createChallenges(deps.issuer, deps.authenticator.dpop);
  const gate = createGate(deps, challenges);

  const add =
    (method: RouteRow['method']) =>
    (path: string, spec: AnySpec, handler: (input: never) => Promise<unknown>): void => {
      rows.push({ method, path, spec });
      const read = createReader(method, spec);
      const checkResponse =
        deps.validateResponses && spec.response ? createCheck(spec.response, 'response', strictAjv) : undefined;
      const answerTo = async (ctx: Koa.Context): Promise<void> => {
        const caller = await gate(ctx, spec, path);
        const input = { ...(await read(ctx)), ...caller, request: ctx.info };
        const work = async (): Promise<void> =>
          send(ctx, { spec, cookies: deps.cookies }, await handler(input as never), checkResponse);
        if (method === 'post' && caller.principal) await deps.once(ctx, caller.principal, input.body, work);
        else await work();
      };
      deps.router[method](path, async (ctx) => {
        ctx.routePattern = path;
        try {
          await answerTo(ctx);
        } catch (error) {
          const isStepUp = error instanceof Refusal && error.code === 'insufficient_user_authentication';
          throw isStepUp ? challenges.withChallenge(error, scopesOf(spec).join(' '), headerToken(ctx)?.scheme) : error;
        }
      });
    };

  const admin = { get: add('get'), post: add('post'), put: add('put'), patch: add('patch'), delete: add('delete') };
  return { admin: admin as unknown as AdminRoutes, rows };
};
