import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Must be on before the imports it is to serve (GROUND.md §2); it belongs to the user, not to the data. */
export const useCompileCache = (): void => {
  try {
    enableCompileCache(join(homedir(), '.cache', 'castellan'));
  } catch {
    // A user without a home directory, as in a container: slower by a quarter of a second, nothing else.
  }
};
