import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Knex } from 'knex';
import { PreparedQuery, type Rows } from './prepared-query.ts';

/** A hot statement: prepared once per connection, so that Knex's building cost (50 µs) and the parse are saved. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** @param name unique over the whole product */
export const statement = (name: string, text: string): Statement => ({ name, text });

interface PgConnection {
  query(query: object): unknown;
}

interface ConnectionSource {
  acquireConnection(): Promise<PgConnection>;
  releaseConnection(connection: PgConnection): Promise<void>;
  emit(event: string, ...values: unknown[]): boolean;
  config: { castellanYields?: boolean };
}

let sequence = 0;

const run = <Row>(connection: PgConnection, { name, text }: Statement, values: readonly unknown[]): Promise<Rows<Row>> =>
  new Promise((resolve, reject) => {
    const query = new PreparedQuery<Row>(name, text, values, (error, result) => {
      if (!error) return resolve(result);
      // Ours instead of the socket's.
      Error.captureStackTrace(error, run);
      reject(error);
    });
    connection.query(query);
  });

/** Runs a prepared statement on a pooled connection, or on the transaction's own when `executor` is one. */
export const prepared = async <Row>(executor: Knex, statement: Statement, values: readonly unknown[]): Promise<Rows<Row>> => {
  const source = executor.client as ConnectionSource;
  const connection = await source.acquireConnection();
  const id = `prepared-${++sequence}`;
  try {
    source.emit('query', { __knexQueryUid: id, sql: statement.text });
    const result = await run<Row>(connection, statement, values);
    if (source.config.castellanYields) await nextTurn();
    return result;
  } finally {
    source.emit('query-response', undefined, { __knexQueryUid: id, sql: statement.text });
    await source.releaseConnection(connection);
  }
};
