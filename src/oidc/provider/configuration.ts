import { createHmac } from 'node:crypto';
import type { Adapter, Client, Configuration, JWKS, KoaContextWithOIDC } from 'oidc-provider';
import { acrValues } from '../../platform/assurance/index.ts';
import type { Config } from '../../platform/config/index.ts';
import { type Envelope, randomSecret } from '../../platform/crypto/index.ts';
import type { Outbound } from '../../platform/outbound/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { ArtifactAdapter, type ArtifactStore } from '../adapters/index.ts';
import { createFindAccount } from '../claims/account.ts';
import type { ResourceClaims } from '../claims/entitlements.ts';
import { claimsByScope, coreScopes } from '../claims/scopes.ts';
import type { Consents } from '../consents/service.ts';
import type { Openings } from '../limits/openings.ts';
import type { ProtocolLimits } from '../limits/service.ts';
import type { AccountSource, ClientSource, EntitlementSource, FactorDemand, ResourceSource } from '../ports.ts';
import { checkAssertion } from '../protocol/assertions.ts';
import { richAuthorizationRequests } from '../protocol/authorization-details.ts';
import { extraClientMetadata } from '../protocol/client-metadata.ts';
import { dpopNonceSecret } from '../protocol/dpop-nonces.ts';
import { mutualTls } from '../protocol/mutual-tls.ts';
import { coreProfileOf } from '../protocol/profiles.ts';
import { initialAccess, initialAccessPolicy } from '../protocol/registration-gate.ts';
import { openPolicy } from '../protocol/registration-policy.ts';
import { checkRequest, requestMarker } from '../protocol/request-checks.ts';
import { checkRequestObject } from '../protocol/request-objects.ts';
import type { RegistrationTokens } from '../registration-tokens/service.ts';
import type { IntrospectionPolicy } from '../tokens/introspection-policy.ts';
import { algorithms } from './algorithms.ts';
import { ownMetadataName, settingsOf } from './client-view.ts';
import { createLoadExistingGrant } from './grants.ts';
import { createInteractionPolicy, onBehalfParameter } from './interaction-policy.ts';
import { createJwtCustomizer } from './jwt-customizer.ts';
import { createTtl } from './lifetimes.ts';
import { deviceFlow, renderError, rpInitiatedLogout } from './page-sources.ts';
import type { ProtocolPages } from './pages.ts';
import { resourceIndicators } from './resource-indicators.ts';
import { routes } from './routes.ts';
import { createExtraClaims, tellCurrentClaims } from './token-claims.ts';

export interface ConfigurationDeps {
  config: Config;
  clock: Clock;
  envelope: Envelope;
  outbound: Outbound;
  store: ArtifactStore;
  clients: ClientSource;
  resources: ResourceSource;
  accounts: AccountSource;
  factors: FactorDemand;
  entitlements: EntitlementSource;
  resourceClaims: ResourceClaims;
  consents: Consents;
  pages: ProtocolPages;
  ciba: NonNullable<Configuration['features']>['ciba'];
  policy: IntrospectionPolicy;
  registrationTokens: RegistrationTokens;
  limits: ProtocolLimits;
  openings: Openings;
}

const responseTypes = {
  all: ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'],
} as const;

const isPublic = (client: Client): boolean => client.clientAuthMethod === 'none';

const isPushed = ({ oidc: { route, entities } }: KoaContextWithOIDC): boolean =>
  route === 'pushed_authorization_request' || 'PushedAuthorizationRequest' in entities;

/** CONTRACT.md: S256 of everybody; an administrator may free a confidential client, which then sends a nonce. */
const pkceRequired =
  (config: Config) =>
  (ctx: KoaContextWithOIDC, client: Client): boolean => {
    const { requirePkce, profile } = settingsOf(client);
    // FAPI 1.0 Advanced §5.2.2 (18) wants PKCE of pushed requests; its plan sends none with others.
    if (config.profile === 'conformance' && profile === 'fapi1') return isPushed(ctx);
    if (isPublic(client) || profile !== undefined) return true;
    return config.profile !== 'conformance' && requirePkce !== false;
  };

const cookieNames = (isHttps: boolean) => ({
  session: isHttps ? '__Host-castellan_session' : 'castellan_session',
  interaction: isHttps ? '__Secure-castellan_interaction' : 'castellan_interaction',
  resume: isHttps ? '__Secure-castellan_resume' : 'castellan_resume',
});

const audienceOf = (token: object): string | undefined =>
  'aud' in token && typeof token.aud === 'string' ? token.aud : undefined;

const originOf = (address: string): string | undefined => (URL.canParse(address) ? new URL(address).origin : undefined);

/** Initial access tokens are rows of ours; the core only asks whether one is live. */
const initialAccessAdapter = (tokens: RegistrationTokens): Adapter => {
  const refused = (): Promise<never> => Promise.reject(new Error('initial access tokens are not the core’s to change'));
  return {
    find: async (id) => {
      const exp = await tokens.expiry(id);
      return exp === undefined ? undefined : { jti: id, kind: 'InitialAccessToken', exp, policies: [initialAccessPolicy] };
    },
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    upsert: refused,
    consume: refused,
    destroy: refused,
    revokeByGrantId: refused,
  };
};

export const createConfiguration = (deps: ConfigurationDeps, jwks: JWKS, cookieKeys: readonly string[]): Configuration => {
  const { config, clock, envelope, outbound, store, clients, resources, accounts, entitlements, consents, pages } = deps;
  const isHttps = config.issuer.startsWith('https:');
  const isTest = config.profile === 'conformance';
  const registration = config.dynamicRegistration;
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true, overwrite: true, path: '/', secure: isHttps } as const;
  return {
    acrValues,
    adapter: (kind) =>
      kind === 'InitialAccessToken'
        ? initialAccessAdapter(deps.registrationTokens)
        : new ArtifactAdapter(kind, { store, clients, envelope }),
    claims: {
      ...claimsByScope,
      // MF-04: how the sign-in was done is told unasked.
      openid: [...claimsByScope.openid, 'acr', 'amr'],
      auth_time: null,
      iss: null,
      sid: null,
    } as unknown as Configuration['claims'],
    clientAuthMethods: [
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'private_key_jwt',
      'none',
      ...(config.tlsClientCert === 'off' ? [] : (['self_signed_tls_client_auth', 'tls_client_auth'] as const)),
    ],
    // SE-08: only origins that the client's registration names.
    clientBasedCORS: (_ctx, origin, client) =>
      isPublic(client) && (client.redirectUris ?? []).some((uri) => originOf(uri) === origin),
    assertJwtClientAuthClaimsAndHeader: (ctx, claims, _header, client) => checkAssertion(ctx, claims, client),
    // TK-03
    clockTolerance: 10,
    cookies: { keys: cookieKeys, names: cookieNames(isHttps), long: cookie, short: { ...cookie, path: undefined } },
    enabledJWA: algorithms,
    extraClientMetadata: extraClientMetadata({
      ownName: ownMetadataName,
      coreScopes,
      policy: isTest ? undefined : openPolicy,
      policyOf: (client) => settingsOf(client).registrationPolicy,
      profile: config.profile === 'fapi2' ? 'fapi2' : undefined,
    }),
    // `organization`: whose sign-in it is to look like, where the client belongs to none.
    extraParams: { [requestMarker]: checkRequest, [onBehalfParameter]: null, organization: null },
    extraTokenClaims: createExtraClaims(deps.resourceClaims) as Configuration['extraTokenClaims'],
    features: {
      backchannelLogout: { enabled: true },
      ciba: deps.ciba ?? { enabled: false },
      claimsParameter: { enabled: true },
      clientCredentials: { enabled: true },
      clientIdMetadataDocument: { enabled: registration === 'open', ack: 'draft-02' },
      devInteractions: { enabled: false },
      deviceFlow: deviceFlow(pages, deps.limits),
      // RFC 9449 §8, §9: nonces of one secret on every replica; who sends one is held to it, nobody has to.
      dPoP: { enabled: true, nonceSecret: dpopNonceSecret(envelope) },
      encryption: { enabled: true },
      fapi: { enabled: true, profile: (_ctx, client) => coreProfileOf(settingsOf(client).profile) },
      introspection: {
        enabled: true,
        allowedPolicy: async (_ctx, client, token) => {
          const audience = audienceOf(token);
          const isAllowed = await deps.policy(client, { kind: token.kind, clientId: token.clientId, audience });
          if (isAllowed) await tellCurrentClaims(deps.resourceClaims, token);
          return isAllowed;
        },
      },
      jwtIntrospection: { enabled: true },
      jwtResponseModes: { enabled: true },
      jwtUserinfo: { enabled: true },
      mTLS: mutualTls({ config }),
      pushedAuthorizationRequests: { enabled: true },
      registration: {
        enabled: registration !== 'off',
        initialAccessToken: registration === 'token',
        // RFC 7518 §3.2, INTEROP.md: URL-safe, as long as the digest of HS512.
        secretFactory: () => randomSecret(48),
        ...(registration === 'token' ? { policies: { [initialAccessPolicy]: initialAccess(deps.registrationTokens) } } : {}),
      },
      registrationManagement: { enabled: registration !== 'off' },
      requestObjects: { enabled: true, assertJwtClaimsAndHeader: checkRequestObject({ isTest }) },
      resourceIndicators: resourceIndicators(resources),
      // RFC 7009 §2.1: a token is revoked by the client it was issued to.
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      richAuthorizationRequests: richAuthorizationRequests(),
      rpInitiatedLogout: rpInitiatedLogout(pages),
    } as NonNullable<Configuration['features']>,
    fetch: (url, options) => outbound(url as string | URL, options as Parameters<Outbound>[1]),
    findAccount: createFindAccount({ accounts, entitlements, settingsOf: ({ oidc }) => settingsOf(oidc.client) }),
    formats: { customizers: { jwt: createJwtCustomizer(clock) } },
    interactions: { policy: createInteractionPolicy(deps.factors), url: (_ctx, { uid }) => `/interaction/${uid}` },
    jwks,
    loadExistingGrant: createLoadExistingGrant(consents),
    pairwiseIdentifier: (_ctx, accountId, client) =>
      createHmac('sha256', envelope.blindIndex(String(client.sectorIdentifier), 'pairwise'))
        .update(accountId)
        .digest('base64url'),
    pkce: { required: pkceRequired(config) },
    renderError: renderError(pages),
    responseTypes: responseTypes.all,
    // FAPI 2.0 Security Profile §5.3.2.1 (12): no rotation there, tokens are bound instead.
    rotateRefreshToken: ({ oidc }) => settingsOf(oidc.client).profile === undefined,
    routes,
    scopes: coreScopes,
    subjectTypes: ['public', 'pairwise'],
    ttl: createTtl(deps.config.sessions),
  };
};
