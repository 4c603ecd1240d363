import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

export type Environment = Record<string, string>;

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunningServer {
  issuer: string;
  process: ChildProcess;
  /** All that was said so far. */
  stdout(): string;
  stderr(): string;
  /** Sends a signal and waits for the end. @returns the exit code */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
};

/** The process sees no setting but these, and no `.env`. @param uid whose rights it has */
export const launch = (
  file: string,
  args: readonly string[],
  env: Environment,
  uid?: number,
): ChildProcess & { said: { out: string; err: string } } => {
  const cwd = mkdtempSync(join(tmpdir(), 'castellan-cwd-'));
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [join(root, file), ...args], {
    cwd,
    env: { PATH, HOME, LOG_LEVEL: 'warn', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid }),
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    said.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said.err += chunk;
  });
  child.once('close', () => rmSync(cwd, { recursive: true, force: true }));
  return Object.assign(child, { said });
};

const endOf = async (child: ReturnType<typeof launch>): Promise<Ended> => {
  const [code] = await once(child, 'close');
  return { code, stdout: child.said.out, stderr: child.said.err };
};

/** `castellan …` as a process of its own. @param input for standard input */
export const castellan = (args: readonly string[], env: Environment, input = ''): Promise<Ended> => {
  const child = launch('src/cli/castellan.ts', args, env);
  child.stdin?.end(input);
  return endOf(child);
};

/** `npm start` until it ends by itself. */
export const startToEnd = (env: Environment): Promise<Ended> => endOf(launch('src/main.ts', [], env));

/** A service in a process of its own, once its banner says that it is ready. @param file from the root of the repository */
export const startServer = async (env: Environment, file = 'src/main.ts'): Promise<RunningServer> => {
  const port = await freePort();
  const child = launch(file, [], { PORT: String(port), ...env });
  const ended = endOf(child);
  const ready = new Promise<void>((resolve) => {
    child.stderr?.on('data', () => child.said.err.includes('Castellan is ready') && resolve());
  });
  const early = await Promise.race([ready, ended]);
  if (early) throw new Error(`ended with ${early.code}: ${early.stderr}`);
  return {
    issuer: `http://localhost:${env.PORT ?? port}`,
    process: child,
    stdout: () => child.said.out,
    stderr: () => child.said.err,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      return (await ended).code;
    },
  };
};
