import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Config, ConfigError } from '../config/index.ts';

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

// OP-07: header, body and idle times, and numbers. Node looks at the first two every so often.
const limits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 32_768,
};
/** Without a byte in either direction: whoever reads no answer. */
const silenceMs = 120_000;
const maxConnections = 10_000;
const drainSeconds = 20;

/** FAPI 2.0 Security Profile §5.2.2, BCP 195 (RFC 9325 §4.2): of TLS 1.2 what has forward secrecy and authenticated encryption. */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':');

const tlsOptions = ({ tls, tlsClientCert }: Config) =>
  tls && {
    cert: readFileSync(tls.certFile),
    key: readFileSync(tls.keyFile),
    minVersion: 'TLSv1.2' as const,
    ciphers,
    honorCipherOrder: true,
    // RFC 8705 §2: whether a certificate is good for a client is decided by its registration, not by the handshake.
    requestCert: tlsClientCert === 'request',
    rejectUnauthorized: false,
  };

/** What a server has not answered yet. */
const underWay = new WeakMap<Server, Set<ServerResponse>>();

/** A server that is not listening yet. */
export const createHttpServer = (config: Config): Server => {
  const tls = tlsOptions(config);
  const server = tls ? createTlsServer({ ...limits, ...tls }) : createServer(limits);
  server.maxConnections = maxConnections;
  server.timeout = silenceMs;
  const answers = new Set<ServerResponse>();
  underWay.set(server, answers);
  server.on('request', (_request, response: ServerResponse) => {
    answers.add(response);
    response.once('close', () => answers.delete(response));
  });
  return server;
};

const isUnknown = ({ code = '' }: NodeJS.ErrnoException): boolean => ['ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL'].includes(code);

export const listenOn = (server: Server, { host, port }: { host: string; port: number }): Promise<number> =>
  new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void =>
      reject(isUnknown(error) ? new ConfigError([`HOST: ${host} is no address or name of this machine`]) : error);
    server.once('error', refuse);
    server.listen(port, host, () => {
      server.off('error', refuse);
      resolve((server.address() as AddressInfo).port);
    });
  });

/** RFC 9112 §9.6: every answer from now on is the last of its connection, so that nobody sends another request into its end. */
const endConnections = (server: Server): void => {
  const end = (response: ServerResponse): void => {
    response.shouldKeepAlive = false;
  };
  for (const response of underWay.get(server) ?? []) end(response);
  server.prependListener('request', (_request, response: ServerResponse) => end(response));
};

/**
 * F-13: keeps accepting for `delaySeconds` so that balancers notice, then closes the door, ends idle connections, and waits for
 * requests in flight up to 20 s.
 */
export const drain = async (server: Server, delaySeconds: number): Promise<void> => {
  if (!server.listening) return;
  endConnections(server);
  await sleep(delaySeconds * 1000);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), drainSeconds * 1000);
  // An answer that had begun before the end was known leaves its connection open.
  const idle = setInterval(() => server.closeIdleConnections(), 100);
  await closed;
  clearTimeout(timer);
  clearInterval(idle);
};
