/**
 * The busiest requests of machines, in their plainest form, answered without the core's middleware (PERFORMANCE.md, rows 2-5 and 8): the
 * same models, clients, storage and events, and no refusal of their own. `test/protocol/direct.test.ts` holds both ways to one answer.
 */
import type { Client, Provider } from 'oidc-provider';
import type { DirectRoute } from '../../platform/http/index.ts';
import type { AuditBuffer, Clock } from '../../platform/ports.ts';
import type { ArtifactStore } from '../adapters/index.ts';
import { createFindAccount } from '../claims/account.ts';
import type { ResourceClaims } from '../claims/entitlements.ts';
import type { ProtocolLimits } from '../limits/service.ts';
import type { AccountSource, ClientSource, EntitlementSource, ResourceSource } from '../ports.ts';
import { settingsOf } from '../provider/client-view.ts';
import { routes } from '../provider/routes.ts';
import { tellCurrentClaims } from '../provider/token-claims.ts';
import type { IntrospectionPolicy } from '../tokens/introspection-policy.ts';
import { createDirectClientCredentials } from './client-credentials.ts';
import { createDirectIntrospection } from './introspection.ts';
import { createLivingTokens } from './living.ts';
import { createClientProof } from './presented.ts';
import { createDirectUserinfo } from './userinfo.ts';

export interface DirectDeps {
  issuer: string;
  provider(): Provider;
  clock: Clock;
  store: ArtifactStore;
  clients: Pick<ClientSource, 'verifySecret'>;
  resources: ResourceSource;
  accounts: AccountSource;
  entitlements: EntitlementSource;
  limits: Pick<ProtocolLimits, 'checkSecret'>;
  policy: IntrospectionPolicy;
  resourceClaims: ResourceClaims;
  audit: AuditBuffer;
  issued(kind: string, grantType: string): void;
}

export const createDirect = (deps: DirectDeps): readonly DirectRoute[] => {
  const { provider, entitlements, accounts, resourceClaims } = deps;
  const findClient = (clientId: string): Promise<Client | undefined> => provider().Client.find(clientId);
  const living = createLivingTokens(deps);
  const proveClient = createClientProof({ ...deps, findClient });
  const findAccount = createFindAccount({ accounts, entitlements, settingsOf: ({ oidc }) => settingsOf(oidc.client) });
  const introspection = createDirectIntrospection({
    ...deps,
    proveClient,
    findClient,
    living,
    tellCurrentClaims: (token) => tellCurrentClaims(resourceClaims, token),
  });
  return [
    { line: `POST ${routes.token}`, body: 'form', answer: createDirectClientCredentials({ ...deps, proveClient }) },
    { line: `POST ${routes.introspection}`, body: 'form', answer: introspection },
    {
      line: `GET ${routes.userinfo}`,
      body: 'none',
      answer: createDirectUserinfo({ provider, findClient, living, findAccount }),
    },
  ];
};
