import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP connection to a server that the test can pull out and plug in again. */
export interface Cable {
  port: number;
  /** Ends what is connected and refuses what comes. */
  pull(): void;
  plug(): void;
  close(): Promise<void>;
}

export const layCable = async (host: string, port: number): Promise<Cable> => {
  const ends = new Set<Socket>();
  let isPlugged = true;
  const keep = (socket: Socket): void => {
    ends.add(socket);
    socket.on('error', () => undefined).once('close', () => ends.delete(socket));
  };
  const server = createServer((near) => {
    keep(near);
    if (!isPlugged) return void near.resetAndDestroy();
    const far = connect(port, host);
    keep(far);
    near.pipe(far).pipe(near);
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const pull = (): void => {
    isPlugged = false;
    for (const end of ends) end.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    pull,
    plug: () => {
      isPlugged = true;
    },
    close: async () => {
      pull();
      server.close();
      await once(server, 'close');
    },
  };
};
