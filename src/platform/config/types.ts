import type { Networks } from './networks.ts';

/** Requests per 15 minutes. */
export interface RateLimits {
  enabled: boolean;
  anonymous: number;
  user: number;
  moderator: number;
  admin: number;
  superAdmin: number;
  /** Failed logins before a stop. Counts with `RATE_LIMITS=off` as well. */
  login: number;
  protocol: number;
  client: number;
}

export interface SocialProvider {
  clientId: string;
  clientSecret: string;
  baseUrl: string | undefined;
}

export interface SessionSettings {
  /** Per person; 0: none. */
  limit: number;
  limitReached: 'end-oldest' | 'refuse';
  idleSeconds: number;
  absoluteSeconds: number;
  binding: 'reauthenticate' | 'end' | 'log' | 'off';
}

export interface Config {
  host: string;
  port: number;

  issuer: string;
  issuerIsLoopback: boolean;
  tls: { certFile: string; keyFile: string } | undefined;
  tlsClientCert: 'off' | 'request' | 'header';
  outboundAllow: { hosts: readonly string[]; networks: Networks };
  databaseUrl: string | undefined;
  databasePoolMax: number;
  /** Absolute path, or `:memory:`. */
  dataDir: string;
  redisUrls: readonly string[];
  workers: number;
  /** Empty when it is to be read from or generated in DATA_DIR. */
  masterKeys: readonly Buffer[];
  bootstrapAdmin: { email: string; password: string | undefined };
  bootstrapFile: string | undefined;
  dynamicRegistration: 'off' | 'token' | 'open';
  /** Whether a mailed link may stand for the password. */
  signInLink: boolean;
  registration: 'open' | 'invite' | 'closed';
  registrationPolicy: {
    allowedDomains: readonly string[];
    deniedDomains: readonly string[];
    needsApproval: boolean;
    needsVerifiedEmail: boolean;
  };
  rateLimits: RateLimits;
  trustProxy: Networks;
  smtpUrl: string | undefined;
  mailFrom: string;
  /** Where text messages are handed over. */
  smsWebhook: { url: string; secret: string } | undefined;
  social: { google: SocialProvider | undefined; facebook: SocialProvider | undefined; github: SocialProvider | undefined };
  sessions: SessionSettings;
  geoipDb: string | undefined;
  logLevel: string;
  otlpEndpoint: string | undefined;
  operationsAllow: Networks;
  drainDelaySeconds: number;
  profile: 'default' | 'fapi2' | 'conformance';
  conformancePassword: string | undefined;
  /** Things that are allowed but loud at start (security-cases.md, rule 5). */
  warnings: readonly string[];
}

/** All mistakes at once; the process exits with 2. Values of secrets are never part of a message. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'));
    this.mistakes = mistakes;
  }
}
