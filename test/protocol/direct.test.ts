import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { expect } from 'chai';
import { callback, createFlows, webClient } from '../support/flows.ts';
import { type Stand, startStand } from '../support/stand.ts';

const secret = 'a-secret-of-at-least-thirty-two-characters';
const opaque = 'urn:test:opaque';
const jwt = 'urn:test:jwt';
const form = 'application/x-www-form-urlencoded';
const basic = (clientId: string, value = secret): string => `Basic ${Buffer.from(`${clientId}:${value}`).toString('base64')}`;

interface Asked {
  path: string;
  fields?: Record<string, string>;
  headers: Record<string, string>;
}

interface Told {
  status: number;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
}

const ask = (issuer: string, { path, fields, headers }: Asked, isPlain: boolean): Promise<Told> =>
  new Promise((resolve, reject) => {
    const body = fields && new URLSearchParams(fields).toString();
    const own: Record<string, string | number> = body === undefined ? {} : { 'content-type': form };
    // In chunks, or with a query, a request is not plain, and says the same.
    if (body !== undefined && isPlain) own['content-length'] = Buffer.byteLength(body);
    const outgoing = httpRequest(
      `${issuer}${path}${!isPlain && body === undefined ? '?' : ''}`,
      { method: body === undefined ? 'GET' : 'POST', headers: { ...own, ...headers } },
      (incoming) => {
        let text = '';
        incoming.on('data', (chunk) => {
          text += chunk;
        });
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: JSON.parse(text) }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });

/** What two answers to one question may differ in. */
const comparable = ({ status, headers, body }: Told): Told => {
  const { date, 'x-correlation-id': id, 'content-length': length, 'access-control-allow-origin': _cors, ...rest } = headers;
  expect(date, 'Date').to.be.a('string');
  expect(id, 'X-Correlation-Id').to.be.a('string');
  expect(length, 'Content-Length').to.be.a('string');
  return { status, headers: rest, body };
};

describe('P3, P1: what is answered ahead of the core is answered as by the core', () => {
  let stand: Stand;
  let person: ReturnType<typeof createFlows>;

  before(async () => {
    const api = { scopes: [{ name: 'read' }, { name: 'write' }], introspectionClients: ['api'] };
    const clients = [
      webClient({ id: 'app', secret }),
      { ...webClient({ id: 'narrow', secret }), scope: 'openid read' },
      { ...webClient({ id: 'mapped', secret }), claims_mapping: { mail: 'email' } },
      { ...webClient({ id: 'private', secret }), subject_type: 'pairwise' },
      { ...webClient({ id: 'signed', secret }), userinfo_signed_response_alg: 'RS256' },
      webClient({ id: 'api', secret }),
    ];
    const resources = [
      { identifier: opaque, name: 'Opaque', accessTokenFormat: 'opaque', ...api },
      { identifier: jwt, name: 'JWT', accessTokenFormat: 'jwt', ...api },
    ];
    stand = await startStand({ bootstrap: { clients, resources }, env: { RATE_LIMITS: 'on' } });
    person = createFlows(stand.issuer, { id: 'app', secret }, stand.person);
  });
  after(() => stand?.close());

  const taken = async ({ path, fields, headers }: Asked): Promise<boolean> => {
    const line = `${fields ? 'POST' : 'GET'} ${path}`;
    const body = Buffer.from(new URLSearchParams(fields).toString());
    const route = stand.app.rooms.oidc.direct.find((one) => one.line === line);
    return (await route?.answer({ headers, body, ip: '127.0.0.1' })) !== undefined;
  };

  const both = async (asked: Asked): Promise<Told[]> =>
    [await ask(stand.issuer, asked, true), await ask(stand.issuer, asked, false)].map(comparable);

  // Seconds left may tick between the two.
  const withoutCounts = ({ headers: { ratelimit: _one, 'retry-after': _seconds, ...headers }, ...rest }: Told): Told => ({
    ...rest,
    headers,
  });

  const same = async (asked: Asked, isDirect = true): Promise<Told> => {
    expect(await taken(asked), 'answered directly').to.equal(isDirect);
    const [direct, core] = (await both(asked)).map(withoutCounts);
    expect(direct).to.deep.equal(core);
    return direct as Told;
  };

  const machine = async (clientId: string, fields: Record<string, string>): Promise<Told> =>
    ask(
      stand.issuer,
      { path: '/token', fields: { grant_type: 'client_credentials', ...fields }, headers: { authorization: basic(clientId) } },
      true,
    );

  const introspection = (token: unknown, clientId: string): Asked => ({
    path: '/introspect',
    fields: { token: String(token) },
    headers: { authorization: basic(clientId) },
  });
  const userinfo = (token: string): Asked => ({ path: '/userinfo', headers: { authorization: `Bearer ${token}` } });

  const tokensOf = (id: string, scope: string) =>
    createFlows(stand.issuer, { id, secret }, stand.person).tokens({ client_id: id, scope, redirect_uri: callback });

  it('RFC 7662: of a machine’s token, to its owner and to the API it is for', async () => {
    const { body } = await machine('app', { resource: opaque, scope: 'read' });
    const told = await same(introspection(body.access_token, 'app'));
    expect(told.body).to.include({ active: true, client_id: 'app', aud: opaque, scope: 'read' });
    await same(introspection(body.access_token, 'api'));
    await same({
      ...introspection(body.access_token, 'app'),
      fields: { token: String(body.access_token), token_type_hint: 'access_token' },
    });
  });

  it('RFC 7662: of a person’s token, also one that ends with the session', async () => {
    for (const scope of ['openid email', 'openid email offline_access']) {
      const { access } = await tokensOf('app', scope);
      expect((await same(introspection(access, 'app'))).body.active).to.equal(true);
    }
    await same(introspection((await tokensOf('private', 'openid')).access, 'private'), false);
  });

  it('TK-07, TK-01: what is refused is refused by the core', async () => {
    const { body } = await machine('app', { resource: opaque, scope: 'read' });
    const refused = [
      introspection(body.access_token, 'narrow'),
      introspection('x'.repeat(43), 'app'),
      introspection((await machine('app', { resource: jwt })).body.access_token, 'app'),
      { ...introspection(body.access_token, 'app'), headers: { authorization: basic('app', 'wrong') } },
      { ...introspection(body.access_token, 'app'), headers: {} },
      { ...introspection(body.access_token, 'app'), fields: { token: String(body.access_token), extra: '1' } },
      userinfo(String(body.access_token)),
      userinfo('x'.repeat(43)),
    ];
    for (const asked of refused) await same(asked, false);
  });

  it('OpenID Connect Core §5.3: userinfo by scope, with mapped claims, and never of a dead session', async () => {
    for (const [id, scope] of [
      ['app', 'openid'],
      ['app', 'openid profile email phone address'],
      ['mapped', 'openid email'],
      ['private', 'openid email'],
    ] as const) {
      const told = await same(userinfo((await tokensOf(id, scope)).access));
      expect(told.body.sub).to.be.a('string');
    }
    const { access } = await tokensOf('app', 'openid');
    await person.post('/revoke', { token: access });
    expect((await both(userinfo(access))).map(({ status }) => status)).to.deep.equal([401, 401]);
  });

  it('RFC 6749 §4.4: tokens of a machine, stored and told of once', async () => {
    const shapes = [{ resource: opaque }, { resource: opaque, scope: 'write read' }, { resource: jwt, scope: 'read' }];
    for (const fields of shapes) {
      const asked = {
        path: '/token',
        fields: { grant_type: 'client_credentials', ...fields },
        headers: { authorization: basic('app') },
      };
      expect(await taken(asked)).to.equal(true);
      const [direct, core] = (await both(asked)).map(withoutCounts);
      expect({ ...direct?.body, access_token: '' }).to.deep.equal({ ...core?.body, access_token: '' });
      expect(direct?.headers).to.deep.equal(core?.headers);
      for (const told of [direct, core])
        expect((await same(introspection(told?.body.access_token, 'app'), fields.resource === opaque)).body.active).to.equal(
          true,
        );
    }
    for (const fields of [{ resource: opaque, scope: 'admin' }, { resource: 'urn:nowhere' }, { scope: 'admin' }])
      await same(
        { path: '/token', fields: { grant_type: 'client_credentials', ...fields }, headers: { authorization: basic('narrow') } },
        false,
      );
  });

  it('FEATURES S3: counts to the client, which both ways show alike', async () => {
    const { body } = await machine('app', { resource: opaque });
    const [direct, core] = await both(introspection(body.access_token, 'app'));
    expect(direct?.headers['ratelimit-policy']).to.equal(core?.headers['ratelimit-policy']).and.be.a('string');
    expect(direct?.headers.ratelimit).to.equal(core?.headers.ratelimit);
  });

  it('CL-06: whoever guessed too often at a secret is refused alike, with the right one too', async () => {
    const { body } = await machine('narrow', { resource: opaque });
    const asked = introspection(body.access_token, 'narrow');
    for (let guess = 0; guess < 20; guess += 1) {
      await ask(stand.issuer, { ...asked, headers: { authorization: basic('narrow', 'wrong') } }, true);
    }
    expect((await same(asked, false)).status).to.equal(429);
  });
});
