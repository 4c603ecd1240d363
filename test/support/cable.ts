import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP connection to a server that the test can pull out and plug in again. */
export interface Cable {
  port: number;
  /** Ends what is connected and refuses what comes. */
  pull(): void;
  plug(): void;
  /** Takes what comes and says nothing until it is plugged in: a server that hangs. */
  hold(): void;
  /** Connections that are open at the near end. */
  connections(): number;
  close(): Promise<void>;
}

export const layCable = async (host: string, port: number): Promise<Cable> => {
  const ends = new Set<Socket>();
  let state: 'plugged' | 'pulled' | 'held' = 'plugged';
  const near = new Set<Socket>();
  const waiting: Socket[] = [];
  const keep = (socket: Socket): void => {
    ends.add(socket);
    socket.on('error', () => undefined).once('close', () => ends.delete(socket));
  };
  const forward = (from: Socket): void => {
    const far = connect(port, host);
    keep(far);
    from.pipe(far).pipe(from);
    from.once('close', () => far.destroy());
    far.once('close', () => from.destroy());
  };
  const server = createServer((from) => {
    keep(from);
    near.add(from);
    from.once('close', () => near.delete(from));
    if (state === 'pulled') from.resetAndDestroy();
    else if (state === 'held') waiting.push(from);
    else forward(from);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const pull = (): void => {
    state = 'pulled';
    for (const end of ends) end.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    pull,
    plug: () => {
      state = 'plugged';
      for (const from of waiting.splice(0)) if (!from.destroyed) forward(from);
    },
    hold: () => {
      state = 'held';
    },
    connections: () => near.size,
    close: async () => {
      pull();
      server.close();
      await once(server, 'close');
    },
  };
};
