import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Config } from '../config/index.ts';
import { inScope } from '../logging/index.ts';
import type { Clock } from '../ports.ts';
import type { Budgets, DirectCharge } from './budgets.ts';
import { clientAddress, commonHeaders, correlationIdOf, createHostTest, type Recorder } from './context.ts';
import { single } from './documents.ts';

export interface DirectRequest {
  headers: IncomingHttpHeaders;
  /** Empty where the method has none. */
  body: Buffer;
  ip: string;
}

export interface DirectAnswer {
  body: Record<string, unknown>;
  /** The client that proved itself, whose budget the request is counted to. */
  clientId?: string | undefined;
}

export interface DirectRoute {
  /** By method and address, as in `POST /token`. */
  line: string;
  body: 'none' | 'form' | 'json';
  /**
   * Answers a request in its plainest form with 200; `undefined` leaves it to the pipeline.
   * @throws what the pipeline then answers with
   */
  answer(request: DirectRequest): Promise<DirectAnswer | undefined>;
}

export interface DirectDeps {
  config: Config;
  clock: Clock;
  record: Recorder;
  budgets: Pick<Budgets, 'takeDirectly'>;
  find(line: string): DirectRoute | undefined;
  isDraining(): boolean;
}

const maxBodyBytes = 8192;
const types = {
  form: /^application\/x-www-form-urlencoded(; ?charset=utf-8)?$/i,
  json: /^application\/json(; ?charset=utf-8)?$/i,
};
const nothing = Buffer.alloc(0);

/** What changes an answer, or how a body is read, is the pipeline's. */
const special = [
  'origin',
  'content-encoding',
  'transfer-encoding',
  'dpop',
  'oauth-client-attestation',
  'oauth-client-attestation-pop',
  'x-fapi-interaction-id',
  'x-request-id',
  'idempotency-key',
] as const;

const lengthOf = ({ headers }: IncomingMessage, body: DirectRoute['body']): number | undefined => {
  const length = Number(headers['content-length'] ?? 0);
  if (body === 'none') return length === 0 ? 0 : undefined;
  return length > 0 && length <= maxBodyBytes && types[body].test(headers['content-type'] ?? '') ? length : undefined;
};

/** Hands over the whole body and leaves it in the stream, for whoever reads it next; `undefined` where it came in pieces. */
const peek = (request: IncomingMessage, length: number, then: (body: Buffer | undefined) => void): void => {
  if (length === 0) {
    then(nothing);
    return;
  }
  request.once('readable', () => {
    const chunk = request.read() as Buffer | null;
    if (chunk) request.unshift(chunk);
    then(chunk?.length === length ? chunk : undefined);
  });
};

/**
 * Answers the busiest machine requests ahead of Koa and the protocol core (PERFORMANCE.md, rows 2-5 and 8), where they come in their
 * plainest form and succeed. Logged, measured, headed and counted as any other answer.
 * @returns whether it took the request; `pass` gives it to the pipeline after all, with what went wrong
 */
export const createDirectAnswers = ({ config, clock, record, budgets, find, isDraining }: DirectDeps) => {
  const isOurs = createHostTest(config);
  const common = Object.entries({ ...commonHeaders(config), 'Content-Type': 'application/json; charset=utf-8' }).flat();

  const write = (response: ServerResponse, answer: DirectAnswer, charge: DirectCharge, correlationId: string): void => {
    const body = JSON.stringify(answer.body);
    const own = ['X-Correlation-Id', correlationId, 'Content-Length', String(Buffer.byteLength(body))];
    response.writeHead(200, [...common, ...own, ...charge.headers]);
    response.end(body);
  };

  const lineOf = (request: IncomingMessage): string => `${request.method} ${request.url}`;

  return (request: IncomingMessage, response: ServerResponse, pass: (failure?: unknown) => void): boolean => {
    const route = find(lineOf(request));
    if (!route || isDraining() || !isOurs(request)) return false;
    const { headers } = request;
    const length = lengthOf(request, route.body);
    if (length === undefined || special.some((name) => headers[name] !== undefined)) return false;

    const started = performance.now();
    const correlationId = correlationIdOf(single(headers['x-correlation-id']), clock);
    const ip = clientAddress(request.socket.remoteAddress ?? '', single(headers['x-forwarded-for']), config);
    const answer = async (body: Buffer): Promise<void> => {
      const charge = budgets.takeDirectly(ip);
      const found = charge && (await route.answer({ headers, body, ip }));
      if (!charge || !found) {
        charge?.giveBack();
        return pass();
      }
      if (found.clientId !== undefined) charge.countTo(found.clientId);
      write(response, found, charge, correlationId);
      request.resume();
      record({ correlationId, ip, method: request.method ?? '', route: request.url ?? '', status: 200, started });
    };
    peek(request, length, (body) => {
      if (!body) return pass();
      inScope({ correlationId, ip }, () => answer(body)).catch(pass);
    });
    return true;
  };
};
