import type { Client, Provider } from 'oidc-provider';
import type { DirectRoute } from '../../platform/http/index.ts';
import type { ArtifactStore } from '../adapters/index.ts';
import type { ResourceSource } from '../ports.ts';
import { settingsOf } from '../provider/client-view.ts';
import { issuedEvent } from '../provider/events.ts';
import { resourceServerInfoOf } from '../provider/resource-indicators.ts';
import { type ClientProof, formOf } from './presented.ts';

export interface DirectClientCredentialsDeps {
  provider(): Provider;
  proveClient: ClientProof;
  resources: Pick<ResourceSource, 'find'>;
  store: Pick<ArtifactStore, 'inUnit'>;
  /** `tokens_issued_total`. */
  issued(kind: string, grantType: string): void;
}

type Token = InstanceType<Provider['ClientCredentials']>;

interface TokenServer {
  scope: string;
}

type ServerClass = new (identifier: string, info: object) => TokenServer;

const grantType = 'client_credentials';
const parameters = new Set(['grant_type', 'scope', 'resource']);

/** Bound tokens, and clients held to a profile, are the core's. */
const isPlain = (client: Client): boolean =>
  client.grantTypeAllowed(grantType) &&
  settingsOf(client).profile === undefined &&
  client.tlsClientCertificateBoundAccessTokens !== true &&
  client.dpopBoundAccessTokens !== true;

/** RFC 6749 §4.4 for one resource that is named (RFC 8707), by a client with `client_secret_basic`. */
export const createDirectClientCredentials = ({
  provider,
  proveClient,
  resources,
  store,
  issued,
}: DirectClientCredentialsDeps): DirectRoute['answer'] => {
  const tokenFor = async (client: Client, resource: string, asked: string | undefined): Promise<Token | undefined> => {
    const record = await resources.find(resource);
    if (!record) return undefined;
    const { ClientCredentials, ResourceServer } = provider() as Provider & { ResourceServer: ServerClass };
    const server = new ResourceServer(record.identifier, resourceServerInfoOf(record, client));
    const offered = new Set(server.scope.split(' '));
    const scopes = [...new Set(asked?.split(' '))];
    // CO-06: the refusal is the core's.
    if (!scopes.every((scope) => offered.has(scope))) return undefined;
    const token = new ClientCredentials({ client, scope: scopes.join(' ') || undefined } as never);
    Object.assign(token, { resourceServer: server });
    return token;
  };

  return async (request) => {
    const { grant_type: type, scope, resource } = formOf(request.body, parameters) ?? {};
    if (type !== grantType || resource === undefined) return undefined;
    const client = await proveClient(request);
    const token = client && isPlain(client) ? await tokenFor(client, resource, scope) : undefined;
    if (!client || !token) return undefined;

    const value = await store.inUnit(async (unit) => {
      const accessToken = await token.save();
      unit.record(issuedEvent(client.clientId, token, { grantType, accessToken }));
      return accessToken;
    });
    issued('access_token', grantType);
    const { expiration, tokenType } = token;
    const body = { access_token: value, expires_in: expiration, scope: token.scope || undefined, token_type: tokenType };
    return { body, clientId: client.clientId };
  };
};
