import {
  type Client,
  type ClientMetadata,
  type Configuration,
  errors,
  type KoaContextWithOIDC,
  type Provider,
} from 'oidc-provider';
import { keyRules } from '../clients/rules.ts';
import { frontchannelMetadata } from './frontchannel-logout.ts';
import { applyProfile, type ClientProfile } from './profiles.ts';
import { decisionOf } from './registration-gate.ts';
import { type RegistrationPolicy, registrationProblems } from './registration-policy.ts';
import { requestUriMetadata } from './request-uri.ts';

type Middleware = Parameters<Provider['use']>[0];
type ExtraClientMetadata = NonNullable<Configuration['extraClientMetadata']>;

/** The scope as registered: the core knows its own scopes only and would refuse those of resources. */
export const registeredScopeName = 'registered_scope';

/** CO-06: what the client may ask for at all; `undefined` where the registration names nothing. */
export const registeredScopeOf = (client: Client): string | undefined => {
  const whole: unknown = client[registeredScopeName];
  return typeof whole === 'string' ? whole : client.scope;
};

interface ClientMetadataDeps {
  /** Name of our own member that rides along in every client; never part of a registration. */
  ownName: string;
  /** Scopes the core is configured with. */
  coreScopes: readonly string[];
  /** For clients that register themselves without an initial access token; absent: no limits (the test profile). */
  policy?: RegistrationPolicy | undefined;
  /** That of the initial access token which a client came with. */
  policyOf(client: Client | undefined): RegistrationPolicy | undefined;
  /** The server's own. */
  profile?: ClientProfile | undefined;
}

const isSelfRegistration = (ctx: KoaContextWithOIDC | undefined): boolean =>
  ctx?.oidc.route === 'registration' || ctx?.oidc.route === 'client_update';

const refuse = (message: string): never => {
  throw new errors.InvalidClientMetadata(message);
};

const isWebAddress = (value: unknown): value is string => {
  if (typeof value !== 'string' || value.length > 2000 || !URL.canParse(value)) return false;
  const { protocol, hash } = new URL(value);
  return protocol === 'https:' && hash === '';
};

const checkRequestUris = (value: unknown): void => {
  // OpenID Connect Registration §2: a fragment is allowed, it names the content.
  const isFine = Array.isArray(value) && value.length <= 20 && value.every((uri) => isWebAddress(String(uri).split('#')[0]));
  if (!isFine) refuse(`${requestUriMetadata} must be at most 20 https URLs`);
};

const checks: Readonly<Record<string, (value: unknown) => void>> = {
  [requestUriMetadata]: checkRequestUris,
  [frontchannelMetadata[0]]: (value) => {
    if (!isWebAddress(value)) refuse(`${frontchannelMetadata[0]} must be an https URL without fragment`);
  },
  [frontchannelMetadata[1]]: (value) => {
    if (typeof value !== 'boolean') refuse(`${frontchannelMetadata[1]} must be a boolean`);
  },
};

/** The core's scopes stay where it looks for them, the whole registration beside it. */
const splitScope = (metadata: ClientMetadata, coreScopes: readonly string[]): void => {
  const whole = metadata[registeredScopeName] ?? metadata.scope;
  if (typeof whole !== 'string') return;
  const own = whole.split(' ').filter((scope) => coreScopes.includes(scope));
  metadata[registeredScopeName] = whole;
  if (own.length > 0) metadata.scope = own.join(' ');
  else delete metadata.scope;
};

/** CL-05: what a client says of itself about our own members does not count, and what it may not be is refused. */
const checkSelfRegistration = (
  ctx: KoaContextWithOIDC | undefined,
  metadata: ClientMetadata,
  { ownName, policy, policyOf, profile }: ClientMetadataDeps,
): void => {
  delete metadata[registeredScopeName];
  delete metadata[ownName];
  const decision = decisionOf(ctx);
  if (metadata.software_statement !== undefined && decision?.hasStatement !== true) {
    // RFC 7591 §3.2.2: nobody's statements are believed here.
    throw new errors.CustomOIDCProviderError('unapproved_software_statement', 'software statements are not accepted here');
  }
  const kept = decision?.policy ?? policyOf(ctx?.oidc.client);
  const limits = kept ?? policy;
  const [problem] = limits ? registrationProblems(limits, metadata) : [];
  if (problem !== undefined) refuse(problem);
  // PROFILE=fapi2 holds for whoever registers itself as well (P9).
  const [weak] = profile ? applyProfile(profile, { ...metadata }).problems : [];
  if (weak !== undefined) refuse(weak);
  const [unfit] = keyRules(metadata);
  if (unfit) refuse(`${unfit.path.slice(1)} ${unfit.message}`);
  if (kept) metadata[ownName] = { settings: { registrationPolicy: kept } };
};

/** Metadata the core does not know, and what a client that registers itself may say (RFC 7591 §2). */
export const extraClientMetadata = (deps: ClientMetadataDeps): ExtraClientMetadata => ({
  // The first is looked at first, once for each client.
  properties: [
    registeredScopeName,
    ...Object.keys(checks),
    deps.ownName,
    'software_id',
    'software_version',
    'software_statement',
  ],
  validator: (ctx, key, value, metadata) => {
    if (key !== registeredScopeName) {
      if (value !== undefined) checks[key]?.(value);
      return;
    }
    if (isSelfRegistration(ctx)) checkSelfRegistration(ctx, metadata, deps);
    splitScope(metadata, deps.coreScopes);
  },
});

/** Answers of RFC 7591 and 7592 show the registration as it was made, without members that are ours and without kept secrets. */
export const registrationAnswers =
  (path: string, ownName: string): Middleware =>
  async (ctx, next) => {
    await next();
    const isRegistration = ctx.path === path || ctx.path.startsWith(`${path}/`);
    if (!isRegistration || typeof ctx.body !== 'object' || ctx.body === null || !('client_id' in ctx.body)) return;
    const { [registeredScopeName]: scope, [ownName]: _own, ...shown } = ctx.body as Record<string, unknown>;
    const body: Record<string, unknown> = scope === undefined ? shown : { ...shown, scope };
    // CL-06: a secret is shown once, when it is made.
    if (ctx.method !== 'POST') delete body.client_secret;
    ctx.body = body;
  };
