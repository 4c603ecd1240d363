/** Storage of every provider model on `oidc_artifacts` (FEATURES P10). */
export { type AdapterDeps, ArtifactAdapter, consumedError, payloadOf } from './adapter.ts';
export type { Facts } from './facts.ts';
export { hashOf, markerOf } from './markers.ts';
export { createReplays } from './replays.ts';
export { AlreadyConsumed, type ArtifactStore, createArtifactStore } from './store.ts';
export type { TokenOrigin } from './structured.ts';
export { currentUnit, type Unit } from './unit.ts';
