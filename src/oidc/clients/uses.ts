import type { Config } from '../../platform/config/index.ts';
import type { Logger } from '../../platform/logging/index.ts';
import type { RecordCaches } from '../ports.ts';
import { everyUse, type Uses } from '../protocol/discovery.ts';
import type { ClientRepository } from './repository.ts';

interface UsesDeps {
  config: Pick<Config, 'profile'>;
  clients: Pick<ClientRepository, 'uses'>;
  caches: RecordCaches;
  logger: Logger;
  /** Something is used now that was not, or the other way round. */
  changed(): void;
}

const nothing: Uses = { ciba: false, implicit: false, requestUri: false, frontchannelLogout: false, sessionManagement: false };

/** Which of the optional protocols clients have been allowed, so that discovery says exactly that, in every process. */
export const createUses = ({ config, clients, caches, logger, changed }: UsesDeps) => {
  let current = config.profile === 'conformance' ? everyUse : nothing;
  const read = async (): Promise<void> => {
    if (config.profile === 'conformance') return;
    const found = await clients.uses();
    const isSame = JSON.stringify(found) === JSON.stringify(current);
    current = found;
    if (!isSame) changed();
  };
  caches.onInvalidate((tags) => {
    if (!tags.some((tag) => tag.startsWith('client:'))) return;
    read().catch((error: unknown) => logger.error({ err: error }, 'what clients use could not be read'));
  });
  return { read, current: (): Uses => current };
};
