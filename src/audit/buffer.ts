import { isRejectedValue } from '../platform/db/index.ts';
import type { Logger } from '../platform/logging/index.ts';
import type { AuditBuffer, Clock } from '../platform/ports.ts';
import { type AuditRow, rowOf } from './rows.ts';

export interface BufferDeps {
  clock: Clock;
  logger: Logger;
  write: (rows: readonly AuditRow[]) => Promise<void>;
  /** How many events could not be kept. */
  lost: (count: number) => void;
}

const maxEvents = 10_000;
const flushMs = 500;

/** Events of what changes nothing (FEATURES C5): written within a second, bounded, counted when lost. */
export const createAuditBuffer = ({ clock, logger, write, lost }: BufferDeps) => {
  let pending: AuditRow[] = [];
  let timer: NodeJS.Timeout | undefined;
  let flushing: Promise<void> = Promise.resolve();

  /** One event that the database cannot hold keeps none of the others out. */
  const writeEach = async (rows: readonly AuditRow[]): Promise<void> => {
    for (const row of rows) {
      try {
        await write([row]);
      } catch (error) {
        lost(1);
        logger.error({ err: error, type: row.type }, 'an audit event could not be written');
      }
    }
  };

  const writeOut = async (): Promise<void> => {
    const rows = pending;
    pending = [];
    if (rows.length === 0) return;
    try {
      await write(rows);
    } catch (error) {
      if (isRejectedValue(error)) return await writeEach(rows);
      const room = Math.max(0, maxEvents - pending.length);
      pending = [...rows.slice(0, room), ...pending];
      if (rows.length > room) lost(rows.length - room);
      logger.warn({ err: error, events: rows.length }, 'audit events wait for the database');
      schedule();
    }
  };

  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    flushing = flushing.then(writeOut);
    return flushing;
  };

  const schedule = (): void => {
    timer ??= setTimeout(() => void flush(), flushMs).unref();
  };

  const note: AuditBuffer['note'] = (event) => {
    if (pending.length >= maxEvents) return lost(1);
    pending.push(rowOf(event, clock.now()));
    schedule();
  };

  return { note, flush };
};
