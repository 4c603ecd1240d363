import pg from 'pg';

interface Column {
  name: string;
  read: (text: string) => unknown;
}

/** What pg gives a query that sends itself, as its own cursors do (`submit`). */
interface Wire {
  /** PGlite's has no corks. */
  stream: { cork?(): void; uncork?(): void };
  parsedStatements: Record<string, string | undefined>;
  submittedNamedStatements: Record<string, string | undefined>;
  parse(message: { name: string; text: string }): void;
  bind(message: { statement: string; values: readonly Encoded[] }): void;
  describe(message: { type: 'P' }): void;
  execute(message: object): void;
  sync(): void;
}

type Encoded = string | Buffer | null;

const special = /["\\]/;
const quoted = (text: string): string => `"${special.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`;

const elementOf = (value: unknown): string => {
  if (Array.isArray(value)) return `{${value.map(elementOf).join(',')}}`;
  const text = encoded(value);
  if (text === null) return 'NULL';
  return quoted(typeof text === 'string' ? text : `\\x${text.toString('hex')}`);
};

const encoded = (value: unknown): Encoded => {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  if (Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return elementOf(value);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

const timestamptz = 1184;
const utc = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00$/;
const readAnyTime = pg.types.getTypeParser(timestamptz, 'text') as (text: string) => unknown;
/** As a server in UTC writes it, in the form that JavaScript reads fast. */
const readTime = (text: string): unknown =>
  utc.test(text) ? new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`) : readAnyTime(text);

const readerOf = (type: number): Column['read'] =>
  type === timestamptz ? readTime : (pg.types.getTypeParser(type, 'text') as Column['read']);

const described = new WeakMap<Wire, Map<string, readonly Column[]>>();

const columnsOf = (wire: Wire): Map<string, readonly Column[]> => {
  const known = described.get(wire) ?? new Map<string, readonly Column[]>();
  described.set(wire, known);
  return known;
};

const rowOf = (columns: readonly Column[], fields: readonly (string | null)[]): Record<string, unknown> => {
  const row: Record<string, unknown> = {};
  let index = 0;
  for (const { name, read } of columns) {
    const text = fields[index++];
    row[name] = typeof text === 'string' ? read(text) : null;
  }
  return row;
};

export interface Rows<Row> {
  rows: Row[];
  rowCount: number;
}

/**
 * Runs a named statement. pg has the server describe the columns of each answer and reads that anew; a prepared statement's columns stay
 * (PostgreSQL refuses to run one whose columns changed), so they are asked for once for each connection.
 */
export class PreparedQuery<Row> {
  readonly name: string;
  readonly text: string;
  readonly #values: readonly Encoded[];
  readonly #done: (error: Error | null, result: Rows<Row>) => void;
  readonly #rows: Row[] = [];
  #rowCount = 0;
  #columns: readonly Column[] | undefined;
  #wire: Wire | undefined;
  #unreadable: Error | null = null;

  constructor(name: string, text: string, values: readonly unknown[], done: (error: Error | null, result: Rows<Row>) => void) {
    this.name = name;
    this.text = text;
    this.#values = values.map(encoded);
    this.#done = done;
  }

  submit(wire: Wire): void {
    this.#wire = wire;
    this.#columns = described.get(wire)?.get(this.name);
    wire.stream.cork?.();
    try {
      this.#send(wire);
    } finally {
      wire.stream.uncork?.();
    }
  }

  #send(wire: Wire): void {
    if ((wire.parsedStatements[this.name] ?? wire.submittedNamedStatements[this.name]) === undefined) {
      wire.parse({ name: this.name, text: this.text });
      wire.submittedNamedStatements[this.name] = this.text;
    }
    wire.bind({ statement: this.name, values: this.#values });
    if (!this.#columns) wire.describe({ type: 'P' });
    wire.execute({});
    wire.sync();
  }

  handleRowDescription({ fields }: { fields: readonly { name: string; dataTypeID: number }[] }): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({ name, read: readerOf(dataTypeID) }));
    if (this.#wire) columnsOf(this.#wire).set(this.name, this.#columns);
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    try {
      if (!this.#unreadable) this.#rows.push(rowOf(this.#columns ?? [], fields) as Row);
    } catch (error) {
      // Thrown from here it would reach the socket.
      this.#unreadable = error as Error;
    }
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#rowCount = Number(text.slice(text.lastIndexOf(' ') + 1)) || 0;
  }

  handleReadyForQuery(): void {
    this.#done(this.#unreadable, { rows: this.#rows, rowCount: this.#rowCount });
  }

  handleError(error: Error): void {
    this.#done(error, { rows: [], rowCount: 0 });
  }
}
