/** Knex ships no types for its dialects; this is the one we extend. */
declare module 'knex/lib/dialects/postgres/index.js' {
  export default class PostgresDialect {
    _query(connection: unknown, query: unknown): Promise<unknown>;
  }
}
