import { useCompileCache } from './compile-cache.ts';

useCompileCache();
const { start } = await import('./start.ts');
await start();
