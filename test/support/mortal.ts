import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Engine, locate } from './database.ts';
import type { Order, Word } from './mortal-app.ts';
import { freePort } from './process.ts';

const file = fileURLToPath(new URL('./mortal-app.ts', import.meta.url));

/** An application that can be told to die at a statement, and be started again on what it leaves. */
export interface Mortal {
  issuer: string;
  person: { login: string; password: string };
  administrator: { login: string; password: string };
  /** From now on the N-th statement is its last. */
  arm(at: number, when: 'before' | 'after'): Promise<void>;
  /** Statements since `arm`. */
  count(): Promise<number>;
  /** Forgets what was tried and not finished: a killed sign-in stays counted (N-07), and hundreds of them ask for a proof of work. */
  calm(): Promise<void>;
  isAlive(): boolean;
  /** Waits for its end. */
  death(): Promise<void>;
  /** Starts it on what is there. @returns the invariants that did not hold when it came up */
  start(aheadSeconds?: number): Promise<string[]>;
  /** What its clock shows. */
  now(): Date;
  /** Invariants that do not hold now. */
  invariants(): Promise<string[]>;
  errors(): string;
  close(): Promise<void>;
}

export interface MortalOptions {
  engine: Engine;
  env?: Record<string, string>;
  bootstrap?: Record<string, unknown[]>;
}

export const createMortal = async ({ engine, env = {}, bootstrap = {} }: MortalOptions): Promise<Mortal> => {
  const location = await locate(engine);
  const directory = mkdtempSync(join(tmpdir(), 'castellan-mortal-'));
  const secret = (): string => randomBytes(12).toString('base64url');
  const person = { login: 'person@example.test', password: secret() };
  const administrator = { login: 'admin@example.test', password: secret() };
  const bootstrapFile = join(directory, 'bootstrap.json');
  const users = [{ email: person.login, password: person.password, email_verified: true }];
  writeFileSync(bootstrapFile, JSON.stringify({ ...bootstrap, users }));
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const settings = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    PORT: String(port),
    ISSUER: issuer,
    DATA_DIR: location.dataDir,
    MASTER_KEY: randomBytes(32).toString('base64url'),
    RATE_LIMITS: 'off',
    LOG_LEVEL: 'error',
    BOOTSTRAP_ADMIN_EMAIL: administrator.login,
    BOOTSTRAP_ADMIN_PASSWORD: administrator.password,
    BOOTSTRAP_FILE: bootstrapFile,
    ...(location.databaseUrl === undefined ? {} : { DATABASE_URL: location.databaseUrl }),
    ...env,
  };
  const ahead = { seconds: 0 };
  let child: ChildProcess | undefined;
  let said = '';
  const isAlive = (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null;
  const death = async (): Promise<void> => {
    if (child && isAlive()) await once(child, 'exit');
  };
  /** The next word of the process; refused when it ends first. */
  const heard = (speaker: ChildProcess, failure: string): Promise<Word> =>
    new Promise((resolve, reject) => {
      const gone = (): void => {
        speaker.off('message', told);
        reject(new Error(`${failure}: ${said.slice(-2000)}`));
      };
      const told = (word: unknown): void => {
        speaker.off('exit', gone);
        resolve(word as Word);
      };
      speaker.once('message', told);
      speaker.once('exit', gone);
    });
  const ask = async (order: Order): Promise<Word> => {
    if (!child || !isAlive()) throw new Error('nobody is there to answer');
    const answer = heard(child, 'gone before it answered');
    // That the channel is closed is told by the end of the process as well.
    child.send(order, () => undefined);
    return await answer;
  };
  const brokenOf = (word: Word): string[] => ('broken' in word ? word.broken : []);
  return {
    issuer,
    person,
    administrator,
    isAlive,
    death,
    errors: () => said,
    arm: async (at, when) => void (await ask({ do: 'arm', at, when })),
    count: async () => {
      const word = await ask({ do: 'count' });
      return 'count' in word ? word.count : 0;
    },
    calm: async () => void (await ask({ do: 'calm' })),
    invariants: async () => brokenOf(await ask({ do: 'invariants' })),
    now: () => new Date(Date.now() + ahead.seconds * 1000),
    start: async (aheadSeconds = 0) => {
      ahead.seconds = aheadSeconds;
      const starting = fork(file, [], {
        env: { ...settings, CLOCK_AHEAD_SECONDS: String(aheadSeconds) },
        cwd: directory,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      });
      child = starting;
      for (const stream of [starting.stdout, starting.stderr]) {
        stream?.on('data', (chunk: Buffer) => {
          said += chunk.toString();
        });
      }
      return brokenOf(await heard(starting, 'did not start'));
    },
    close: async () => {
      child?.kill('SIGKILL');
      await death();
      await location.remove();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
