/**
 * Every setting, declared once: environment name, default, unit, meaning, secrecy. `.env.example` and
 * docs/operators/configuration.md are generated from this list (`npm run docs`), so their words are the operator's.
 */
export interface Setting {
  name: string;
  /** As printed in the reference; the value itself is computed in `load.ts`. */
  default: string;
  meaning: string;
  secret?: boolean;
}

const social = ['GOOGLE', 'FACEBOOK', 'GITHUB'].flatMap((provider): Setting[] => [
  {
    name: `SOCIAL_${provider}_CLIENT_ID`,
    default: 'none',
    meaning: `Client id at ${provider.toLowerCase()}; switches the button on`,
  },
  {
    name: `SOCIAL_${provider}_CLIENT_SECRET`,
    default: 'none',
    meaning: `Client secret at ${provider.toLowerCase()}`,
    secret: true,
  },
  { name: `SOCIAL_${provider}_BASE_URL`, default: 'none', meaning: 'Sends the upstream calls to a stand-in, for tests' },
]);

export const settings: readonly Setting[] = [
  { name: 'HOST', default: '127.0.0.1', meaning: 'Listen address' },
  { name: 'PORT', default: '3001', meaning: 'Listen port, 0 picks a free one' },
  { name: 'ISSUER', default: 'http://localhost:$PORT', meaning: 'Issuer identifier; https unless on loopback' },
  { name: 'TLS_CERT_FILE', default: 'none', meaning: 'PEM certificate chain; serves https directly' },
  { name: 'TLS_KEY_FILE', default: 'none', meaning: 'PEM private key of TLS_CERT_FILE' },
  {
    name: 'TLS_CLIENT_CERT',
    default: 'off',
    meaning:
      '`off`; `request` asks for client certificates (RFC 8705); `header` takes `Client-Cert` (RFC 9440) from TRUST_PROXY peers only',
  },
  {
    name: 'OUTBOUND_ALLOW',
    default: 'none',
    meaning: 'Comma list of hosts or CIDRs that outbound calls may reach although private, there on any port and over http',
  },
  { name: 'DATABASE_URL', default: 'none: embedded in DATA_DIR', meaning: '`postgres://…`', secret: true },
  { name: 'DATABASE_POOL_MAX', default: '10', meaning: 'Connections per process to PostgreSQL, 2 to 100' },
  { name: 'DATA_DIR', default: './data', meaning: 'Embedded database, generated keys, uploads; `:memory:` keeps nothing' },
  {
    name: 'REDIS_URL',
    default: 'none: in process',
    meaning: '`redis://…`, `rediss://…`, comma list for a cluster',
    secret: true,
  },
  { name: 'WORKERS', default: '1', meaning: 'Processes sharing the port (needs DATABASE_URL), 1 to 64' },
  {
    name: 'MASTER_KEY',
    default: 'generated in DATA_DIR when embedded',
    meaning:
      'Encrypts secrets and signing keys at rest: 32 bytes, base64url; a comma list rotates, the first encrypts. Required with DATABASE_URL',
    secret: true,
  },
  {
    name: 'BOOTSTRAP_ADMIN_EMAIL',
    default: 'admin@localhost',
    meaning: 'First administrator (SUPER_ADMIN), created only while there is none',
  },
  {
    name: 'BOOTSTRAP_ADMIN_PASSWORD',
    default: 'generated, printed once',
    meaning: "First administrator's password",
    secret: true,
  },
  {
    name: 'BOOTSTRAP_FILE',
    default: 'none',
    meaning: 'JSON file with clients, resources, users and organizations to have at every start',
  },
  { name: 'DYNAMIC_REGISTRATION', default: 'off', meaning: '`off`, `token` (initial access token) or `open`' },
  { name: 'REGISTRATION', default: 'open', meaning: 'Self sign-up: `open`, `invite` or `closed`' },
  {
    name: 'REGISTRATION_DOMAINS',
    default: 'none: any',
    meaning: 'Comma list of e-mail domains that may sign up, `*.example.com` for every subdomain; invitations are free of it',
  },
  { name: 'REGISTRATION_DENIED_DOMAINS', default: 'none', meaning: 'Comma list of e-mail domains that may not sign up' },
  {
    name: 'REGISTRATION_APPROVAL',
    default: 'off',
    meaning: '`off`; `required`: a new account waits until an administrator lets it in',
  },
  {
    name: 'EMAIL_VERIFICATION',
    default: 'optional',
    meaning: '`optional`; `required`: nobody signs in before the e-mail address is confirmed',
  },
  {
    name: 'SIGN_IN_LINK',
    default: 'on',
    meaning: '`on`: a mailed link may stand for the password, where mails can be sent; `off`',
  },
  {
    name: 'RATE_LIMITS',
    default: 'on',
    meaning:
      '`on`; `off` (benchmarks, tests): no request budgets, while counters of failures stay; or a JSON object of overrides, requests per 15 min: anonymous, user, moderator, admin, superAdmin, login, protocol, client',
  },
  { name: 'TRUST_PROXY', default: 'none', meaning: 'Comma list of addresses or CIDRs whose `X-Forwarded-*` counts' },
  { name: 'SMTP_URL', default: 'none: outbox kept in the database', meaning: '`smtp://…` or `smtps://…`', secret: true },
  { name: 'MAIL_FROM', default: 'Castellan <no-reply@issuer host>', meaning: 'Sender of mails' },
  {
    name: 'SMS_WEBHOOK_URL',
    default: 'none: outbox kept in the database',
    meaning: 'Address that text messages are posted to (docs/operators/sms.md)',
  },
  {
    name: 'SMS_WEBHOOK_SECRET',
    default: 'none',
    meaning: 'Signs what is posted to SMS_WEBHOOK_URL, at least 24 characters',
    secret: true,
  },
  ...social,
  {
    name: 'SESSION_LIMIT',
    default: '0: no limit',
    meaning: 'How many sessions one person may have at a time, 0 to 1000',
  },
  {
    name: 'SESSION_LIMIT_REACHED',
    default: 'end-oldest',
    meaning: '`end-oldest`: the session that was not used for longest ends; `refuse`: the new sign-in is refused',
  },
  { name: 'SESSION_IDLE_MINUTES', default: '720', meaning: 'A browser session ends when it is not used for so long, 5 to 43200' },
  {
    name: 'SESSION_MAX_MINUTES',
    default: '10080',
    meaning: 'A browser session ends so long after its sign-in, however much it is used, 5 to 525600',
  },
  {
    name: 'SESSION_BINDING',
    default: 'reauthenticate',
    meaning:
      'A session that turns up in a clearly different browser: `reauthenticate` (that browser has to sign in, the session stays), `end` (the session ends), `log` (an audit event only) or `off`',
  },
  {
    name: 'GEOIP_DB',
    default: 'none',
    meaning: 'MaxMind DB file (City or Country) that tells where a session is; without it no place is shown',
  },
  { name: 'LOG_LEVEL', default: 'info', meaning: '`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`' },
  { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', default: 'none', meaning: 'Sends traces over OTLP' },
  {
    name: 'OPERATIONS_ALLOW',
    default: 'loopback while the issuer is on loopback, else none',
    meaning: 'Comma list of CIDRs that may read /metrics, /docs, /openapi.json and the dependency detail of /health',
  },
  {
    name: 'DRAIN_DELAY_SECONDS',
    default: '5, or 0 on a loopback issuer',
    meaning: 'After SIGTERM, how long new connections are still accepted, 0 to 60',
  },
  {
    name: 'PROFILE',
    default: 'default',
    meaning:
      '`default`; `fapi2` (all clients); `conformance` (test use: every protocol feature on, open registration, a test user)',
  },
  {
    name: 'CONFORMANCE_PASSWORD',
    default: 'generated, printed',
    meaning: 'Password of the test user under PROFILE=conformance',
    secret: true,
  },
  {
    name: 'UNSAFE_ACK',
    default: 'none',
    meaning: 'Must equal ISSUER for PROFILE=conformance or RATE_LIMITS=off to start off loopback',
  },
];

/** A name of these families that is not declared above is a mistake (CONTRACT.md, Environment). */
export const closedFamilies = ['BOOTSTRAP_', 'SOCIAL_'] as const;
