import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Config } from '../config/index.ts';
import type { Clock } from '../ports.ts';
import { clientAddress, commonHeaders, correlationIdOf, createHostTest, type Recorder } from './context.ts';

/** An answer that is the same for everybody: discovery documents, the key set. */
export interface StaticDocument {
  /** A text leaves with its head in one write to the socket. */
  body: string;
  contentType: string;
  /** Quoted, as RFC 9110 §8.8.3 has it. */
  etag: string;
  /** Seconds. */
  maxAge: number;
}

export interface DocumentDeps {
  config: Config;
  clock: Clock;
  record: Recorder;
  /** The document at a path as it is now. */
  find: (path: string) => StaticDocument | undefined;
}

/** Of a header that may come more than once. */
export const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(',') : value;

const isSame = (header: string | undefined, etag: string): boolean =>
  header !== undefined && (header === '*' || header.split(',').some((one) => one.trim().replace(/^W\//, '') === etag));

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD';

/**
 * Answers documents out of memory, ahead of Koa: relying parties and resource servers fetch them all the time (PERFORMANCE.md, row 1).
 * Logged, measured and headed as any other answer.
 * @returns whether it answered
 */
export const createDocumentAnswer = ({ config, clock, record, find }: DocumentDeps) => {
  const isOurs = createHostTest(config);
  const common = Object.entries({ ...commonHeaders(config), 'Access-Control-Allow-Origin': '*' })
    .filter(([name]) => name !== 'Cache-Control')
    .flat();
  /** Of each document, what is the same in every answer. */
  const heads = new WeakMap<StaticDocument, readonly string[]>();
  const headOf = (document: StaticDocument): readonly string[] => {
    const { etag, maxAge } = document;
    const head = heads.get(document) ?? [...common, 'ETag', etag, 'Cache-Control', `public, max-age=${maxAge}`];
    heads.set(document, head);
    return head;
  };

  const write = (request: IncomingMessage, response: ServerResponse, document: StaticDocument, correlationId: string): void => {
    const { body, contentType, etag } = document;
    const isKnown = isSame(request.headers['if-none-match'], etag);
    const content = isKnown ? [] : ['Content-Type', contentType, 'Content-Length', String(Buffer.byteLength(body))];
    response.writeHead(isKnown ? 304 : 200, [...headOf(document), 'X-Correlation-Id', correlationId, ...content]);
    response.end(isKnown || request.method === 'HEAD' ? undefined : body);
  };

  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const { method = '', url = '', headers } = request;
    const document = find(url);
    if (!document || !isRead(method) || !isOurs(request)) return false;
    const started = performance.now();
    const correlationId = correlationIdOf(single(headers['x-correlation-id']), clock);
    write(request, response, document, correlationId);
    const ip = clientAddress(request.socket.remoteAddress ?? '', single(headers['x-forwarded-for']), config);
    record({ correlationId, ip, method, route: url, status: response.statusCode, started });
    return true;
  };
};
