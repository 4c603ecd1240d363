import type { AddressInfo } from 'node:net';
import { Type } from '@sinclair/typebox';
import { expect } from 'chai';
import { pino } from 'pino';
import { loadConfig } from '../../src/platform/config/index.ts';
import { createEnvelope } from '../../src/platform/crypto/index.ts';
import type { Database } from '../../src/platform/db/index.ts';
import { errors } from '../../src/platform/errors/index.ts';
import { createHttp, createHttpServer, createIdempotencyRepository } from '../../src/platform/http/index.ts';
import { currentScope } from '../../src/platform/logging/index.ts';
import { createMetrics } from '../../src/platform/metrics/index.ts';
import type { AuditEvent, Principal } from '../../src/platform/ports.ts';
import { createViews } from '../../src/platform/views/index.ts';
import { createTestClock } from '../support/clock.ts';
import { openTestDatabase } from '../support/database.ts';

const issuer = 'http://localhost:3001';
const closed = { additionalProperties: false };

let database: Database;
before(async () => {
  database = await openTestDatabase();
});
after(() => database.close());

let created = 0;

const startServer = async (env: Record<string, string> = {}) => {
  const config = loadConfig({ env: { DATA_DIR: ':memory:', LOG_LEVEL: 'silent', ISSUER: issuer, ...env }, cwd: '/' });
  const noted: AuditEvent[] = [];
  const lines: string[] = [];
  let isAnswered = false;
  const followed: boolean[] = [];
  const clock = createTestClock();
  const principal = (token: string): Principal => ({
    type: 'user',
    id: token,
    clientId: 'web',
    scopes: new Set(['api']),
    roles: token === 'admin' ? ['ADMIN'] : [],
  });
  const http = createHttp({
    config,
    clock,
    logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    metrics: createMetrics(),
    envelope: createEnvelope([Buffer.alloc(32, 1)]),
    views: createViews({ logoAddress: () => undefined }),
    authenticator: {
      dpop: { algorithms: ['ES256'], nextNonce: () => 'nonce' },
      authenticate: async ({ value: token }) => {
        if (token === 'bad') throw errors.unauthenticated();
        return principal(token);
      },
    },
    guard: { reach: async ({ roles }) => (roles.includes('ADMIN') ? 'any' : undefined), organizations: async () => [] },
    audit: { note: (event) => void noted.push(event) },
    probes: [],
    idempotencyKeys: createIdempotencyRepository(database.knex),
    validateResponses: true,
  });
  const body = Type.Object({ name: Type.String({ minLength: 1 }), size: Type.Optional(Type.Integer()) }, closed);
  http.admin.post('/api/v1/things', { summary: 'Adds', permission: 'thing:create', body, status: 201 }, async (input) => {
    if (input.body.name === 'taken') throw errors.conflict();
    created += 1;
    return { name: input.body.name, created };
  });
  http.admin.get('/api/v1/open', { summary: 'Open', permission: 'public', status: 200 }, async () => ({ ok: true }));
  http.admin.get('/api/v1/broken', { summary: 'Breaks', permission: 'public', status: 200 }, async () => {
    throw new Error('select secret from inside');
  });
  http.admin.get('/api/v1/owing', { summary: 'Owes', permission: 'public', status: 200 }, async () => {
    const follow = (): void => void followed.push(isAnswered);
    currentScope()?.afterAnswer?.(follow);
    currentScope()?.afterAnswer?.(follow);
    await new Promise((resolve) => setImmediate(resolve));
    return { followed: followed.length };
  });
  http.pages.post('/form', async (page) => page.redirect('/done'));
  const server = createHttpServer(config);
  server.on('request', (_, answer) => {
    isAnswered = false;
    answer.on('finish', () => {
      isAnswered = true;
    });
  });
  server.on('request', http.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { request } = await import('node:http');
  /** `fetch` would not let a test set Host. */
  const call = (path: string, init: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {}) =>
    new Promise<{ status: number; headers: Record<string, string | string[] | undefined>; text: string }>((resolve, reject) => {
      const outgoing = request(
        { port, host: '127.0.0.1', path, method: init.method ?? 'GET', headers: { host: 'localhost:3001', ...init.headers } },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8');
          answer.on('data', (part: string) => {
            text += part;
          });
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
        },
      );
      outgoing.on('error', reject);
      outgoing.end(init.body);
    });
  const post = (json: string | Buffer, headers: Record<string, string> = {}) =>
    call('/api/v1/things', {
      method: 'POST',
      headers: { authorization: 'Bearer admin', 'content-type': 'application/json', ...headers },
      body: json,
    });
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  return { call, post, noted, lines, clock, followed, close };
};

type Started = Awaited<ReturnType<typeof startServer>>;

describe('S4 O1 HTTP pipeline', () => {
  let server: Started;
  before(async () => {
    server = await startServer({ RATE_LIMITS: 'off' });
  });
  after(() => server.close());

  it('takes a correlation id over, and replaces one that could forge a log line (IN-07)', async () => {
    const kept = await server.call('/api/v1/open', { headers: { 'x-correlation-id': 'abc.1_2-3' } });
    expect(kept.headers['x-correlation-id']).to.equal('abc.1_2-3');
    const replaced = await server.call('/api/v1/open', { headers: { 'x-correlation-id': 'a"b' } });
    expect(replaced.headers['x-correlation-id']).to.match(/^[0-9a-f-]{36}$/);
  });

  it('PW-05 what follows an answer runs once, after it has left', async () => {
    expect((await server.call('/api/v1/owing')).text).to.equal('{"followed":0}');
    while (server.followed.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(server.followed).to.deep.equal([true]);
  });

  it('never logs the query', async () => {
    server.lines.length = 0;
    await server.call('/nowhere?code=very-secret');
    expect(server.lines).to.have.length(1);
    expect(server.lines.join()).not.to.include('very-secret');
  });

  it('carries the security headers on answers and errors (OP-02)', async () => {
    for (const path of ['/api/v1/open', '/nowhere', '/api/v1/broken']) {
      const { headers } = await server.call(path);
      expect(headers['content-security-policy']).to.include(`frame-ancestors 'none'`).and.not.include('unsafe-inline');
      expect(headers['x-content-type-options']).to.equal('nosniff');
      expect(headers['cache-control']).to.equal('no-store');
      expect(headers['strict-transport-security']).to.equal(undefined);
      expect(headers).not.to.have.any.keys('server', 'x-powered-by');
    }
  });

  it('refuses another Host, but lets health probes by (RS-01)', async () => {
    expect((await server.call('/api/v1/open', { headers: { host: 'evil.example' } })).status).to.equal(421);
    const forged = await server.call('/api/v1/open', { headers: { 'x-forwarded-host': 'evil.example' } });
    expect(forged.status).to.equal(200);
    expect((await server.call('/health/live', { headers: { host: '10.0.0.7' } })).status).to.equal(200);
  });

  it('tells nothing of the inside in a fault (OP-03)', async () => {
    const { status, headers, text } = await server.call('/api/v1/broken');
    expect(status).to.equal(500);
    expect(headers['content-type']).to.include('application/problem+json');
    expect(text).not.to.include('secret');
    expect(JSON.parse(text)).to.have.property('correlationId', headers['x-correlation-id']);
  });

  it('names each mistake in the body with its path (IN-03)', async () => {
    const { status, text } = await server.post('{"name":"","extra":1,"size":"4"}');
    expect(status).to.equal(400);
    const paths = (JSON.parse(text).errors as { path: string }[]).map(({ path }) => path);
    expect(paths).to.have.members(['/name', '/extra', '/size']);
  });

  it('refuses malformed JSON, UTF-8, media types, prototypes, NUL and size (IN-02 IN-04 IN-09)', async () => {
    expect((await server.post('{"name":')).status).to.equal(400);
    expect((await server.post(Buffer.from([0x7b, 0x22, 0xff, 0xfe]))).status).to.equal(400);
    expect((await server.post('{"name":"a"}', { 'content-type': 'text/plain' })).status).to.equal(415);
    expect((await server.post('{"name":"a"}', { 'content-type': 'application/json; charset=utf-16' })).status).to.equal(415);
    expect((await server.post('{"name":"a","__proto__":{"polluted":1}}')).status).to.equal(400);
    expect({}).not.to.have.property('polluted');
    expect((await server.post('{"name":"\\u0000"}')).status).to.equal(400);
    expect((await server.post('{"name":"\\ud800"}')).status).to.equal(400);
    expect((await server.post(`{"name":${'['.repeat(1000)}${']'.repeat(1000)}}`)).status).to.equal(400);
    expect((await server.post(JSON.stringify({ name: 'a'.repeat(300_000) }))).status).to.equal(413);
    expect((await server.post('{"name":"fine"}')).status).to.equal(201);
  });

  it('refuses an unknown and a repeated query parameter', async () => {
    expect((await server.call('/api/v1/open?x=1')).status).to.equal(400);
    expect((await server.call('/api/v1/open?x=1&x=2')).status).to.equal(400);
  });

  it('answers 405 with Allow on a known path', async () => {
    const { status, headers } = await server.call('/api/v1/open', { method: 'DELETE' });
    expect(status).to.equal(405);
    expect(headers.allow).to.include('GET');
  });

  it('asks for a token where the resource is described (RFC 9728 §5.1, TK-09)', async () => {
    const { status, headers } = await server.call('/api/v1/things?access_token=admin', { method: 'POST' });
    expect(status).to.equal(401);
    expect(headers['www-authenticate']).to.equal(
      `Bearer resource_metadata="${issuer}/.well-known/oauth-protected-resource", DPoP algs="ES256"`,
    );
    const bad = await server.call('/api/v1/things', { method: 'POST', headers: { authorization: 'Bearer bad' } });
    expect(bad.headers['www-authenticate']).to.include('error="invalid_token"');
  });

  it('names the permission that is missing and notes the refusal', async () => {
    const { status, text } = await server.post('{"name":"a"}', { authorization: 'Bearer somebody' });
    expect(status).to.equal(403);
    expect(JSON.parse(text)).to.include({ permission: 'thing:create' });
    expect(server.noted.at(-1)).to.include({ type: 'api.denied', outcome: 'denied' });
  });

  it('refuses forms without the token, from elsewhere, or of another type (SE-04)', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await server.call('/form', { method: 'POST', headers, body: 'a=1' })).status).to.equal(403);
    const foreign = { ...headers, origin: 'https://evil.example' };
    expect((await server.call('/form', { method: 'POST', headers: foreign, body: 'a=1' })).status).to.equal(403);
    const json = { 'content-type': 'application/json' };
    expect((await server.call('/form', { method: 'POST', headers: json, body: '{}' })).status).to.equal(415);
  });

  it('serves no file outside of the assets', async () => {
    for (const path of ['/assets/../layout.njk', '/assets/%2e%2e/layout.njk', '/assets/..%2flayout.njk']) {
      expect((await server.call(path)).status, path).to.equal(404);
    }
    expect((await server.call('/assets/app.css')).status).to.equal(200);
  });

  it('describes every route (O7)', async () => {
    const document = JSON.parse((await server.call('/openapi.json')).text);
    expect(document.openapi).to.equal('3.1.0');
    expect(document.paths).to.have.keys('/api/v1/things', '/api/v1/open', '/api/v1/owing', '/api/v1/broken');
    expect((await server.call('/docs')).text).not.to.match(/<script>/);
  });

  it('keeps metrics and documents from strangers (OP-04)', async () => {
    const hidden = await startServer({ OPERATIONS_ALLOW: '192.0.2.1', RATE_LIMITS: 'off' });
    for (const path of ['/metrics', '/docs', '/openapi.json']) expect((await hidden.call(path)).status, path).to.equal(404);
    const health = JSON.parse((await hidden.call('/health')).text);
    expect(health).to.have.keys('status', 'timestamp');
    await hidden.close();
  });
});

describe('GV-09 F-05 Idempotency-Key', () => {
  let server: Started;
  before(async () => {
    server = await startServer({ RATE_LIMITS: 'off' });
  });
  after(() => server.close());

  it('does the work once and gives the same answer again', async () => {
    const first = await server.post('{"name":"a"}', { 'idempotency-key': 'k1' });
    const again = await server.post('{"name":"a"}', { 'idempotency-key': 'k1' });
    expect([again.status, again.text]).to.deep.equal([201, first.text]);
    expect(again.headers['content-type']).to.equal(first.headers['content-type']);
    expect((await server.post('{"name":"a"}', { 'idempotency-key': 'k2' })).text).not.to.equal(first.text);
  });

  it('refuses the key for another body', async () => {
    await server.post('{"name":"a"}', { 'idempotency-key': 'k3' });
    expect((await server.post('{"name":"b"}', { 'idempotency-key': 'k3' })).status).to.equal(422);
  });

  it('lets a refused request try again', async () => {
    expect((await server.post('{"name":"taken"}', { 'idempotency-key': 'k4' })).status).to.equal(409);
    expect((await server.post('{"name":"a"}', { 'idempotency-key': 'k4' })).status).to.equal(201);
  });

  it('does the work once for parallel requests', async () => {
    const start = created;
    const send = () => server.post('{"name":"a"}', { 'idempotency-key': 'k5' });
    const statuses = (await Promise.all(Array.from({ length: 10 }, send))).map(({ status }) => status);
    expect(created - start).to.equal(1);
    expect(statuses.every((status) => status === 201 || status === 409)).to.equal(true);
  });

  it('keeps no answer in the clear, and none longer than a day (OP-06)', async () => {
    const first = await server.post('{"name":"private-name"}', { 'idempotency-key': 'k6' });
    const rows = JSON.stringify(await database.knex('idempotency_keys'));
    expect(rows).not.to.include('private-name');
    server.clock.advance(86_401);
    expect((await server.post('{"name":"private-name"}', { 'idempotency-key': 'k6' })).text).not.to.equal(first.text);
  });
});

describe('S3 request budgets', () => {
  const limits = '{"anonymous":2,"user":3,"admin":4,"protocol":2}';

  it('stops strangers by address, whatever they say of themselves (PW-02), and lets them on later', async () => {
    const server = await startServer({ RATE_LIMITS: limits });
    const first = await server.call('/api/v1/open');
    expect(first.headers['ratelimit-policy']).to.equal('"anonymous";q=2;w=900');
    expect(first.headers.ratelimit).to.match(/^"anonymous";r=1;t=900$/);
    await server.call('/api/v1/open');
    const third = await server.call('/api/v1/open', { headers: { 'x-forwarded-for': '198.51.100.9' } });
    expect(third.status).to.equal(429);
    expect(Number(third.headers['retry-after'])).to.be.within(1, 900);
    server.clock.advance(901);
    expect((await server.call('/api/v1/open')).status).to.equal(200);
    await server.close();
  });

  it('gives each class its own number and leaves health out', async () => {
    const server = await startServer({ RATE_LIMITS: limits });
    for (let count = 0; count < 4; count += 1) expect((await server.post('{"name":"a"}')).status).to.equal(201);
    expect((await server.post('{"name":"a"}')).status).to.equal(429);
    for (let count = 0; count < 5; count += 1) expect((await server.call('/health/live')).status).to.equal(200);
    await server.close();
  });

  it('counts bad tokens to the budget of strangers', async () => {
    const server = await startServer({ RATE_LIMITS: limits });
    const statuses = [];
    for (let count = 0; count < 3; count += 1) {
      statuses.push((await server.post('{"name":"a"}', { authorization: 'Bearer bad' })).status);
    }
    expect(statuses).to.deep.equal([401, 401, 429]);
    await server.close();
  });

  it('counts pages to the address', async () => {
    const server = await startServer({ RATE_LIMITS: limits });
    const statuses = [];
    for (let count = 0; count < 3; count += 1) statuses.push((await server.call('/nowhere')).status);
    expect(statuses).to.deep.equal([404, 404, 429]);
    await server.close();
  });
});
