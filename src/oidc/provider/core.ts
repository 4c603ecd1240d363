import type { Context, Middleware } from 'koa';
import compose from 'koa-compose';
import { type JWKS, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { isUnavailable } from '../../platform/db/index.ts';
import { pinIssuer, type StaticDocument } from '../../platform/http/index.ts';
import type { Logger } from '../../platform/logging/index.ts';
import { AlreadyConsumed, consumedError, hashOf } from '../adapters/index.ts';
import { keepMappedClaims } from '../claims/mapped.ts';
import type { LateReuse } from '../endings/late-reuse.ts';
import { registrationAnswers } from '../protocol/client-metadata.ts';
import { deviceDecision } from '../protocol/device-decision.ts';
import { discoveryAdditions, type Uses } from '../protocol/discovery.ts';
import { createDocuments, isDocument } from '../protocol/documents.ts';
import { formAnswers } from '../protocol/form-answers.ts';
import { frontchannelLogout } from '../protocol/frontchannel-logout.ts';
import { interactionId } from '../protocol/interaction-id.ts';
import { logoutWithoutSession } from '../protocol/logout-without-session.ts';
import { knownMethods } from '../protocol/methods.ts';
import { postedRequests } from '../protocol/posted-requests.ts';
import { proofAge } from '../protocol/proof-age.ts';
import { registrationGate } from '../protocol/registration-gate.ts';
import { repeatedParameters } from '../protocol/repeated-parameters.ts';
import { logoutTargetProven, redirectUriRequired } from '../protocol/request-checks.ts';
import { requestObjectsByReference } from '../protocol/request-uri.ts';
import { checkSessionPath, sessionState } from '../protocol/session-state.ts';
import { answerAcrInTheirWords } from './acr.ts';
import { ownMetadataName, settingsOf } from './client-view.ts';
import { type ConfigurationDeps, createConfiguration } from './configuration.ts';
import { harden, userCodeGate } from './hardening.ts';
import { endpointMethods, endSessionConfirm, machinePaths, routes } from './routes.ts';

export interface CoreDeps extends ConfigurationDeps {
  logger: Logger;
  cookieKeys: readonly string[];
  /** What is advertised beyond the defaults. */
  uses(): Uses;
  /** Attached to each provider that is built: grants, listeners. */
  extend(provider: Provider): void;
  /** A code or refresh token came a second time, which showed only when both were written. */
  lateReuse: Pick<LateReuse, 'inRequest'>;
  /** Runs inside the unit of each protocol request, around the endpoint. */
  around: Middleware;
}

/** One provider; rebuilt when the keys change, since the core has no other way to get new ones (GROUND.md §7). */
export interface Core {
  readonly provider: Provider;
  readonly middleware: Middleware;
  /** What the provider of now says of itself, once somebody has asked. */
  document(path: string): StaticDocument | undefined;
  /** Builds it anew with these private keys. */
  rebuild(jwks: JWKS): void;
}

/** A race was lost after the endpoint had answered: the answer is taken back. */
const takeBack = (ctx: Context, error: AlreadyConsumed): void => {
  const { message, error_description: description } = consumedError(error) as Error & { error_description?: string };
  ctx.remove('Location');
  ctx.remove('Set-Cookie');
  ctx.status = 400;
  ctx.body = { error: message, error_description: description };
};

interface Guarded {
  isItsPath: (path: string) => boolean;
  middleware: Middleware;
}

const guarded = new WeakMap<Middleware, Guarded>();

/** Most requests are none of this middleware's business: they pass it by without a turn of the event loop. */
const onlyAt = (isItsPath: (path: string) => boolean, middleware: Middleware): Middleware => {
  const guard: Middleware = (ctx, next) => (isItsPath(ctx.path) ? middleware(ctx, next) : next());
  guarded.set(guard, { isItsPath, middleware });
  return guard;
};

/** What of all middleware a path meets. */
const chainAt = (all: readonly Middleware[], path: string): Middleware[] =>
  all.flatMap((one) => {
    const guard = guarded.get(one);
    if (!guard) return [one];
    return guard.isItsPath(path) ? [guard.middleware] : [];
  });

/** Busy paths have a chain of their own, so that a request passes nothing by that is not meant for it. */
const composeAll = (all: readonly Middleware[]): Middleware => {
  const run = compose([...all]) as Middleware;
  const runs = new Map([...machinePaths].map((path) => [path, compose(chainAt(all, path)) as Middleware]));
  return (ctx, next) => (runs.get(ctx.path) ?? run)(ctx, next);
};

const is =
  (...paths: readonly string[]) =>
  (path: string): boolean =>
    paths.includes(path);
const isRegistration = (path: string): boolean => path.startsWith(routes.registration);
const isAuthorization = (path: string): boolean => path.startsWith(routes.authorization);
const isDevice = (path: string): boolean => path.startsWith(routes.code_verification);
const provesKeys = is(routes.token, routes.pushed_authorization_request, routes.userinfo);
const isLogoutOrFrame = is(checkSessionPath, endSessionConfirm);
const { authorization, end_session: endSession } = routes;

export const createCore = (deps: CoreDeps): Core => {
  const { config, store, outbound, pages, extend, around, cookieKeys } = deps;
  const { issuer } = config;
  const isHttps = issuer.startsWith('https:');
  const mode = config.dynamicRegistration;
  const limit = config.profile === 'conformance' || !config.rateLimits.enabled ? undefined : deps.limits.registration;

  // The core answers whatever is thrown inside it with 500, or by redirect: that the database is away must get past it (F-02).
  const failures = new WeakMap<Context, Error>();
  const noteFailure = (ctx: Context, error: Error): void => {
    if (isUnavailable(error)) failures.set(ctx, error);
    else deps.logger.error({ err: error }, 'protocol error');
  };

  const inUnit: Middleware = async (ctx, next) => {
    try {
      await store.inUnit(async (unit) => {
        await next();
        if (failures.has(ctx)) throw failures.get(ctx);
        if (ctx.status >= 400) unit.refuse();
      });
    } catch (error) {
      if (!(error instanceof AlreadyConsumed)) throw error;
      await deps.lateReuse.inRequest(ctx as KoaContextWithOIDC, error.kind);
      takeBack(ctx, error);
    }
  };

  const build = (jwks: JWKS, keepDocument: Middleware): Provider => {
    const provider = new Provider(issuer, createConfiguration(deps, jwks, cookieKeys));
    provider.on('server_error', noteFailure as never);
    pinIssuer(provider.request as Parameters<typeof pinIssuer>[0], issuer);
    harden(provider, deps);
    answerAcrInTheirWords(provider);
    keepMappedClaims(provider);
    const { use } = provider;
    const add = (middleware: Middleware): void => void use.call(provider, middleware as Parameters<typeof use>[0]);
    add(onlyAt((path) => endpointMethods.has(path), knownMethods as Middleware));
    add(onlyAt(isDocument, keepDocument));
    add(onlyAt(isDocument, discoveryAdditions(config, deps.uses)));
    add(onlyAt(isRegistration, registrationAnswers(routes.registration, ownMetadataName) as Middleware));
    add(onlyAt(is(authorization), repeatedParameters as Middleware));
    add(onlyAt(is(authorization), redirectUriRequired as Middleware));
    add(onlyAt(provesKeys, proofAge as Middleware));
    add(onlyAt(is(routes.userinfo), interactionId as Middleware));
    const posted = postedRequests({ authorizationPath: authorization, logoutPath: endSession, isHttps }) as Middleware;
    add(onlyAt(is(authorization, endSession), posted));
    add(onlyAt(isAuthorization, formAnswers as Middleware));
    add(onlyAt(is(endSession), logoutTargetProven as Middleware));
    add(
      onlyAt(
        isRegistration,
        registrationGate({ path: routes.registration, mode, tokens: deps.registrationTokens, limit }) as Middleware,
      ),
    );
    add(onlyAt(isDevice, userCodeGate(deps.limits, routes.code_verification) as Middleware));
    add(onlyAt(isDevice, deviceDecision(routes.code_verification)));
    add(inUnit);
    add(onlyAt(is(routes.introspection, routes.revocation), around));
    const isOn = (client: Parameters<typeof settingsOf>[0]): boolean =>
      config.profile === 'conformance' || settingsOf(client).sessionManagement === true;
    const sessionKey = (uid: string): string => hashOf(uid);
    const state = sessionState({ provider, isOn, isHttps, sessionKey, endSessionConfirmPath: endSessionConfirm }) as Middleware;
    add(onlyAt(isLogoutOrFrame, state));
    const render: Parameters<typeof frontchannelLogout>[0]['render'] = (ctx, page) => void pages.logoutFrames(ctx, page);
    const frames = frontchannelLogout({ provider, confirmPath: endSessionConfirm, render }) as Middleware;
    add(onlyAt(is(endSessionConfirm), frames));
    const renderLoggedOut = (ctx: Context): void | Promise<void> => pages.loggedOut(ctx);
    const nobody = logoutWithoutSession({ path: endSession, render: renderLoggedOut }) as Middleware;
    add(onlyAt(is(endSession), nobody));
    const byReference = requestObjectsByReference({ provider, outbound, path: authorization }) as Middleware;
    add(onlyAt(is(authorization), byReference));
    extend(provider);
    return provider;
  };

  let current: { provider: Provider; run: Middleware; document: Core['document'] } | undefined;
  const ready = (): NonNullable<typeof current> => {
    if (!current) throw new Error('the provider has no keys yet');
    return current;
  };
  return {
    get provider() {
      return ready().provider;
    },
    middleware: (ctx, next) => ready().run(ctx, next),
    document: (path) => ready().document(path),
    rebuild: (jwks) => {
      const documents = createDocuments();
      const provider = build(jwks, documents.keep);
      const run = composeAll(provider.middleware as unknown as Middleware[]);
      current = { provider, run, document: documents.find };
    },
  };
};
