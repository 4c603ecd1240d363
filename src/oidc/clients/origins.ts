import type { RecordCaches } from '../ports.ts';
import type { ClientRepository } from './repository.ts';
import { clientTag } from './source.ts';

/**
 * SE-08: whether a live client's registration names an address of the origin. Only a yes is kept, until that client changes, so that a
 * new registration counts at once.
 */
export const createRegisteredOrigins = (clients: Pick<ClientRepository, 'ofOrigin'>, caches: RecordCaches) => {
  const cache = caches.cache<string>({ name: 'client-origins', l1Seconds: 60, l2Seconds: 0, maxEntries: 1000 });
  return async (origin: string): Promise<boolean> => {
    if (!/^https?:\/\/[^/\s]{1,260}$/.test(origin)) return false;
    const found = await cache.get(origin, async () => {
      const clientId = await clients.ofOrigin(origin);
      return clientId === undefined ? undefined : { value: clientId, tags: [clientTag(clientId)] };
    });
    return found !== undefined;
  };
};
