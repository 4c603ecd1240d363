/**
 * Owns: caches in two levels (FEATURES S2; DESIGN.md, decision 9): L1 in this process, L2 in Redis where there is one, invalidated by
 * tags that are pushed to every process after commit. Caches fail open: without Redis everything is slower, nothing is wrong.
 */
export { type Cache, type CacheDeps, type CacheOptions, type Caches, createCaches, everything, type Loaded } from './caches.ts';
