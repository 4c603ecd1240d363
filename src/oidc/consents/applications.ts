import type { Provider } from 'oidc-provider';
import { errors } from '../errors.ts';
import type { Ending, ResourceSource } from '../ports.ts';
import { clientViewOf } from '../provider/client-view.ts';
import type { ConnectedApplication, ConnectedApplications, ConsentRequest, Endings } from '../surface.ts';
import type { ConsentRepository, ConsentRow } from './repository.ts';
import type { Consent } from './service.ts';

export interface ApplicationDeps {
  provider(): Provider;
  consents: ConsentRepository;
  resources: Pick<ResourceSource, 'find'>;
  endings: Pick<Endings, 'withdrawConsent'>;
}

const words = (text: string | undefined): string[] => text?.split(' ').filter(Boolean) ?? [];

/** Applications that a person lets at their data, and taking that back (FEATURES A13, CO-08). */
export const createApplications = ({ provider, consents, resources, endings }: ApplicationDeps): ConnectedApplications => {
  const clientOf = async (clientId: string): Promise<ConnectedApplication['client']> => {
    // A client may be gone, or its own document not to be had: what was agreed can be taken back all the same.
    const client = await provider()
      .Client.find(clientId)
      .catch(() => undefined);
    return client ? clientViewOf(client) : { clientId, name: clientId, isFirstParty: false, isVerified: false };
  };

  const consentOf = async ({ openid, resources: granted = {} }: Consent): Promise<ConsentRequest> => ({
    scopes: words(openid?.scope),
    claims: openid?.claims ?? [],
    resources: await Promise.all(
      Object.entries(granted).map(async ([identifier, scope]) => {
        const record = await resources.find(identifier);
        const scopes = words(scope).map((name) => ({
          name,
          description: record?.scopes.find((one) => one.name === name)?.description,
        }));
        return { identifier, name: record?.name ?? identifier, scopes };
      }),
    ),
    authorizationDetails: [],
  });

  const applicationOf = async ({ clientId, consent, agreedAt }: ConsentRow): Promise<ConnectedApplication> => ({
    client: await clientOf(clientId),
    consent: await consentOf(consent),
    agreedAt,
  });

  return {
    list: async (accountId) => Promise.all((await consents.list(accountId)).map(applicationOf)),
    revoke: async (accountId, clientId) => {
      const ending: Ending = { cause: 'revoked', actor: { type: 'user', id: accountId } };
      if (!(await endings.withdrawConsent(accountId, clientId, ending))) throw errors.grant_not_found();
    },
  };
};
