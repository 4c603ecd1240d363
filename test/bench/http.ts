/** The load generator's own small HTTP client: keep-alive sockets, nothing parsed that nobody asked for. */
import { Agent, request as httpRequest } from 'node:http';

export interface Answer {
  status: number;
  location: string | undefined;
  body: string;
}

export interface Call {
  method?: 'GET' | 'POST';
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface Client {
  send(call: Call): Promise<Answer>;
  close(): void;
}

export const createClient = (origin: string, connections: number): Client => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { hostname, port } = new URL(origin);
  return {
    send: ({ method = 'GET', path, headers = {}, body }) =>
      new Promise((resolve, reject) => {
        const length: Record<string, number> = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
        const outgoing = httpRequest(
          { agent, hostname, port, method, path, headers: { host: `${hostname}:${port}`, ...headers, ...length } },
          (incoming) => {
            const chunks: Buffer[] = [];
            incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
            incoming.on('error', reject);
            incoming.on('end', () =>
              resolve({
                status: incoming.statusCode ?? 0,
                location: incoming.headers.location,
                body: Buffer.concat(chunks).toString(),
              }),
            );
          },
        );
        outgoing.on('error', reject);
        outgoing.end(body);
      }),
    close: () => agent.destroy(),
  };
};

export const expectStatus = (answer: Answer, status: number, what: string): Answer => {
  if (answer.status !== status) throw new Error(`${what}: ${answer.status} ${answer.body.slice(0, 300)}`);
  return answer;
};

export interface Load {
  requests: number;
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

/** Runs `once` on `connections` lanes until the time is over. Errors stop the bench: a fast failure is not a result. */
export const drive = async (once: (lane: number) => Promise<unknown>, connections: number, seconds: number): Promise<Load> => {
  const latencies: number[] = [];
  const started = performance.now();
  const end = started + seconds * 1000;
  const lane = async (index: number): Promise<void> => {
    while (performance.now() < end) {
      const begun = performance.now();
      await once(index);
      latencies.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, index) => lane(index)));
  const elapsed = (performance.now() - started) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return { requests: latencies.length, perSecond: latencies.length / elapsed, p50: at(0.5), p99: at(0.99) };
};
