import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Knex } from 'knex';

/** A hot statement: prepared once per connection, so that Knex's building cost (50 µs) and the parse are saved. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** @param name unique over the whole product */
export const statement = (name: string, text: string): Statement => ({ name, text });

interface PgConnection {
  query(query: { name: string; text: string; values: readonly unknown[] }): Promise<{ rows: unknown[]; rowCount: number | null }>;
}

interface ConnectionSource {
  acquireConnection(): Promise<PgConnection>;
  releaseConnection(connection: PgConnection): Promise<void>;
  emit(event: string, ...values: unknown[]): boolean;
  config: { castellanYields?: boolean };
}

let sequence = 0;

/** Runs a prepared statement on a pooled connection, or on the transaction's own when `executor` is one. */
export const prepared = async <Row>(
  executor: Knex,
  { name, text }: Statement,
  values: readonly unknown[],
): Promise<{ rows: Row[]; rowCount: number }> => {
  const source = executor.client as ConnectionSource;
  const connection = await source.acquireConnection();
  const id = `prepared-${++sequence}`;
  source.emit('query', { __knexQueryUid: id, sql: text });
  try {
    const result = await connection.query({ name, text, values });
    if (source.config.castellanYields) await nextTurn();
    return { rows: result.rows as Row[], rowCount: result.rowCount ?? 0 };
  } finally {
    source.emit('query-response', undefined, { __knexQueryUid: id, sql: text });
    await source.releaseConnection(connection);
  }
};
