import { chmodSync, existsSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Rooms } from '../../app.ts';
import { CommandFailed } from '../../exit.ts';
import type { Config } from '../../platform/config/index.ts';
import { type FieldError, Refusal } from '../../platform/errors/index.ts';
import { createOperations, type Operate, type Operations } from './operations.ts';

/**
 * An embedded database has one owner. While a server owns it, commands ask that server over a Unix socket in the data directory:
 * who may read the keys there may use it, nobody else.
 */
export interface OperatorChannel {
  close(): Promise<void>;
}

const socketOf = (dataDir: string): string => join(dataDir, 'operator.sock');
/** `sun_path` of unix(7), with its final zero. */
const maxPathBytes = 108;
const maxBodyBytes = 1_048_576;

const hasChannel = ({ databaseUrl, dataDir }: Config): boolean =>
  databaseUrl === undefined && dataDir !== ':memory:' && Buffer.byteLength(socketOf(dataDir)) < maxPathBytes;

/** @param maxBytes of what somebody asks; an answer of the server is as long as it is */
const readJson = async (message: IncomingMessage, maxBytes = Number.POSITIVE_INFINITY): Promise<Record<string, unknown>> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new CommandFailed('too long');
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
};

interface Problem {
  code?: string;
  status?: number;
  title?: string;
  detail?: string | undefined;
  errors?: readonly FieldError[];
  message?: string;
}

const problemOf = (error: unknown): Problem => {
  if (!(error instanceof Refusal)) return { message: error instanceof Error ? error.message : 'failed' };
  const { code, status, title, detail, errors } = error;
  return { code, status, title, detail, errors };
};

const errorOf = ({ code, status, title, detail, errors, message }: Problem): Error =>
  code !== undefined && status !== undefined && title !== undefined
    ? new Refusal({ code, status, title, detail, errors })
    : new CommandFailed(message ?? 'the server refused');

const answerTo = async (operations: Operations, incoming: IncomingMessage): Promise<unknown> => {
  const { name, input } = await readJson(incoming, maxBodyBytes);
  if (typeof name !== 'string' || !Object.hasOwn(operations, name)) {
    throw new CommandFailed('the running server is of another version and does not know this command');
  }
  const operation = operations[name as keyof Operations] as (input: unknown) => Promise<unknown>;
  return await operation(input);
};

const send = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? null));
};

/** Listens while the server runs. Nothing without an embedded database, or where its path is too long for a socket. */
export const openOperatorChannel = async (config: Config, rooms: Rooms): Promise<OperatorChannel | undefined> => {
  if (!hasChannel(config)) return undefined;
  const path = socketOf(config.dataDir);
  const operations = createOperations(rooms);
  const server = createServer((incoming, response) => {
    answerTo(operations, incoming).then(
      (result) => send(response, 200, result),
      (error: unknown) => send(response, 400, problemOf(error)),
    );
  });
  // The directory is locked by this process: a socket there is one that a killed server left behind.
  rmSync(path, { force: true });
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
    chmodSync(path, 0o600);
  } catch (error) {
    rooms.foundation.logger.warn({ err: error }, 'commands cannot reach this server: there can be no socket in DATA_DIR');
    return undefined;
  }
  server.unref();
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const post = (path: string, body: unknown): Promise<{ status: number; answer: unknown }> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const outgoing = request({ socketPath: path, method: 'POST', path: '/', headers }, (incoming) => {
      readJson(incoming).then((answer) => resolve({ status: incoming.statusCode ?? 500, answer }), reject);
    });
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(body));
  });

const isReachable = (path: string): Promise<boolean> =>
  post(path, { name: '' }).then(
    () => true,
    () => false,
  );

/** The running server of this data directory, where there is one. */
export const findRunningServer = async (config: Config): Promise<Operate | undefined> => {
  if (!hasChannel(config)) return undefined;
  const path = socketOf(config.dataDir);
  if (!existsSync(path) || !(await isReachable(path))) return undefined;
  return (async (name: string, input: unknown) => {
    const { status, answer } = await post(path, { name, input });
    if (status !== 200) throw errorOf(answer as Problem);
    return answer;
  }) as Operate;
};
