import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { ConfigError, loadConfig } from '../../src/platform/config/index.ts';
import { openPlaces } from '../../src/platform/geo/index.ts';

const masterKey = Buffer.alloc(32, 1).toString('base64url');

/** CONTRACT.md, "Environment": for each variable what stops the start. */
const wrong: Record<string, string[]> = {
  HOST: ['not a host', '999.1.1.1', 'a_b'],
  PORT: ['abc', '-1', '65536', '1.5'],
  ISSUER: [
    'nonsense',
    'ftp://x',
    'http://id.example.com',
    'https://id.example.com/',
    'https://id.example.com/?q',
    'https://u:p@id.example.com',
  ],
  TLS_CERT_FILE: ['/nowhere.pem'],
  TLS_KEY_FILE: ['/nowhere.pem'],
  TLS_CLIENT_CERT: ['on', 'request', 'header'],
  OUTBOUND_ALLOW: ['10.0.0.0/99', 'http://x', '*'],
  DATABASE_URL: ['mysql://x', 'nonsense'],
  DATA_DIR: [fileURLToPath(import.meta.url)],
  GEOIP_DB: ['/nowhere.mmdb', tmpdir()],
  REDIS_URL: ['http://x', 'redis://a,http://b', 'redis://h:99999', 'redis://:x:y:z'],
  WORKERS: ['0', '2', 'many', '65'],
  MASTER_KEY: ['short', `${masterKey},short`, '!'.repeat(43)],
  BOOTSTRAP_ADMIN_EMAIL: ['nonsense'],
  BOOTSTRAP_ADMIN_PASSWORD: ['short'],
  BOOTSTRAP_FILE: ['/nowhere.json', tmpdir()],
  BOOTSTRAP_ADMIN_EMIAL: ['x'],
  DYNAMIC_REGISTRATION: ['on', 'Open'],
  REGISTRATION: ['yes'],
  RATE_LIMITS: ['yes', '{', '[]', '{"logins":5}', '{"login":0}', '{"login":"5"}'],
  TRUST_PROXY: ['x', '10.0.0.0/64'],
  SMTP_URL: ['http://x', 'nonsense', 'smtp://'],
  MAIL_FROM: ['nonsense', 'a@b\nBcc: c@d', 'A <a@b>, B <c@d>'],
  SOCIAL_GOOGLE_CLIENT_ID: ['x'],
  SOCIAL_FACEBOOK_CLIENT_SECRET: ['x'],
  SOCIAL_GITHUB_BASE_URL: ['nonsense'],
  SOCIAL_GITLAB_CLIENT_ID: ['x'],
  LOG_LEVEL: ['verbose'],
  OTEL_EXPORTER_OTLP_ENDPOINT: ['nonsense', 'ftp://x'],
  OPERATIONS_ALLOW: ['x', '1.2.3.4/40'],
  PROFILE: ['fapi3'],
};

describe('O5 OP-05 settings', () => {
  let cwd: string;
  before(() => {
    cwd = mkdtempSync(join(tmpdir(), 'castellan-settings-'));
  });
  after(() => rmSync(cwd, { recursive: true }));
  const mistakes = (env: Record<string, string>): readonly string[] => {
    try {
      loadConfig({ env, cwd });
      return [];
    } catch (error) {
      if (error instanceof ConfigError) return error.mistakes;
      throw error;
    }
  };

  it('each variable of the contract is refused by its name when it is wrong', () => {
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        const found = mistakes({ [name]: value });
        const own = found.filter((line) =>
          line
            .split(':')[0]
            ?.split(', ')
            .some((one) => one === name || one.startsWith(name.slice(0, 11))),
        );
        expect(own.length, `${name}=${value}: ${found.join(' | ')}`).to.be.greaterThan(0);
        expect(found.join(), 'no value of a secret').to.not.include('!!!!');
      }
    }
    expect(Object.entries(wrong).flatMap(([name, [value = '']]) => mistakes({ [name]: value })).length).to.be.at.least(
      Object.keys(wrong).length,
    );
  });

  it('what an empty environment means is what the contract says', () => {
    const config = loadConfig({ env: {}, cwd });
    expect(config).to.deep.include({
      host: '127.0.0.1',
      port: 3001,
      issuer: 'http://localhost:3001',
      databaseUrl: undefined,
      dataDir: join(cwd, 'data'),
      redisUrls: [],
      workers: 1,
      bootstrapAdmin: { email: 'admin@localhost', password: undefined },
      dynamicRegistration: 'off',
      registration: 'open',
      smtpUrl: undefined,
      tlsClientCert: 'off',
      profile: 'default',
      logLevel: 'info',
    });
    const { enabled, ...limits } = config.rateLimits;
    expect(enabled).to.equal(true);
    expect(limits).to.deep.equal({
      anonymous: 50,
      user: 100,
      moderator: 300,
      admin: 500,
      superAdmin: 1000,
      login: 5,
      protocol: 6000,
      client: 60_000,
    });
    expect(config.operationsAllow.has('127.0.0.1'), 'loopback').to.equal(true);
    expect(config.operationsAllow.has('10.0.0.1')).to.equal(false);
    const away = loadConfig({ env: { ISSUER: 'https://id.example.com' }, cwd });
    expect(away.operationsAllow.has('127.0.0.1'), 'off loopback nobody').to.equal(false);
  });

  it('UNSAFE_ACK, DATABASE_URL and certificates: what has to go together', () => {
    const issuer = 'https://id.example.com';
    for (const unsafe of [{ PROFILE: 'conformance' }, { RATE_LIMITS: 'off' }]) {
      expect(mistakes({ ...unsafe, ISSUER: issuer }).join()).to.include('UNSAFE_ACK');
      expect(mistakes({ ...unsafe, ISSUER: issuer, UNSAFE_ACK: 'https://other.example.com' }).join()).to.include('UNSAFE_ACK');
      expect(mistakes({ ...unsafe, ISSUER: issuer, UNSAFE_ACK: issuer })).to.deep.equal([]);
      expect(mistakes(unsafe), 'on loopback').to.deep.equal([]);
    }
    expect(mistakes({ DATABASE_URL: 'postgres://a@b/c' }).join()).to.match(/^MASTER_KEY: is required/);
    expect(mistakes({ DATABASE_URL: 'postgres://a@b/c', MASTER_KEY: masterKey, WORKERS: '4' })).to.deep.equal([]);
    expect(mistakes({ TLS_CLIENT_CERT: 'header', TRUST_PROXY: '10.0.0.1' })).to.deep.equal([]);
    const file = join(cwd, 'no.pem');
    writeFileSync(file, 'no certificate');
    expect(mistakes({ TLS_CERT_FILE: file, TLS_KEY_FILE: file }).join()).to.include('must be a certificate chain');
    for (const from of ['login@example.com', 'Example <login@example.com>', '"Example, Inc." <login@example.com>']) {
      expect(mistakes({ MAIL_FROM: from }), from).to.deep.equal([]);
    }
    for (const host of ['0.0.0.0', '::', 'localhost', 'id.internal']) expect(mistakes({ HOST: host }), host).to.deep.equal([]);
  });

  it('names a .env that cannot be read, and a file of places that is none', async () => {
    mkdirSync(join(cwd, '.env'));
    expect(mistakes({})).to.deep.equal(['.env: cannot be read (EISDIR)']);
    rmSync(join(cwd, '.env'), { recursive: true });
    const error = await openPlaces(fileURLToPath(import.meta.url)).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(ConfigError).with.property('message', 'GEOIP_DB: the file is not a MaxMind DB');
  });

  it('reads .env, and the environment wins', () => {
    writeFileSync(join(cwd, '.env'), 'PORT=3100\nREGISTRATION=closed\nBOOTSTRAP_NOTHING=1\n');
    expect(mistakes({})).to.deep.equal(['BOOTSTRAP_NOTHING: there is no such setting']);
    writeFileSync(join(cwd, '.env'), 'PORT=3100\nREGISTRATION=closed\n');
    expect(loadConfig({ env: { REGISTRATION: 'invite' }, cwd })).to.include({ port: 3100, registration: 'invite' });
    rmSync(join(cwd, '.env'));
  });
});
