import { prepareTemplates } from './database.ts';

/** Once per run, before the parallel workers start. */
export const mochaGlobalSetup = (): Promise<void> => prepareTemplates();
