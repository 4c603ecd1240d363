import { type Client, type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { coreScopes } from '../claims/scopes.ts';
import type { ResourceRecord, ResourceSource } from '../ports.ts';
import { registeredScopeOf } from '../protocol/client-metadata.ts';
import { settingsOf } from './client-view.ts';

type ResourceIndicators = NonNullable<NonNullable<Configuration['features']>['resourceIndicators']>;

const defaultAlg = 'ES256';

const scopesFor = (record: ResourceRecord, registered: string | undefined): string => {
  const names = record.scopes.map(({ name }) => name);
  if (registered === undefined) return names.join(' ');
  // CO-06: never a scope beyond the client's registration.
  const allowed = new Set(registered.split(' '));
  return names.filter((name) => allowed.has(name)).join(' ');
};

const isMachine = ({ oidc: { route, params } }: KoaContextWithOIDC): boolean =>
  route === 'token' && params?.grant_type === 'client_credentials';

const askedOf = ({ oidc: { params } }: KoaContextWithOIDC): string[] =>
  typeof params?.scope === 'string' ? params.scope.split(' ') : [];

/** CO-06, RFC 6749 §5.2: nobody is there to grant less than a machine asks for, so it is told what it may not have. */
const checkMachineScopes = (ctx: KoaContextWithOIDC, offered: string): void => {
  const allowed = new Set(offered.split(' '));
  const beyond = askedOf(ctx).find((scope) => !allowed.has(scope));
  if (beyond !== undefined) throw new errors.InvalidScope('requested scope is not allowed', beyond);
};

/** Without a resource there are OpenID Connect's own scopes only, as far as the client is registered for them. */
const coreScopesOf = (client: Client): string => {
  const registered = registeredScopeOf(client)?.split(' ');
  return coreScopes.filter((scope) => registered?.includes(scope) ?? true).join(' ');
};

type ResourceServerInfo = Awaited<ReturnType<NonNullable<ResourceIndicators['getResourceServerInfo']>>>;

/** What tokens for a resource are like that the client may ask for. */
export const resourceServerInfoOf = (record: ResourceRecord, client: Client): ResourceServerInfo => {
  const ttl = record.accessTokenTtlSeconds ?? settingsOf(client).accessTokenTtlSeconds;
  return {
    scope: scopesFor(record, registeredScopeOf(client)),
    audience: record.identifier,
    accessTokenFormat: record.accessTokenFormat,
    ...(ttl === undefined ? {} : { accessTokenTTL: ttl }),
    jwt: { sign: { alg: (record.signingAlg ?? defaultAlg) as 'ES256' } },
  };
};

/** RFC 8707 over our resources table. */
export const resourceIndicators = (resources: ResourceSource): ResourceIndicators => ({
  enabled: true,
  getResourceServerInfo: async (ctx, identifier, client) => {
    const record = await resources.find(identifier);
    if (!record) throw new errors.InvalidTarget();
    const info = resourceServerInfoOf(record, client);
    if (isMachine(ctx)) checkMachineScopes(ctx, info.scope);
    return info;
  },
  // CONTRACT.md: at client_credentials a scope that only one resource has selects that resource.
  defaultResource: async (ctx, client, oneOf) => {
    if (oneOf) return oneOf;
    if (!isMachine(ctx)) return undefined;
    const found = await Promise.all(askedOf(ctx).map((scope) => resources.withScope(scope)));
    const identifiers = new Set(found.flat().map(({ identifier }) => identifier));
    const [only, another] = identifiers;
    if (another !== undefined) throw new errors.InvalidTarget('several resources have these scopes: name one with resource');
    if (only === undefined) checkMachineScopes(ctx, coreScopesOf(client));
    return only;
  },
});
