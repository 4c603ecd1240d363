/** The same clients and resources for every target. */
import type { ClientMetadata } from 'oidc-provider';

export const secret = 'bench-secret-that-is-long-enough-0123456789abcdef';
export const redirectUri = 'https://rp.example.test/callback';
export const administrator = { email: 'root@example.test', password: 'a loud harbor at dusk 14' };
export const person = { email: 'bench@example.test', password: 'a quiet harbor at dawn 41' };

export const benchResources = [
  { identifier: 'urn:bench:opaque', name: 'Opaque', accessTokenFormat: 'opaque' as const },
  { identifier: 'urn:bench:jwt', name: 'JWT', accessTokenFormat: 'jwt' as const },
].map((resource) => ({ ...resource, scopes: [{ name: 'bench', description: 'Bench' }], introspectionClients: ['bench'] }));

/** @param _issuer kept so that a target may differ by address */
export const benchClients = (_issuer: string): (ClientMetadata & { client_id: string })[] => [
  {
    client_id: 'bench',
    client_name: 'Bench',
    client_secret: secret,
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
    redirect_uris: [redirectUri],
    scope: 'openid offline_access email bench',
  },
];
