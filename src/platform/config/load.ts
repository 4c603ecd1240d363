import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { readClientCertificates, readHost, readMailFrom, readTls } from './listening.ts';
import { parseNetworks } from './networks.ts';
import { readRegistrationPolicy, readSessions } from './people.ts';
import { Reader } from './reader.ts';
import { closedFamilies, settings } from './schema.ts';
import { type Config, ConfigError, type RateLimits, type SocialProvider } from './types.ts';

export interface LoadOptions {
  env: Record<string, string | undefined>;
  /** Directory that holds `.env` and that relative paths start from. */
  cwd: string;
}

const withDotEnv = ({ env, cwd }: LoadOptions): Record<string, string | undefined> => {
  const file = resolve(cwd, '.env');
  try {
    return { ...(existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}), ...env };
  } catch (error) {
    throw new ConfigError([`.env: cannot be read (${(error as NodeJS.ErrnoException).code})`]);
  }
};

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);
const isLoopback = (hostname: string): boolean => loopbackNames.has(hostname) || /^127\.\d+\.\d+\.\d+$/.test(hostname);

const readIssuer = (reader: Reader, port: number, tls: boolean): { issuer: string; issuerIsLoopback: boolean } => {
  const issuer = reader.text('ISSUER') ?? `${tls ? 'https' : 'http'}://localhost:${port}`;
  const fallback = { issuer, issuerIsLoopback: true };
  if (!URL.canParse(issuer)) {
    reader.mistake('ISSUER: must be a URL');
    return fallback;
  }
  const url = new URL(issuer);
  const issuerIsLoopback = isLoopback(url.hostname);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') reader.mistake('ISSUER: must be an https URL');
  // OpenID Connect Discovery 1.0 §3: https, no query, no fragment.
  if (url.protocol === 'http:' && !issuerIsLoopback) reader.mistake('ISSUER: must be https unless it is on loopback');
  if (url.search || url.hash || url.username || url.password) reader.mistake('ISSUER: must have no query, fragment or user');
  if (url.origin !== issuer) reader.mistake(`ISSUER: must be an origin without path or trailing slash, such as ${url.origin}`);
  return { issuer, issuerIsLoopback };
};

const readMasterKeys = (reader: Reader, databaseUrl: string | undefined, dataDir: string): Buffer[] => {
  const entries = reader.list('MASTER_KEY');
  if (entries.length === 0 && databaseUrl !== undefined) {
    reader.mistake(
      'MASTER_KEY: is required with DATABASE_URL; make one with: openssl rand -base64 32 | tr "+/" "-_" | tr -d "="',
    );
  }
  if (entries.length === 0 && dataDir === ':memory:') return [Buffer.from(crypto.getRandomValues(new Uint8Array(32)))];
  return entries.flatMap((entry, index) => {
    const key = Buffer.from(entry, 'base64url');
    if (/^[A-Za-z0-9_-]{43}=?$/.test(entry) && key.length === 32) return [key];
    reader.mistake(`MASTER_KEY: entry ${index + 1} must be 32 bytes in base64url`);
    return [];
  });
};

const defaultLimits = {
  anonymous: 50,
  user: 100,
  moderator: 300,
  admin: 500,
  superAdmin: 1000,
  login: 5,
  protocol: 6000,
  client: 60_000,
};

const readRateLimits = (reader: Reader): RateLimits => {
  const value = reader.text('RATE_LIMITS') ?? 'on';
  if (value === 'on' || value === 'off') return { enabled: value === 'on', ...defaultLimits };
  let overrides: unknown;
  try {
    overrides = JSON.parse(value);
  } catch {
    overrides = undefined;
  }
  if (typeof overrides !== 'object' || overrides === null || Array.isArray(overrides)) {
    reader.mistake('RATE_LIMITS: must be on, off or a JSON object');
    return { enabled: true, ...defaultLimits };
  }
  for (const [name, limit] of Object.entries(overrides)) {
    if (!Object.hasOwn(defaultLimits, name)) reader.mistake(`RATE_LIMITS: there is no limit named ${JSON.stringify(name)}`);
    else if (!Number.isInteger(limit) || limit < 1 || limit > 100_000_000)
      reader.mistake(`RATE_LIMITS: ${name} must be a whole number from 1 on`);
  }
  return { enabled: true, ...defaultLimits, ...overrides };
};

const readSocial = (reader: Reader, provider: string): SocialProvider | undefined => {
  const clientId = reader.text(`SOCIAL_${provider}_CLIENT_ID`);
  const clientSecret = reader.text(`SOCIAL_${provider}_CLIENT_SECRET`);
  const baseUrl = reader.url(`SOCIAL_${provider}_BASE_URL`, ['https:', 'http:']);
  if (clientId && clientSecret) return { clientId, clientSecret, baseUrl };
  if (clientId || clientSecret || baseUrl)
    reader.mistake(`SOCIAL_${provider}_CLIENT_ID, SOCIAL_${provider}_CLIENT_SECRET: must both be given`);
  return undefined;
};

const readSmsWebhook = (reader: Reader): Config['smsWebhook'] => {
  const url = reader.url('SMS_WEBHOOK_URL', ['https:', 'http:']);
  const secret = reader.text('SMS_WEBHOOK_SECRET');
  if ((url === undefined) !== (secret === undefined))
    reader.mistake('SMS_WEBHOOK_URL, SMS_WEBHOOK_SECRET: must be given together');
  if (secret !== undefined && secret.length < 24) reader.mistake('SMS_WEBHOOK_SECRET: must have at least 24 characters');
  return url !== undefined && secret !== undefined ? { url, secret } : undefined;
};

const readOutboundAllow = (reader: Reader): Config['outboundAllow'] => {
  const entries = reader.list('OUTBOUND_ALLOW');
  const isNetwork = (entry: string): boolean => entry.includes('/') || isIP(entry) !== 0;
  const { networks, invalid } = parseNetworks(entries.filter(isNetwork));
  const hosts = entries.filter((entry) => !isNetwork(entry)).map((host) => host.toLowerCase());
  for (const entry of [...invalid, ...hosts.filter((host) => !/^[a-z0-9.-]+$/.test(host))]) {
    reader.mistake(`OUTBOUND_ALLOW: ${JSON.stringify(entry)} is neither a host name, an address nor a CIDR`);
  }
  return { hosts, networks };
};

const readWorkers = (reader: Reader): number => {
  const workers = reader.integer('WORKERS', 1, 1, 64);
  if (workers > 1 && reader.text('DATABASE_URL') === undefined) {
    reader.mistake('WORKERS: more than 1 needs DATABASE_URL; the embedded database has one owner');
  }
  return workers;
};

const readRedisUrls = (reader: Reader): string[] => {
  const urls = reader.list('REDIS_URL');
  const isRedis = (entry: string): boolean => /^rediss?:\/\//.test(entry) && URL.canParse(entry);
  if (!urls.every(isRedis)) reader.mistake('REDIS_URL: must be addresses that start with redis:// or rediss://');
  return urls;
};

const checkNames = (reader: Reader, env: Record<string, string | undefined>): void => {
  const known = new Set(settings.map(({ name }) => name));
  for (const name of Object.keys(env)) {
    if (!known.has(name) && closedFamilies.some((family) => name.startsWith(family)))
      reader.mistake(`${name}: there is no such setting`);
  }
};

const checkUnsafe = (reader: Reader, config: Config): void => {
  if (config.issuerIsLoopback || reader.text('UNSAFE_ACK') === config.issuer) return;
  const why = 'is for tests; off loopback it needs UNSAFE_ACK equal to ISSUER';
  if (config.profile === 'conformance') reader.mistake(`PROFILE: conformance ${why}`);
  if (!config.rateLimits.enabled) reader.mistake(`RATE_LIMITS: off ${why}`);
};

const warningsOf = (config: Config): string[] => [
  ...(config.trustProxy.coversEverything
    ? ['TRUST_PROXY trusts every address: anybody can choose the client address that limits and audit see']
    : []),
  ...(config.profile === 'conformance'
    ? ['PROFILE=conformance: every protocol feature and open registration are on; for tests only']
    : []),
  ...(config.rateLimits.enabled ? [] : ['RATE_LIMITS=off: there are no request budgets; for tests only']),
];

const checkAdmin = (reader: Reader): Config['bootstrapAdmin'] => {
  const email = reader.text('BOOTSTRAP_ADMIN_EMAIL') ?? 'admin@localhost';
  const password = reader.text('BOOTSTRAP_ADMIN_PASSWORD');
  if (!/^[^@\s]+@[^@\s]+$/.test(email)) reader.mistake('BOOTSTRAP_ADMIN_EMAIL: must be an e-mail address');
  if (password !== undefined && (password.length < 8 || password.length > 256)) {
    reader.mistake('BOOTSTRAP_ADMIN_PASSWORD: must have 8 to 256 characters');
  }
  return { email, password };
};

/**
 * Reads and checks the whole configuration.
 * @throws ConfigError with one line per mistake
 */
export const loadConfig = (options: LoadOptions): Config => {
  const env = withDotEnv(options);
  const reader = new Reader(env);
  const { cwd } = options;
  const port = reader.integer('PORT', 3001, 0, 65_535);
  const tls = readTls(reader, cwd);
  const { issuer, issuerIsLoopback } = readIssuer(reader, port, tls !== undefined);
  const databaseUrl = reader.url('DATABASE_URL', ['postgres:', 'postgresql:']);
  const dataDir = reader.directory('DATA_DIR', './data', cwd);
  const workers = readWorkers(reader);
  const profile = reader.choice('PROFILE', ['default', 'fapi2', 'conformance']);
  checkNames(reader, env);
  const config: Config = {
    host: readHost(reader),
    port,
    issuer,
    issuerIsLoopback,
    tls,
    tlsClientCert: readClientCertificates(reader),
    outboundAllow: readOutboundAllow(reader),
    databaseUrl,
    databasePoolMax: reader.integer('DATABASE_POOL_MAX', 10, 2, 100),
    dataDir,
    redisUrls: readRedisUrls(reader),
    workers,
    masterKeys: readMasterKeys(reader, reader.text('DATABASE_URL'), dataDir),
    bootstrapAdmin: checkAdmin(reader),
    bootstrapFile: reader.file('BOOTSTRAP_FILE', cwd),
    dynamicRegistration: reader.choice(
      'DYNAMIC_REGISTRATION',
      profile === 'conformance' ? ['open', 'off', 'token'] : ['off', 'token', 'open'],
    ),
    registration: reader.choice('REGISTRATION', ['open', 'invite', 'closed']),
    registrationPolicy: readRegistrationPolicy(reader),
    signInLink: reader.choice('SIGN_IN_LINK', ['on', 'off']) === 'on',
    rateLimits: readRateLimits(reader),
    trustProxy: reader.networks('TRUST_PROXY'),
    smtpUrl: reader.url('SMTP_URL', ['smtp:', 'smtps:']),
    mailFrom: readMailFrom(reader, issuer),
    smsWebhook: readSmsWebhook(reader),
    social: {
      google: readSocial(reader, 'GOOGLE'),
      facebook: readSocial(reader, 'FACEBOOK'),
      github: readSocial(reader, 'GITHUB'),
    },
    sessions: readSessions(reader),
    geoipDb: reader.file('GEOIP_DB', cwd),
    logLevel: reader.choice('LOG_LEVEL', ['info', 'fatal', 'error', 'warn', 'debug', 'trace', 'silent']),
    otlpEndpoint: reader.url('OTEL_EXPORTER_OTLP_ENDPOINT', ['https:', 'http:']),
    operationsAllow: reader.networks('OPERATIONS_ALLOW', issuerIsLoopback ? ['127.0.0.0/8', '::1/128'] : []),
    drainDelaySeconds: reader.integer('DRAIN_DELAY_SECONDS', issuerIsLoopback ? 0 : 5, 0, 60),
    profile,
    conformancePassword: reader.text('CONFORMANCE_PASSWORD'),
    warnings: [],
  };
  checkUnsafe(reader, config);
  if (reader.mistakes.length > 0) throw new ConfigError(reader.mistakes);
  return { ...config, warnings: warningsOf(config) };
};

/** @throws ConfigError */
export const configFromProcess = (): Config => loadConfig({ env: process.env, cwd: process.cwd() });
