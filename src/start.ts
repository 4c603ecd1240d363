import cluster from 'node:cluster';
import { type App, createApp } from './app.ts';
import { describeFailure, exitCodes } from './exit.ts';
import { type Config, configFromProcess } from './platform/config/index.ts';

interface Ready {
  issuer: string;
  firstAdministrator: App['firstAdministrator'];
}

const print = (line: string): void => void process.stderr.write(`${line}\n`);

const fail = (error: unknown): never => {
  const { code, lines } = describeFailure(error);
  for (const line of lines) print(line);
  process.exit(code);
};

const banner = (config: Config, { issuer, firstAdministrator }: Ready): void => {
  print('');
  print(`  Castellan is ready at ${issuer}`);
  if (!config.operationsAllow.isEmpty) print(`  API documentation     ${issuer}/docs`);
  if (firstAdministrator) {
    print(`  Administrator         ${firstAdministrator.email}`);
    if (firstAdministrator.password) print(`  One-time password     ${firstAdministrator.password}   (shown only now)`);
  }
  for (const warning of config.warnings) print(`  Warning: ${warning}`);
  print('');
};

// npm passes a signal on that the terminal has sent already.
const echoMs = 1000;

/** F-13: SIGTERM and SIGINT drain; a second one, a second or more later, ends at once. */
const closeOnSignal = (close: () => Promise<void>): void => {
  let closingSince: number | undefined;
  const stop = (): void => {
    if (closingSince !== undefined) {
      if (performance.now() - closingSince > echoMs) process.exit(exitCodes.failed);
      return;
    }
    closingSince = performance.now();
    close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
};

// What the core throws and swallows for every opaque token costs by the frame; our own faults keep theirs (platform/errors).
const stackFrames = 4;

const shortenStacks = (): void => {
  const isChosen = process.execArgv.some((argument) => argument.startsWith('--stack-trace-limit'));
  if (!isChosen) Error.stackTraceLimit = stackFrames;
};

const serve = async (config: Config): Promise<Ready> => {
  const app = await createApp(config);
  closeOnSignal(() => app.close());
  await app.listen();
  shortenStacks();
  return { issuer: app.issuer, firstAdministrator: app.firstAdministrator };
};

/** The primary holds no database: it starts workers, replaces those that die, and passes signals on. */
const supervise = (config: Config): void => {
  let isClosing = false;
  let waiting = config.workers;
  let firstAdministrator: App['firstAdministrator'];
  const fork = (): void => {
    const worker = cluster.fork();
    worker.once('message', (ready: Ready) => {
      firstAdministrator ??= ready.firstAdministrator;
      waiting -= 1;
      if (waiting === 0) banner(config, { issuer: ready.issuer, firstAdministrator });
    });
  };
  cluster.on('exit', (_worker, code) => {
    if (isClosing) return;
    if (waiting > 0) process.exit(code === 0 ? exitCodes.failed : code);
    fork();
  });
  closeOnSignal(async () => {
    isClosing = true;
    const workers = Object.values(cluster.workers ?? {}).flatMap((worker) => (worker ? [worker] : []));
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve).process.kill('SIGTERM'))));
  });
  for (let count = 0; count < config.workers; count += 1) fork();
};

/** `npm start`: reads the configuration, serves, drains on SIGTERM. Exits with 2 when the configuration has mistakes. */
export const start = async (): Promise<void> => {
  try {
    const config = configFromProcess();
    if (config.workers > 1 && cluster.isPrimary) return supervise(config);
    const ready = await serve(config);
    if (cluster.isWorker) process.send?.(ready);
    else banner(config, ready);
  } catch (error) {
    fail(error);
  }
};
