import { X509Certificate } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../platform/config/index.ts';
import { directoryHolder } from '../../platform/db/index.ts';
import { type Finding, failed, guarded, ok, warning } from './finding.ts';

const daySeconds = 86_400;

export const runtimeFinding = (): Finding => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return ok('runtime', `Node ${process.versions.node}`);
  return failed('runtime', `Node ${process.versions.node} is too old`, 'Use Node 22.18 or later, or run npm ci, which brings 24');
};

const modeOf = (path: string): number => statSync(path).mode & 0o777;

const directoryModes = (dataDir: string): Finding => {
  const open = [dataDir, join(dataDir, 'master.key')].filter((path) => existsSync(path) && (modeOf(path) & 0o077) !== 0);
  if (open.length === 0) return ok('permissions', 'others cannot read the data directory');
  return warning('permissions', `others may read ${open.join(', ')}`, `chmod go= ${open.join(' ')}`);
};

export const directoryFindings = async ({ dataDir, databaseUrl }: Config): Promise<Finding[]> => {
  if (dataDir === ':memory:') return [];
  const usedFor = databaseUrl === undefined ? 'embedded database and keys' : 'uploads';
  if (!existsSync(dataDir)) return [ok('data directory', `${dataDir} is made by the first start (${usedFor})`)];
  try {
    accessSync(dataDir, constants.W_OK | constants.X_OK);
  } catch {
    return [failed('data directory', `${dataDir} cannot be written`, 'Give it to the user that runs Castellan: chown')];
  }
  const holder = databaseUrl === undefined ? await directoryHolder(dataDir) : undefined;
  const words = holder === undefined ? 'nobody has it open' : `open in process ${holder}`;
  return [ok('data directory', `${dataDir}: ${words}`), directoryModes(dataDir), diskFinding(dataDir)];
};

const diskFinding = (dataDir: string): Finding => {
  const { bavail, bsize, ffree, files } = statfsSync(dataDir);
  const megabytes = Math.floor((bavail * bsize) / 1_048_576);
  const words = `${megabytes} MB free`;
  if (files > 0 && ffree < 1000) return failed('disk', `only ${ffree} files can be made`, 'Free inodes');
  if (megabytes >= 1024) return ok('disk', words);
  return (megabytes >= 200 ? warning : failed)('disk', words, 'Make room: the database and its log grow');
};

const redisFinding = async (url: string): Promise<Finding> => {
  const { Redis } = await import('ioredis');
  const redis = new Redis(url, { lazyConnect: true, connectTimeout: 3000, maxRetriesPerRequest: 0, retryStrategy: () => null });
  redis.on('error', () => undefined);
  const host = new URL(url).host;
  try {
    await redis.connect();
    await redis.ping();
    return ok('redis', `${host} answers`);
  } catch (error) {
    // The message of the library may hold the address, which may hold a password.
    const { code } = error as NodeJS.ErrnoException;
    return failed(
      'redis',
      `${host} does not answer (${code ?? 'refused'})`,
      'Start it or mend REDIS_URL; until then everything is slower',
    );
  } finally {
    redis.disconnect();
  }
};

export const redisFindings = ({ redisUrls, workers }: Config): Promise<Finding[]> =>
  guarded('redis', async () => {
    if (redisUrls.length > 0) return await Promise.all(redisUrls.map(redisFinding));
    const words = workers > 1 ? 'none: processes tell each other through the database' : 'none: caches are in the process';
    return [ok('redis', words)];
  });

export const mailFindings = ({ smtpUrl, mailFrom, issuerIsLoopback }: Config): Promise<Finding[]> =>
  guarded('mail', async () => {
    if (smtpUrl === undefined) {
      if (issuerIsLoopback) return [ok('mail', 'no SMTP_URL: mails stay in the outbox (/dev/outbox, castellan outbox)')];
      return [warning('mail', 'no SMTP_URL: nobody gets a mail', 'Set SMTP_URL; see docs/operators/mail.md')];
    }
    const { verifySmtp } = await import('../../platform/mail/index.ts');
    try {
      await verifySmtp(smtpUrl, mailFrom);
      return [ok('mail', `${new URL(smtpUrl).host} takes mails from ${mailFrom}`)];
    } catch (error) {
      return [failed('mail', (error as Error).message, 'Mend SMTP_URL: host, port, user, password; see docs/operators/mail.md')];
    }
  });

export const certificateFindings = ({ tls }: Config): Finding[] => {
  if (!tls) return [];
  const { validToDate, subject } = new X509Certificate(readFileSync(tls.certFile));
  const days = Math.floor((validToDate.getTime() - Date.now()) / 1000 / daySeconds);
  if (days > 21) return [ok('certificate', `${subject}, good for ${days} days`)];
  const words = days < 0 ? 'has ended' : `ends in ${days} days`;
  return [(days < 0 ? failed : warning)('certificate', `${subject} ${words}`, 'Renew TLS_CERT_FILE and restart')];
};

const discovered = async (issuer: string): Promise<Finding> => {
  const address = `${issuer}/.well-known/openid-configuration`;
  let answer: Response;
  try {
    answer = await fetch(address, { redirect: 'error', signal: AbortSignal.timeout(5000) });
  } catch (error) {
    const { cause } = error as { cause?: NodeJS.ErrnoException };
    const words = `${issuer} does not answer (${cause?.code ?? 'no connection'})`;
    return warning('issuer', words, 'Nothing to do while the service is down; else check proxy, DNS and certificate');
  }
  const found = answer.ok ? ((await answer.json()) as { issuer?: unknown }).issuer : undefined;
  if (found === issuer) return ok('issuer', `${issuer} answers as itself`);
  const remedy = 'Let the proxy send this host here unchanged; ISSUER must be the address that people use';
  return failed('issuer', `${address} answers ${answer.status}, not as ${issuer}`, remedy);
};

export const issuerFindings = ({ issuer }: Config): Promise<Finding[]> =>
  guarded('issuer', async () => [await discovered(issuer)]);

export const outboundFindings = ({ outboundAllow: { hosts, networks } }: Config): Finding[] =>
  hosts.length > 0 || !networks.isEmpty
    ? [ok('outbound', 'OUTBOUND_ALLOW opens private addresses to calls that applications cause; keep it short')]
    : [];
