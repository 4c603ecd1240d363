import cluster from 'node:cluster';
import { type App, createApp } from './app.ts';
import { openOperatorChannel } from './cli/index.ts';
import { describeFailure, exitCodes } from './exit.ts';
import { type Config, configFromProcess } from './platform/config/index.ts';
import { createSupervisor, type Worker } from './supervisor.ts';

interface Ready {
  issuer: string;
  firstAdministrator: App['firstAdministrator'];
  conformancePerson: App['conformancePerson'];
}

const print = (line: string): void => void process.stderr.write(`${line}\n`);

const fail = (error: unknown): never => {
  const { code, lines } = describeFailure(error);
  for (const line of lines) print(line);
  process.exit(code);
};

export interface StartOptions {
  /** The application that was started beside (`npm run demo`): its address, and what it is told once Castellan serves. */
  demo?: { origin: string; ready(): void };
}

const banner = (config: Config, { issuer, firstAdministrator, conformancePerson }: Ready, { demo }: StartOptions): void => {
  const lines = [`Castellan is ready at ${issuer}`];
  const add = (name: string, value: string): number => lines.push(`${name.padEnd(21)} ${value}`);
  add('Admin console', `${issuer}/admin`);
  if (!config.operationsAllow.isEmpty) add('API documentation', `${issuer}/docs`);
  if (config.issuerIsLoopback && config.smtpUrl === undefined) add('Mails', `${issuer}/dev/outbox`);
  add('Demo', demo?.origin ?? 'npm run demo');
  if (firstAdministrator) add('Administrator', firstAdministrator.email);
  if (firstAdministrator?.password) add('One-time password', `${firstAdministrator.password}   (shown only now)`);
  if (conformancePerson) add('Conformance user', `${conformancePerson.email} ${conformancePerson.password}`);
  for (const warning of config.warnings) lines.push(`Warning: ${warning}`);
  demo?.ready();
  print(`\n${lines.map((line) => `  ${line}`).join('\n')}\n`);
};

// npm passes a signal on that the terminal has sent already.
const echoMs = 1000;

// Requests have 20 s, then jobs and deliveries 5 s.
const longestCloseMs = 29_000;

/**
 * F-13: SIGTERM and SIGINT drain; a second one, a second or more later, ends at once. Installed before anything is started, since the
 * first process of a container dies of no signal that it does not handle.
 * @returns the way to say what closing is; until then there is nothing to wait for: a migration is one transaction
 */
const closeOnSignal = (drainDelaySeconds: number): ((close: () => Promise<void>) => void) => {
  let closingSince: number | undefined;
  let closeAll = async (): Promise<void> => undefined;
  const stop = (): void => {
    if (closingSince !== undefined) {
      if (performance.now() - closingSince > echoMs) process.exit(exitCodes.failed);
      return;
    }
    closingSince = performance.now();
    setTimeout(() => process.exit(exitCodes.failed), drainDelaySeconds * 1000 + longestCloseMs).unref();
    closeAll().then(
      () => process.exit(exitCodes.done),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  return (close) => {
    closeAll = close;
  };
};

// What the core throws and swallows for every opaque token costs by the frame; our own faults keep theirs (platform/errors).
const stackFrames = 4;

const shortenStacks = (): void => {
  const isChosen = process.execArgv.some((argument) => argument.startsWith('--stack-trace-limit'));
  if (!isChosen) Error.stackTraceLimit = stackFrames;
};

const serve = async (config: Config): Promise<Ready> => {
  const onClose = closeOnSignal(config.drainDelaySeconds);
  const app = await createApp(config);
  const channel = await openOperatorChannel(config, app.rooms);
  onClose(async () => {
    await channel?.close();
    await app.close();
  });
  await app.listen();
  shortenStacks();
  const { issuer, firstAdministrator, conformancePerson } = app;
  return { issuer, firstAdministrator, conformancePerson };
};

/** The primary holds no database: it starts workers, replaces those that die, and passes signals on. */
const supervise = (config: Config, options: StartOptions): void => {
  let isClosing = false;
  let waiting = config.workers;
  const made: Pick<Ready, 'firstAdministrator' | 'conformancePerson'> = {
    firstAdministrator: undefined,
    conformancePerson: undefined,
  };
  const welcome = (ready: Ready): void => {
    made.firstAdministrator ??= ready.firstAdministrator;
    made.conformancePerson ??= ready.conformancePerson;
    waiting -= 1;
    if (waiting === 0) banner(config, { issuer: ready.issuer, ...made }, options);
  };
  const fork = (): void => {
    if (isClosing) return;
    const worker: Worker = { started: performance.now(), isServing: false };
    const child = cluster.fork();
    child.once('message', (ready: Ready) => {
      supervisor.ready(worker);
      welcome(ready);
    });
    child.once('exit', (code, signal) => isClosing || supervisor.ended(worker, signal ?? code));
  };
  const supervisor = createSupervisor({
    start: fork,
    later: (milliseconds, work) => void setTimeout(work, milliseconds),
    giveUp: (code) => process.exit(code),
    say: print,
  });
  closeOnSignal(config.drainDelaySeconds)(async () => {
    isClosing = true;
    const workers = Object.values(cluster.workers ?? {}).flatMap((worker) => (worker ? [worker] : []));
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve).process.kill('SIGTERM'))));
  });
  for (let count = 0; count < config.workers; count += 1) fork();
};

/** `npm start`: reads the configuration, serves, drains on SIGTERM. Exits with 2 when the configuration has mistakes. */
export const start = async (options: StartOptions = {}): Promise<void> => {
  try {
    const config = configFromProcess();
    if (config.workers > 1 && cluster.isPrimary) return supervise(config, options);
    const ready = await serve(config);
    if (cluster.isWorker) process.send?.(ready);
    else banner(config, ready, options);
  } catch (error) {
    fail(error);
  }
};
