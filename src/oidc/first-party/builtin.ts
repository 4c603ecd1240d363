import { Refusal } from '../../platform/errors/index.ts';
import { ensurePagesClient } from '../browser/service.ts';
import type { Clients } from '../clients/service.ts';
import type { Resources } from '../resources/service.ts';

/** The client that the JSON sign-in issues its tokens to (CONTRACT.md, "Our own APIs are one protected resource"). */
export const firstPartyClientId = 'castellan';
export const apiScope = 'api';

const scopes = [
  { name: apiScope, description: 'Use Castellan on your behalf, as far as your permissions go' },
  { name: 'authz', description: 'Ask for decisions about anybody' },
  { name: 'authz_entities', description: 'Register objects and subjects that decisions look at' },
  { name: 'scim', description: 'Manage people and groups by SCIM' },
];

export const apiScopes = scopes.map(({ name }) => name);

export interface BuiltinDeps {
  issuer: string;
  clients: Pick<Clients, 'put'>;
  resources: Pick<Resources, 'put'>;
}

/** Another process that starts at the same moment may be first; then there is nothing left to do. */
const orAgain = async (put: () => Promise<void>): Promise<void> => {
  try {
    await put();
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 409) throw error;
    await put();
  }
};

/** Our own API as a resource, and the client of the JSON sign-in: there from the first start on. */
export const ensureBuiltin = async ({ issuer, clients, resources }: BuiltinDeps): Promise<void> => {
  await orAgain(() => resources.put({ identifier: issuer, name: 'Castellan', scopes, accessTokenFormat: 'jwt' }, 'builtin'));
  const client = {
    client_id: firstPartyClientId,
    client_name: 'Castellan',
    token_endpoint_auth_method: 'none',
    grant_types: ['refresh_token'],
    response_types: [],
    redirect_uris: [],
  };
  await orAgain(() => clients.put(client, 'builtin', { isFirstParty: true }));
  await orAgain(() => ensurePagesClient(clients, issuer));
};
