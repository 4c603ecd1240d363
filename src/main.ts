import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

// The cache must be on before the imports it is to serve (GROUND.md §2); it belongs to the user, not to the data.
enableCompileCache(join(homedir(), '.cache', 'castellan'));
const { start } = await import('./start.ts');
await start();
