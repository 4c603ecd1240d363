import type { Caches } from '../../platform/cache/index.ts';

export interface ClientOrganizationDeps {
  caches: Pick<Caches, 'cache'>;
  find(clientId: string): Promise<string | null | undefined>;
}

/** Whose a client is that asks for decisions; forgotten with the tag that `oidc` drops at each change of a client. */
export const createClientOrganizations = ({ caches, find }: ClientOrganizationDeps) => {
  const known = caches.cache<{ organizationId: string | null }>({
    name: 'authz-clients',
    l1Seconds: 60,
    l2Seconds: 300,
    maxEntries: 5000,
  });
  return async (clientId: string): Promise<string | null | undefined> => {
    const client = await known.get(clientId, async () => {
      const organizationId = await find(clientId);
      return organizationId === undefined ? undefined : { value: { organizationId }, tags: [`client:${clientId}`] };
    });
    return client?.organizationId;
  };
};
