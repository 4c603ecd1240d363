/**
 * Owns: the append-only log of authentication events, decisions and administrative changes (FEATURES C5). An event commits with
 * the change it tells of; the catalogue of types is `platform/events/catalogue.ts`.
 */
import type { Knex } from 'knex';
import type { Database } from '../platform/db/index.ts';
import type { AdminRoutes } from '../platform/http/index.ts';
import type { Logger } from '../platform/logging/index.ts';
import type { AuditBuffer, AuditSink, AuditStatement, Clock } from '../platform/ports.ts';
import { createAuditBuffer } from './buffer.ts';
import { insertAuditRows, insertEventsSql, valuesOf } from './repository.ts';
import { mountAuditRoutes } from './routes.ts';
import { type AuditRow, rowOf } from './rows.ts';
import { type AuditReader, createAuditReader } from './service.ts';

export interface AuditDeps {
  database: Database;
  clock: Clock;
  logger: Logger;
  /** Counts buffered events that could not be kept. */
  lost: (count: number) => void;
}

export interface Audit {
  /** The sink of a transaction. */
  in(trx: Knex): AuditSink;
  buffer: AuditBuffer;
  /** For the few statements that must not become two (PERFORMANCE.md, row 10). */
  statement: AuditStatement;
  /** Writes the buffer out; call it before the database closes. */
  flush(): Promise<void>;
  events: AuditReader;
  mount(admin: AdminRoutes): void;
}

export const createAudit = ({ database, clock, logger, lost }: AuditDeps): Audit => {
  const write = (rows: Parameters<typeof insertAuditRows>[1]): Promise<void> => insertAuditRows(database.knex, rows);
  const buffer = createAuditBuffer({ clock, logger, write, lost });
  const events = createAuditReader({ database, flush: buffer.flush });
  return {
    events,
    in: (trx) => ({ record: (event) => insertAuditRows(trx, [rowOf(event, clock.now())]) }),
    buffer,
    statement: {
      prepare: (event) => ({ ...rowOf(event, clock.now()) }),
      sql: insertEventsSql,
      values: (events) => valuesOf(events as unknown as readonly AuditRow[]),
    },
    flush: buffer.flush,
    mount: (admin) => mountAuditRoutes(admin, events),
  };
};

export { type EventKind, eventKinds } from './kinds.ts';
export { EventQuery, type EventView, eventView, placeOf } from './routes.ts';
export type { AuditReader } from './service.ts';
