import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { sealContext } from '../../src/oidc/keys/generate.ts';
import { createEnvelope } from '../../src/platform/crypto/index.ts';
import { createAgent, readForm } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { dumpByTool, dumpRows, findSecrets, formsOf } from '../support/dump.ts';
import { ask, createFlows, deviceClient, webClient } from '../support/flows.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';
import { causeMails, findCodes, type Mailed, shownLetters } from '../support/mailed.ts';
import { eventually, type Fleet, startFleet } from '../support/processes.ts';
import { type OwnRedis, startRedis } from '../support/redis.ts';
import { describeWith } from '../support/services.ts';

const marked = (name: string): string => `${name}${randomBytes(24).toString('base64url')}`;
const orders = 'https://orders.example.test/';

/** Uses a deployment as people and applications do, and writes down every secret that was handed out or typed. */
const useEverything = async (
  fleet: Fleet,
  secrets: Map<string, string>,
  basicSecret: string,
  jwtSecret: string,
): Promise<void> => {
  const { issuer, person } = fleet;
  const note = (name: string, value: unknown): string => {
    expect(value, name).to.be.a('string').and.have.length.greaterThan(7);
    secrets.set(name, String(value));
    return String(value);
  };
  note('password of a person', person.password);
  note('password of the administrator', fleet.administrator.password);
  note('client secret', basicSecret);
  note('client secret kept for HMAC', jwtSecret);
  note('master key', fleet.masterKey);

  // Code flow: browser cookies, code, opaque and JWT tokens, rotation.
  const flows = createFlows(issuer, { id: 'web', secret: basicSecret }, person);
  const agent = createAgent(issuer);
  const grant = await flows.code({}, agent);
  note('code', grant.code);
  note('code verifier', grant.verifier);
  const first = (await flows.redeem(grant)).body;
  note('opaque access token', first.access_token);
  note('refresh token', first.refresh_token);
  note('ID token', String(first.id_token).split('.')[2]);
  const second = (await flows.refresh(String(first.refresh_token))).body;
  note('second access token', second.access_token);
  note('second refresh token', second.refresh_token);
  const forOrders = await flows.code({ resource: orders, scope: 'openid orders:read offline_access' }, agent);
  note('unspent code', (await flows.code({}, agent)).code);
  const structured = await flows.post('/token', {
    grant_type: 'authorization_code',
    code: note('code for a resource', forOrders.code),
    code_verifier: forOrders.verifier,
    redirect_uri: 'https://app.example.test/callback',
    resource: orders,
  });
  note('JWT access token', String(structured.body.access_token).split('.')[2]);
  note('refresh token of a resource', structured.body.refresh_token);
  for (const [name, { value }] of agent.cookies) {
    if (!name.startsWith('castellan_locale')) note(`cookie ${name}`, value);
  }
  await flows.userinfo(String(second.access_token));
  await flows.introspect(String(second.access_token));

  // Secrets where they do not belong.
  await ask(`${issuer}/userinfo?access_token=${second.access_token}`);
  await ask(`${issuer}/api/v1/auth/me?access_token=${second.access_token}`);
  await ask(`${issuer}/nowhere/${second.refresh_token}`);
  await flows.post('/token', { grant_type: 'authorization_code', code: String(second.refresh_token), code_verifier: 'x' });
  await flows.post('/introspect', { token: note('unknown token', marked('unknown')) });
  await ask(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_secret: marked('x'), grant_type: 'password' }),
  });
  const typed = note('password typed as a user name', marked('typed'));
  const wrong = note('wrong password', marked('wrong'));
  const browser = createAgent(issuer);
  const page = await browser.open(flows.request({ login_hint: 'ada' }).url);
  expect(readForm(page).fields).to.have.property('login');
  await browser.submit(page, { login: typed, password: wrong });
  await browser.submit(page, { login: person.login, password: wrong });
  for (const [name, { value }] of browser.cookies) note(`cookie of an unfinished sign-in ${name}`, value);
  note('wrong client secret', marked('bad'));
  const badClient = createFlows(issuer, { id: 'web', secret: secrets.get('wrong client secret') ?? '' }, person);
  await badClient.post('/token', { grant_type: 'client_credentials' });

  // Pushed request, client_secret_jwt's client, device.
  const { url } = flows.request();
  const pushed = await flows.post('/par', Object.fromEntries(new URL(url).searchParams));
  note('pushed request', String(pushed.body.request_uri).split(':').at(-1));
  const device = createFlows(issuer, { id: 'television' }, person);
  const waiting = (await device.post('/device/code', { scope: 'openid' })).body;
  note('device code', waiting.device_code);
  note('user code', waiting.user_code);
  note('user code without its hyphen', String(waiting.user_code).replace('-', ''));
  const asked = (await device.post('/device/code', { scope: 'openid' })).body;
  await device.approveDevice(String(asked.verification_uri), note('user code that was used', asked.user_code));
  const polled = await device.post('/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: note('device code that was used', asked.device_code),
  });
  note('access token of a device', polled.body.access_token);

  // Dynamic registration.
  const registered = await ask(`${issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'Self made', redirect_uris: ['https://self.example.test/cb'] }),
  });
  expect(registered.status, JSON.stringify(registered.body)).to.equal(201);
  note('registration access token', registered.body.registration_access_token);
  note('generated client secret', registered.body.client_secret);

  // JSON sign-in.
  const api = createApi(() => issuer);
  const password = note('password at sign-up', `sign up ${marked('p')}`);
  await api('POST', '/auth/register', { email: 'new@example.test', password });
  const login = await api('POST', '/auth/login', { email: 'new@example.test', password });
  note('access token of the API', login.json.accessToken);
  note('refresh token of the API', login.json.refreshToken);
  await api('POST', '/auth/login', { email: typed, password: wrong });
  await api('POST', '/auth/login', { email: 'new@example.test', password: { nested: typed } });
  await api('GET', '/auth/me', undefined, login.json.accessToken);
  const next = await api('POST', '/auth/refresh', { refreshToken: login.json.refreshToken });
  note('second refresh token of the API', next.json.refreshToken);
  const changed = note('changed password', `changed ${marked('p')}`);
  await api('POST', '/auth/change-password', { currentPassword: password, newPassword: changed }, next.json.accessToken);

  await agent.open(`${issuer}/logout?id_token_hint=${first.id_token}`);
};

const privateParts = async (fleet: Fleet): Promise<Map<string, string>> => {
  const client = new pg.Client({ connectionString: fleet.databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ kid: string; alg: string; sealed: string }>(
    'select kid, alg, private_jwk_sealed as sealed from signing_keys',
  );
  await client.end();
  const envelope = createEnvelope([Buffer.from(fleet.masterKey, 'base64url')]);
  expect(rows.length).to.be.greaterThan(3);
  return new Map(
    rows.map(({ kid, alg, sealed }) => {
      const { d } = JSON.parse(envelope.open(sealed, sealContext(kid))) as { d: string };
      return [`private key ${alg} ${kid}`, d];
    }),
  );
};

/** Three verifications (one of the sign-up above), recovery, sign-in, set-up code, both ends of a change of address, invitation. */
const usefulMails = 9;
const usefulIn = (letters: readonly string[]): string[] =>
  letters.filter((text) => /[?&](ticket|token)=/.test(text) || /^ {4}\d{3} ?\d{3}$/m.test(text));

const expectMailed = ({ secrets, codes }: Mailed): void => {
  const names = [...secrets.keys()].filter((name) => name.startsWith('link'));
  expect(names.length, names.join()).to.equal(usefulMails - 1);
  expect(codes.size).to.be.at.least(6);
};

/** Everything below a folder, as bytes. */
const readFolder = (folder: string): string =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)).toString('latin1'))
    .join('\n');

const clients = (basicSecret: string, jwtSecret: string) => [
  webClient({ id: 'web', secret: basicSecret }),
  deviceClient({ id: 'television' }),
  {
    client_id: 'signing',
    client_secret: jwtSecret,
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'client_secret_jwt',
  },
];
const resources = [{ identifier: orders, name: 'Orders', scopes: ['orders:read'], accessTokenFormat: 'jwt' }];

describe('AU-04 search for secrets', () => {
  it('finds a secret however it is written', () => {
    const secret = 'correct horse battery/staple+"quoted"';
    const secrets = new Map([['it', secret]]);
    for (const form of formsOf(secret)) expect(findSecrets(`before ${form} after`, secrets), form).to.deep.equal(['it']);
    for (const lead of ['', 'a', 'ab', 'abc']) {
      const inside = Buffer.from(`${lead}${secret}tail`).toString('base64');
      expect(findSecrets(inside, secrets), lead).to.deep.equal(['it']);
    }
    expect(findSecrets('nothing here', secrets)).to.deep.equal([]);
    const codes = new Set(['123456']);
    for (const text of ['(7,123456,t)', '{"code":"123456"}', 'Code: 123 456'])
      expect(findCodes(text, codes), text).to.have.length(1);
    for (const text of ['12:00:00.123456+00', 'a1234567', '01-123456-7']) expect(findCodes(text, codes), text).to.have.length(0);
  });
});

describeWith(['postgres'], 'TK-09 AU-04 OP-06 secrets at rest, PostgreSQL and Redis', function secretsAtRest() {
  this.timeout(120_000);
  const secrets = new Map<string, string>();
  let fleet: Fleet;
  let redis: OwnRedis;
  let mailbox: Mailbox;
  let mailed: Mailed;

  before(async () => {
    [redis, mailbox] = await Promise.all([startRedis(), openMailbox()]);
    const [basicSecret, jwtSecret] = [marked('basic'), marked('hmac')];
    fleet = await startFleet({
      env: { REDIS_URL: redis.url, DYNAMIC_REGISTRATION: 'open', SMTP_URL: mailbox.url },
      bootstrap: { clients: clients(basicSecret, jwtSecret), resources },
    });
    await useEverything(fleet, secrets, basicSecret, jwtSecret);
    for (const [name, part] of await privateParts(fleet)) secrets.set(name, part);
    const letters = () => mailbox.mails.map(({ subject, text }) => `${subject}\n${text}`);
    mailed = await causeMails(fleet, () =>
      eventually(
        async () => letters(),
        (all) => usefulIn(all).length >= usefulMails,
      ),
    );
    for (const [name, secret] of mailed.secrets) secrets.set(name, secret);
  });
  after(async () => {
    await fleet?.close();
    await mailbox?.close();
    await redis?.stop();
    redis?.remove();
  });

  it('no table holds one', async () => {
    const rows = await dumpRows(fleet.databaseUrl ?? '');
    expect(rows).to.include('new@example.test').and.to.include('television').and.to.include('# public.oidc_artifacts');
    expect(findSecrets(rows, secrets)).to.deep.equal([]);
    expect(findCodes(rows, mailed.codes)).to.deep.equal([]);
  });

  it('RS-03 what was mailed is among what is searched for', () => expectMailed(mailed));

  it('no dump holds one', async function noDump() {
    const dump = await dumpByTool(fleet.databaseUrl ?? '');
    if (dump === undefined) {
      console.error('skipped: no pg_dump that fits the server');
      return this.skip();
    }
    expect(dump).to.include('new@example.test');
    expect(findSecrets(dump, secrets)).to.deep.equal([]);
  });

  it('Redis holds none', async () => {
    expect(findSecrets(await redis.dump(), secrets)).to.deep.equal([]);
  });

  it('IN-07 the log holds none, and is one line of JSON per event', () => {
    for (const replica of fleet.replicas) {
      const log = replica.log();
      expect(findSecrets(log, secrets)).to.deep.equal([]);
      expect(findCodes(log, mailed.codes)).to.deep.equal([]);
      expect(findSecrets(replica.errors(), secrets)).to.deep.equal([]);
      const lines = log.split('\n').filter((line) => line !== '');
      expect(lines.length).to.be.greaterThan(10);
      for (const line of lines) expect(JSON.parse(line)).to.include.keys('level', 'time', 'msg');
    }
  });

  it('metrics hold none', async () => {
    const metrics = await (await fetch(`${fleet.issuer}/metrics`)).text();
    expect(metrics).to.include('http_requests_total');
    expect(findSecrets(metrics, secrets)).to.deep.equal([]);
  });
});

describe('TK-09 AU-04 OP-06 secrets at rest, embedded database', function secretsAtRest() {
  this.timeout(120_000);

  it('no file of the data directory holds one, the master key in its own file excepted', async () => {
    const secrets = new Map<string, string>();
    const [basicSecret, jwtSecret] = [marked('basic'), marked('hmac')];
    const fleet = await startFleet({
      engine: 'embedded',
      replicas: 1,
      env: { DYNAMIC_REGISTRATION: 'open' },
      bootstrap: { clients: clients(basicSecret, jwtSecret), resources },
    });
    try {
      await useEverything(fleet, secrets, basicSecret, jwtSecret);
      // Without a mail server every mail waits in the outbox, its link and code good.
      const mailed = await causeMails(fleet, () => shownLetters(fleet.issuer));
      expectMailed(mailed);
      for (const [name, secret] of mailed.secrets) secrets.set(name, secret);
      const files = readFolder(fleet.dataDir);
      expect(files).to.include('new@example.test');
      expect(findSecrets(files, secrets)).to.deep.equal([]);
      expect(findCodes(files, mailed.codes)).to.deep.equal([]);
      expect(findSecrets(fleet.replicas[0]?.log() ?? '', secrets)).to.deep.equal([]);
    } finally {
      await fleet.close();
    }
  });
});
