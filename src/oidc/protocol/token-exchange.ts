import { type AccessToken, type Client, errors, type Provider, type TokenEndpointGrantContext } from 'oidc-provider';
import type { AuditBuffer } from '../../platform/ports.ts';
import type { ExchangePolicy, ExchangeQuestion, ResourceRecord, ResourceSource } from '../ports.ts';
import type { Confirmation } from '../tokens/structured.ts';
import { registeredScopeOf } from './client-metadata.ts';

export const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
const jwtType = 'urn:ietf:params:oauth:token-type:jwt';

/** Who acted for whom (RFC 8693 §4.1), the newest first. */
export interface Actor {
  sub: string;
  client_id?: string | undefined;
  act?: Actor | undefined;
}

/** An access token of ours that is active now, opaque or JWT. */
export interface ActiveToken {
  clientId: string;
  /** Absent for tokens of a client itself. */
  accountId?: string | undefined;
  grantId?: string | undefined;
  sessionUid?: string | undefined;
  audience?: string | undefined;
  scope: string;
  expiresAt: Date;
  act?: Actor | undefined;
  /** Good only with the key or certificate it names (RFC 9449 §6, RFC 8705 §3). */
  confirmation?: Confirmation | undefined;
  /** `may_act` (RFC 8693 §4.4): the only one who may act, where the subject named one. */
  mayAct?: string | undefined;
  /** The sign-in behind it (RFC 9068 §2.2.1): level, methods, seconds since the epoch. */
  signIn?: { acr?: string | undefined; amr?: readonly string[] | undefined; authTime?: number | undefined } | undefined;
}

type Subject = ActiveToken & { accountId: string };

interface Parameters extends Record<string, unknown> {
  subject_token?: string;
  subject_token_type?: string;
  actor_token?: string;
  actor_token_type?: string;
  requested_token_type?: string;
  audience?: string | string[];
  resource?: string | string[];
  scope?: string;
}

type Context = TokenEndpointGrantContext<Parameters>;

export interface TokenExchangeDeps {
  /** `undefined` for anything that is not an active access token of ours. */
  active(token: string): Promise<ActiveToken | undefined>;
  resources: Pick<ResourceSource, 'find'>;
  /** RFC 9449, RFC 8705: binds the new token where its client wants that. */
  bind(ctx: TokenEndpointGrantContext, token: AccessToken): Promise<void>;
  /** Without this, or a policy that allows it, exchange is delegation: the new token names the client as actor. */
  mayImpersonate(client: Client): boolean;
  policy: ExchangePolicy;
  audit: AuditBuffer;
}

/** Longer chains hide who is responsible. */
const maxActors = 4;

const actorsOf = (actor: Actor | undefined): number => (actor ? 1 + actorsOf(actor.act) : 0);

const isAccessToken = (type: unknown): boolean => type === accessTokenType || type === jwtType;

const words = (scope: string | undefined): string[] => (scope ?? '').split(' ').filter(Boolean);

/** §2.1 lets both come more than once, each meaning one more target; a token of ours has one. */
const targetIn = ({ resource = [], audience = [] }: Parameters): string | undefined => {
  const [target, ...others] = new Set([resource, audience].flat());
  if (others.length > 0) throw new errors.InvalidTarget('only one resource at a time');
  return target;
};

/** Claims that a token of this grant gets beside the usual ones; the core asks for them when it saves the token. */
const extraClaims = new WeakMap<object, { act: Actor }>();
export const exchangedClaims = (token: object): { act: Actor } | undefined => extraClaims.get(token);

const checkParameters = ({ oidc: { params } }: Context): { subjectToken: string; target: string | undefined } => {
  const { subject_token: subjectToken, requested_token_type: requested } = params;
  if (typeof subjectToken !== 'string') throw new errors.InvalidRequest('subject_token is missing');
  if (!isAccessToken(params.subject_token_type)) throw new errors.InvalidRequest('subject_token_type must be an access token');
  if (requested !== undefined && !isAccessToken(requested))
    throw new errors.InvalidRequest('requested_token_type is not offered');
  if ((params.actor_token === undefined) !== (params.actor_token_type === undefined)) {
    throw new errors.InvalidRequest('actor_token and actor_token_type belong together');
  }
  if (params.actor_token_type !== undefined && !isAccessToken(params.actor_token_type)) {
    throw new errors.InvalidRequest('actor_token_type must be an access token');
  }
  return { subjectToken, target: targetIn(params) };
};

/**
 * RFC 8693 over our own access tokens. The subject token must be the caller's, or have been sent to a resource the caller serves;
 * the new one reaches no further in scope and time.
 */
export const registerTokenExchange = (provider: Provider, deps: TokenExchangeDeps): void => {
  const { active, resources, bind, mayImpersonate, policy, audit } = deps;

  /** A client may exchange what it was given, by us or as the resource server that a token was meant for. */
  const isEntitled = async (clientId: string, token: ActiveToken): Promise<boolean> => {
    if (token.clientId === clientId) return true;
    if (token.audience === undefined) return false;
    return (await resources.find(token.audience))?.introspectionClients.includes(clientId) === true;
  };

  /** Policies go before the registration, which stands where they are silent. */
  const isPermitted = async (question: ExchangeQuestion, isRegistered: boolean): Promise<boolean> =>
    ((await policy.ruling(question)) ?? (isRegistered ? 'allow' : 'deny')) === 'allow';

  const impersonates = async ({ oidc: { client, params } }: Context, question: Omit<ExchangeQuestion, 'action'>) =>
    params.actor_token === undefined && (await isPermitted({ ...question, action: 'impersonate' }, mayImpersonate(client)));

  /** @throws InvalidTarget (§2.2.2): no token for this resource */
  const actorFor = async (
    ctx: Context,
    subject: ActiveToken,
    question: Omit<ExchangeQuestion, 'action'>,
  ): Promise<Actor | undefined> => {
    const { client, params } = ctx.oidc;
    const { actor_token: actorToken } = params;
    if (await impersonates(ctx, question)) return subject.act;
    if (!(await isPermitted({ ...question, action: 'delegate' }, true)))
      throw new errors.InvalidTarget('a policy does not allow this exchange');
    if (actorToken === undefined) return { sub: client.clientId, client_id: client.clientId, act: subject.act };
    const actor = await active(actorToken);
    if (!actor || actor.clientId !== client.clientId)
      throw new errors.InvalidGrant('actor_token is not active or not a token of the client');
    return { sub: actor.accountId ?? actor.clientId, client_id: actor.clientId, act: subject.act };
  };

  const scopeFor = (ctx: Context, subject: ActiveToken, { identifier, scopes }: ResourceRecord): string => {
    const offered = scopes.map(({ name }) => name);
    const registered = words(registeredScopeOf(ctx.oidc.client));
    // For the same resource the subject's scope is the limit, for another one the client's registration (an administrator's).
    const limit = new Set(identifier === subject.audience ? words(subject.scope) : registered);
    const asked = words(ctx.oidc.params.scope);
    const beyond = asked.find((scope) => !limit.has(scope) || !offered.includes(scope));
    if (beyond !== undefined) throw new errors.InvalidScope('requested scope is not allowed', beyond);
    return (asked.length > 0 ? asked : offered.filter((scope) => limit.has(scope))).join(' ');
  };

  const subjectOf = async (ctx: Context, subjectToken: string): Promise<Subject> => {
    const { clientId, clientAuthMethod } = ctx.oidc.client;
    if (clientAuthMethod === 'none') throw new errors.UnauthorizedClient('a public client cannot exchange tokens');
    const subject = await active(subjectToken);
    if (!subject || !(await isEntitled(clientId, subject)))
      throw new errors.InvalidGrant('subject_token is not active or not for this client');
    const { accountId, mayAct } = subject;
    if (accountId === undefined) throw new errors.InvalidRequest('subject_token is not about a person');
    if (mayAct !== undefined && mayAct !== clientId) throw new errors.InvalidGrant('the subject lets somebody else act');
    return { ...subject, accountId };
  };

  const targetOf = async (asked: string | undefined, subject: ActiveToken): Promise<ResourceRecord> => {
    const target = asked ?? subject.audience;
    const resource = target === undefined ? undefined : await resources.find(target);
    if (!resource) throw new errors.InvalidTarget('resource is missing or not known');
    return resource;
  };

  const chainFor = async (ctx: Context, subject: Subject, audience: string, scope: string): Promise<Actor | undefined> => {
    const { accountId: subjectId, clientId: subjectClientId, signIn } = subject;
    const attributes = { audience, scopes: words(scope), subjectId, subjectClientId };
    const act = await actorFor(ctx, subject, { clientId: ctx.oidc.client.clientId, attributes, context: { acr: signIn?.acr } });
    if (actorsOf(act) > maxActors) throw new errors.InvalidRequest('the chain of actors is too long');
    return act;
  };

  const tokenFor = (ctx: Context, subject: Subject, resource: ResourceRecord, scope: string): AccessToken => {
    const { accountId, grantId = '', sessionUid } = subject;
    const session = sessionUid === undefined ? {} : { sessionUid, expiresWithSession: true };
    const { client } = ctx.oidc;
    const token = new provider.AccessToken({ accountId, client, grantId, gty: 'token_exchange', scope, ...session });
    const left = Math.floor((subject.expiresAt.getTime() - Date.now()) / 1000);
    token.resourceServer = new provider.ResourceServer(resource.identifier, {
      scope,
      audience: resource.identifier,
      accessTokenFormat: resource.accessTokenFormat,
      accessTokenTTL: Math.max(1, Math.min(left, resource.accessTokenTtlSeconds ?? left)),
      jwt: { sign: { alg: (resource.signingAlg ?? 'ES256') as 'ES256' } },
    });
    return token;
  };

  const exchange = async (ctx: Context): Promise<void> => {
    const { client } = ctx.oidc;
    const { subjectToken, target } = checkParameters(ctx);
    const subject = await subjectOf(ctx, subjectToken);
    const resource = await targetOf(target, subject);
    const scope = scopeFor(ctx, subject, resource);
    const act = await chainFor(ctx, subject, resource.identifier, scope);
    const token = tokenFor(ctx, subject, resource, scope);
    await bind(ctx, token);
    if (act) extraClaims.set(token, { act });
    ctx.oidc.entity('AccessToken', token);
    const value = await token.save();
    audit.note({
      type: 'oidc.token.exchanged',
      outcome: 'success',
      actor: { type: 'client', id: client.clientId },
      subjectId: subject.accountId,
      clientId: client.clientId,
      target: { type: 'resource', id: resource.identifier },
      details: { scope, delegated: act !== undefined },
    });
    // §2.2.1
    const { tokenType, expiration } = token;
    const base = { access_token: value, issued_token_type: accessTokenType, token_type: tokenType, expires_in: expiration };
    ctx.body = scope === '' ? base : { ...base, scope };
  };

  const parameters = [
    'subject_token',
    'subject_token_type',
    'actor_token',
    'actor_token_type',
    'requested_token_type',
    'audience',
  ];
  provider.registerGrantType<Parameters>(
    tokenExchangeGrant,
    exchange,
    [...parameters, 'resource', 'scope'],
    ['resource', 'audience'],
  );
};
