import { type Configuration, errors } from 'oidc-provider';
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

/** RFC 8707 over our resources table. */
export const resourceIndicators = (resources: ResourceSource): ResourceIndicators => ({
  enabled: true,
  getResourceServerInfo: async (_ctx, identifier, client) => {
    const record = await resources.find(identifier);
    if (!record) throw new errors.InvalidTarget();
    const ttl = record.accessTokenTtlSeconds ?? settingsOf(client).accessTokenTtlSeconds;
    return {
      scope: scopesFor(record, registeredScopeOf(client)),
      audience: record.identifier,
      accessTokenFormat: record.accessTokenFormat,
      ...(ttl === undefined ? {} : { accessTokenTTL: ttl }),
      jwt: { sign: { alg: (record.signingAlg ?? defaultAlg) as 'ES256' } },
    };
  },
  // CONTRACT.md: at client_credentials a scope that only one resource has selects that resource.
  defaultResource: async (ctx, _client, oneOf) => {
    if (oneOf) return oneOf;
    const { params } = ctx.oidc;
    if (ctx.oidc.route !== 'token' || params?.grant_type !== 'client_credentials' || typeof params.scope !== 'string')
      return undefined;
    const found = await Promise.all(params.scope.split(' ').map((scope) => resources.withScope(scope)));
    const identifiers = new Set(found.flat().map(({ identifier }) => identifier));
    const [only] = identifiers;
    return identifiers.size === 1 ? only : undefined;
  },
});
