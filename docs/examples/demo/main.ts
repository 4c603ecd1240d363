/**
 * `npm run demo`: Castellan as `npm start` serves it, and beside it a small application that people sign in to. The application is
 * registered by a bootstrap file, with a secret that is new at every start.
 */
import cluster from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandFailed, describeFailure } from '../../../src/exit.ts';
import { ConfigError, configFromProcess } from '../../../src/platform/config/index.ts';
import { start } from '../../../src/start.ts';
import { startRelyingParty } from './relying-party.ts';

const port = Number(process.env.DEMO_PORT ?? 3002);
const isPort = Number.isInteger(port) && port >= 1 && port <= 65_535;
const origin = `http://localhost:${port}`;

interface BootstrapFile {
  clients?: unknown[];
}

const portTaken = (error: NodeJS.ErrnoException): never => {
  if (error.code !== 'EADDRINUSE') throw error;
  throw new CommandFailed(`DEMO_PORT: ${port} is taken by another process; choose another DEMO_PORT or end that process`);
};

const main = async (): Promise<void> => {
  const { issuer, issuerIsLoopback, bootstrapFile } = configFromProcess();
  if (!issuerIsLoopback) throw new ConfigError(['ISSUER: the demo is for an issuer on loopback']);
  if (!isPort) throw new ConfigError(['DEMO_PORT: must be a port, 1 to 65535']);
  const client = { client_id: 'demo', client_secret: randomBytes(32).toString('base64url') };
  const registration = {
    ...client,
    client_name: 'Orders (demo)',
    client_uri: origin,
    redirect_uris: [`${origin}/callback`],
    post_logout_redirect_uris: [`${origin}/`],
    grant_types: ['authorization_code', 'refresh_token'],
  };
  // Whoever starts the demo with a bootstrap file of their own gets both.
  const given: BootstrapFile = bootstrapFile === undefined ? {} : JSON.parse(readFileSync(bootstrapFile, 'utf8'));
  const directory = mkdtempSync(join(tmpdir(), 'castellan-demo-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'bootstrap.json');
  writeFileSync(file, JSON.stringify({ ...given, clients: [...(given.clients ?? []), registration] }), { mode: 0o600 });
  process.env.BOOTSTRAP_FILE = file;
  const provider = Promise.withResolvers<void>();
  // Before Castellan, which would otherwise print its one-time password and then end over a port that is taken.
  await startRelyingParty({ issuer, origin, port, client, providerIsReady: provider.promise }).catch(portTaken);
  await start({ demo: { origin, ready: provider.resolve } });
};

try {
  // A worker of WORKERS=2 runs this file again: it serves, the application lives in the first process.
  await (cluster.isWorker ? start() : main());
} catch (error) {
  const { code, lines } = describeFailure(error);
  for (const line of lines) console.error(line);
  process.exit(code);
}
