/**
 * Owns: what leaves a transaction: the catalogue of audit events and the transactional outbox (DESIGN.md, decision 8).
 */
export type { AuditCatalogue, AuditEventType } from './catalogue.ts';
