import { expect } from 'chai';
import { type Api, createApi } from '../support/api.ts';
import { type Stand, startStand } from '../support/stand.ts';

const root = { email: 'root@example.test', password: 'plum-orbit-cabin-41' };

/** What a stranger gets at each address of CONTRACT.md, "HTTP": that it is there, and by whom it is answered. */
const addresses: [string, string, number][] = [
  ['GET', '/.well-known/openid-configuration', 200],
  ['GET', '/.well-known/oauth-authorization-server', 200],
  ['GET', '/.well-known/oauth-protected-resource', 200],
  ['GET', '/.well-known/authzen-configuration', 200],
  ['GET', '/jwks', 200],
  ['GET', '/authorize', 400],
  ['POST', '/token', 400],
  ['GET', '/userinfo', 401],
  ['POST', '/introspect', 400],
  ['POST', '/revoke', 400],
  ['POST', '/par', 400],
  ['GET', '/device', 200],
  ['POST', '/device/code', 400],
  ['POST', '/backchannel', 400],
  ['POST', '/register', 404],
  ['GET', '/logout', 200],
  ['POST', '/access/v1/evaluation', 401],
  ['GET', '/', 200],
  ['GET', '/signup', 200],
  ['GET', '/verify', 303],
  ['GET', '/forgot', 200],
  ['GET', '/reset', 400],
  ['GET', '/account', 303],
  ['GET', '/admin', 303],
  ['GET', '/health', 200],
  ['GET', '/health/live', 200],
  ['GET', '/health/ready', 200],
  ['GET', '/metrics', 200],
  ['GET', '/openapi.json', 200],
  ['GET', '/docs', 200],
  ['GET', '/api/v1/auth/me', 401],
  ['GET', '/nowhere', 404],
];

const metricNames = [
  'http_request_duration_seconds',
  'http_requests_total',
  'active_sessions',
  'cache_hits_total',
  'cache_misses_total',
  'db_query_duration_seconds',
  'authentication_attempts_total',
  'tokens_issued_total',
  'queue_lag_seconds',
];

describe('CONTRACT.md the outside', () => {
  let stand: Stand;
  let api: Api;

  before(async () => {
    const users = [{ ...root, email_verified: true, roles: ['SUPER_ADMIN'] }];
    stand = await startStand({ env: { RATE_LIMITS: 'on' }, bootstrap: { users } });
    api = createApi(() => stand.issuer);
  });
  after(() => stand.close());

  it('every address answers as it should to somebody it does not know', async () => {
    for (const [method, path, status] of addresses) {
      const answer = await fetch(`${stand.issuer}${path}`, { method, redirect: 'manual' });
      expect(answer.status, `${method} ${path}: ${await answer.text()}`).to.equal(status);
      expect(answer.headers.get('x-correlation-id'), path).to.match(/^[A-Za-z0-9._-]{1,64}$/);
    }
  });

  it('metrics have the names that dashboards are built on', async () => {
    await api('POST', '/auth/login', root);
    await api('POST', '/auth/login', { ...root, password: 'another one entirely' });
    const text = await (await fetch(`${stand.issuer}/metrics`)).text();
    for (const name of metricNames) expect(text, name).to.match(new RegExp(`^# TYPE ${name} (counter|histogram|gauge)$`, 'm'));
    expect(text).to.match(/^authentication_attempts_total\{method="password",outcome="\w+"\} \d+$/m);
  });

  it('answers of the API: correlation, budgets, problems, lists, entity tags', async () => {
    const { json: tokens, headers } = await api('POST', '/auth/login', root, undefined, { 'x-correlation-id': 'mine-1' });
    expect(headers.get('x-correlation-id')).to.equal('mine-1');
    expect(headers.get('ratelimit-policy')).to.be.a('string').and.not.equal('');
    expect(headers.get('ratelimit')).to.be.a('string').and.not.equal('');
    expect(tokens)
      .to.include({ tokenType: 'Bearer', expiresIn: 900 })
      .and.to.have.keys('accessToken', 'tokenType', 'expiresIn', 'refreshToken', 'user');
    const refused = await api('GET', '/nowhere/at/all', undefined, tokens.accessToken, { 'x-correlation-id': 'not good' });
    expect(refused.headers.get('content-type')).to.match(/^application\/problem\+json/);
    expect(refused.json).to.include.keys('type', 'title', 'status', 'correlationId', 'errors');
    expect(refused.json.correlationId).to.not.equal('not good');
    const list = await api('GET', '/rbac/permissions?limit=1', undefined, tokens.accessToken);
    expect(list.json).to.have.keys('items', 'nextCursor');
    expect(list.json.items).to.have.length(1);
    const role = await api('POST', '/rbac/roles', { name: 'PACKER', permissions: [] }, tokens.accessToken);
    expect(role.status).to.equal(201);
    expect(role.headers.get('etag')).to.match(/^"/);
    const body = { name: 'PACKER', permissions: [] };
    const put = (match?: string) =>
      api('PUT', `/rbac/roles/${role.json.id}`, body, tokens.accessToken, match === undefined ? {} : { 'if-match': match });
    expect((await put()).status, 'RFC 6585 §3').to.equal(428);
    expect((await put('"0"')).status).to.equal(412);
    const key = { 'idempotency-key': 'once-1' };
    const [first, again] = [
      await api('POST', '/rbac/roles', { name: 'PICKER', permissions: [] }, tokens.accessToken, key),
      await api('POST', '/rbac/roles', { name: 'PICKER', permissions: [] }, tokens.accessToken, key),
    ];
    expect([first.status, again.status, again.json.id]).to.deep.equal([201, 201, first.json.id]);
  });
});
