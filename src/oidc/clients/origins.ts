import { everything } from '../../platform/cache/index.ts';
import type { RecordCaches } from '../ports.ts';
import type { ClientRepository } from './repository.ts';
import { clientTag } from './source.ts';

/** How stale the list may get at most while the bus is away. */
const keptMs = 60_000;

/**
 * SE-08: whether a live client's registration names an address of the origin. All of them are read at once and kept until some client
 * changes: a new registration counts at once, and whoever sends ever new origins costs no statement.
 */
export const createRegisteredOrigins = (
  clients: Pick<ClientRepository, 'origins'>,
  caches: Pick<RecordCaches, 'onInvalidate'>,
) => {
  let known: { origins: Promise<ReadonlySet<string>>; until: number } | undefined;
  caches.onInvalidate((tags) => {
    if (tags.some((tag) => tag === everything || tag.startsWith(clientTag('')))) known = undefined;
  });
  const load = (): Promise<ReadonlySet<string>> => {
    const origins = clients.origins().then((list) => new Set(list));
    const loading = { origins, until: performance.now() + keptMs };
    known = loading;
    origins.catch(() => {
      if (known === loading) known = undefined;
    });
    return origins;
  };
  return async (origin: string): Promise<boolean> =>
    (await (known !== undefined && performance.now() < known.until ? known.origins : load())).has(origin);
};
