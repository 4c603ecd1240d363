import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to PostgreSQL that breaks at a statement, whichever connection sends it. */
export interface SeveredWay {
  port: number;
  /** From now on the N-th statement is the last: it never arrives (`before`), or its answer does not (`after`). */
  arm(at: number, when: 'before' | 'after'): void;
  /** Statements since `arm`. */
  count(): number;
  close(): Promise<void>;
}

/** PostgreSQL §54.7: a simple query, or the end of an extended one. */
const ends = new Set(['Q', 'S']);

/** Offset behind each statement that ends in this part of what a client sends; the first message has no type. */
const createReader = () => {
  let rest = Buffer.alloc(0);
  let isStarted = false;
  return (chunk: Buffer): number => {
    rest = Buffer.concat([rest, chunk]);
    let statements = 0;
    for (;;) {
      const head = isStarted ? 1 : 0;
      if (rest.length < head + 4) return statements;
      const size = head + rest.readInt32BE(head);
      if (rest.length < size) return statements;
      if (isStarted && ends.has(String.fromCharCode(rest[0] ?? 0))) statements += 1;
      isStarted = true;
      rest = rest.subarray(size);
    }
  };
};

export const laySevered = async (host: string, port: number): Promise<SeveredWay> => {
  const sockets = new Set<Socket>();
  let left = Number.POSITIVE_INFINITY;
  let count = 0;
  let when: 'before' | 'after' = 'before';
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    const far = connect(port, host);
    const read = createReader();
    keep(near);
    keep(far);
    near.on('data', (chunk) => {
      const statements = read(chunk);
      count += statements;
      left -= statements;
      if (left <= 0 && when === 'before') return cut();
      far.write(chunk);
    });
    far.on('data', (chunk) => (left <= 0 ? cut() : near.write(chunk)));
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    arm: (at, moment) => {
      left = at;
      when = moment;
      count = 0;
    },
    count: () => count,
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
};
