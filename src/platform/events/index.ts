/**
 * Owns: what leaves a transaction: the catalogue of audit events and the transactional outbox (DESIGN.md, decision 8). Delivery is
 * at least once, so handlers are idempotent; the entry's id stays the same over all attempts.
 */
export { createOutbox, type OutboxDeps, type OutboxRelay } from './outbox.ts';
export type { Delivery, OutboxHandler } from './relay.ts';
export { type ListedEntry, type OutboxState, sealedOutbox } from './store.ts';
