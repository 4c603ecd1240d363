import { lookup as resolve } from 'node:dns';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Config } from '../config/index.ts';
import type { Clock } from '../ports.ts';
import { isPublicAddress } from './addresses.ts';

export class OutboundError extends Error {
  override readonly name = 'OutboundError';
  /** True where the guard refused before or while connecting, so that an audit event can say so. */
  readonly isRefused: boolean;
  constructor(isRefused: boolean, cause?: unknown) {
    // SF-04: one text for closed ports, filtered ports, refused addresses and broken answers.
    super('the address could not be fetched', { cause });
    this.isRefused = isRefused;
  }
}

interface OutboundDeps {
  config: Pick<Config, 'outboundAllow'>;
  clock: Clock;
  /** Told once for each address that the guard refuses. */
  onRefused?: (url: URL) => void;
  /** Of names; the system's own. */
  resolve?: typeof resolve;
}

export interface OutboundRequest {
  method?: string | undefined;
  headers?: Headers | Record<string, string> | undefined;
  body?: string | URLSearchParams | undefined;
  /** The caller's own patience, beside ours. */
  signal?: AbortSignal | null | undefined;
}

/** Redirects are never followed (SF-02); at most 2.5 s and 256 KiB. @throws OutboundError */
export type Outbound = (url: string | URL, request?: OutboundRequest) => Promise<Response>;

const limits = { milliseconds: 2500, bytes: 256 * 1024, failures: 5, openMilliseconds: 30_000 };

const plainHost = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '').toLowerCase();

type Lookup = NonNullable<RequestOptions['lookup']>;

/** A breaker a host: after five failures in a row it is left alone for half a minute (SF-04). */
const createBreakers = (clock: Clock) => {
  const hosts = new Map<string, { failures: number; openUntil: number }>();
  const now = (): number => clock.now().getTime();
  return {
    isOpen: (host: string): boolean => (hosts.get(host)?.openUntil ?? 0) > now(),
    succeeded: (host: string): void => void hosts.delete(host),
    failed: (host: string): void => {
      const failures = (hosts.get(host)?.failures ?? 0) + 1;
      if (hosts.size > 1000) hosts.clear();
      hosts.set(host, { failures, openUntil: failures >= limits.failures ? now() + limits.openMilliseconds : 0 });
    },
  };
};

const read = async (response: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > limits.bytes) throw new RangeError('answer too large');
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
};

const emptyStatuses = new Set([101, 204, 205, 304]);

const toResponse = async (incoming: IncomingMessage): Promise<Response> => {
  const body = await read(incoming);
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const single of [value].flat()) if (single !== undefined) headers.append(name, single);
  }
  const status = incoming.statusCode ?? 502;
  return new Response(emptyStatuses.has(status) ? null : body, { status, headers });
};

export const createOutbound = ({ config, clock, onRefused, resolve: resolveName = resolve }: OutboundDeps): Outbound => {
  const { hosts, networks } = config.outboundAllow;
  const breakers = createBreakers(clock);
  const isAllowedHost = (host: string): boolean => hosts.includes(host) || networks.has(host);
  const mayConnect = (address: string): boolean => isPublicAddress(address) || networks.has(address);

  /** SF-03: the addresses that are checked are the ones the socket gets. */
  const guardedLookup: Lookup = (host, options, callback) => {
    resolveName(host, { ...options, all: true }, (error, found) => {
      const addresses = found ?? [];
      const isFine = isAllowedHost(host.toLowerCase()) || addresses.every(({ address }) => mayConnect(address));
      const [first] = addresses;
      if (error || !first || !isFine) {
        callback(error ?? new OutboundError(true), '', 4);
        return;
      }
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };

  const check = (url: URL): void => {
    const host = plainHost(url);
    const isAllowed = isAllowedHost(host);
    const isHttps = url.protocol === 'https:' || (url.protocol === 'http:' && isAllowed);
    const isStandardPort = url.port === '' || isAllowed;
    const isReachable = isIP(host) === 0 || isAllowed || isPublicAddress(host);
    if (!isHttps || !isStandardPort || !isReachable || url.username || url.password) throw new OutboundError(true);
  };

  const exchange = (url: URL, { method = 'GET', headers, body: content, signal }: OutboundRequest): Promise<Response> =>
    new Promise((resolveResponse, reject) => {
      const patience = AbortSignal.timeout(limits.milliseconds);
      const body = content?.toString();
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const outgoing = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
        method,
        headers: { ...Object.fromEntries(new Headers(headers)), ...length, 'accept-encoding': 'identity' },
        lookup: guardedLookup,
        agent: false,
        maxHeaderSize: 16_384,
        signal: signal ? AbortSignal.any([patience, signal]) : patience,
      });
      outgoing.on('error', reject);
      outgoing.on('response', (incoming) => toResponse(incoming).then(resolveResponse, reject));
      outgoing.end(body);
    });

  const refused = (error: unknown, url: URL): OutboundError => {
    if (error instanceof OutboundError && error.isRefused) {
      onRefused?.(url);
      return error;
    }
    breakers.failed(url.host);
    return new OutboundError(false, error);
  };

  return async (address, request = {}) => {
    const url = new URL(address);
    if (breakers.isOpen(url.host)) throw new OutboundError(false);
    try {
      check(url);
      const response = await exchange(url, request);
      breakers.succeeded(url.host);
      return response;
    } catch (error) {
      throw refused(error, url);
    }
  };
};
