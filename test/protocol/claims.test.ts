import { expect } from 'chai';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import { setTenants } from '../../src/platform/db/index.ts';
import { type Agent, createAgent } from '../support/agent.ts';
import { type Call, personCalls } from '../support/callers.ts';
import { createFlows, type Flows, webClient } from '../support/flows.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'correct horse battery staple';
const app = { id: 'app', secret: 'a-secret-of-at-least-thirty-two-characters' };
const mapped = { id: 'mapped', secret: 'a-secret-of-at-least-thirty-two-characters' };
const orders = 'https://orders.example.test/';
const stock = 'https://stock.example.test/';
const claims = [
  { source: 'roles' },
  { source: 'permissions', only: ['orders'] },
  { source: 'permissions', claim: 'entitlements', format: 'text' },
  { source: 'groups' },
  { source: 'organizations' },
  { source: 'organizations', claim: 'org_names', format: 'objects' },
];

describe('P8 claims of what people hold', () => {
  let stand: Stand;
  let root: Call;
  let flows: Flows;
  let agent: Agent;
  let userId: string;

  const post = async (path: string, body: unknown): Promise<void> => {
    const { status, json } = await root('POST', path, body);
    expect(status, `${path} ${JSON.stringify(json)}`).to.be.oneOf([200, 201]);
  };
  const tokensFor = async (resource: string, scope: string) => {
    const { code, verifier } = await flows.code({ scope, resource }, agent);
    const { status, body } = await flows.post('/token', {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: 'https://app.example.test/callback',
      resource,
    });
    expect(status, JSON.stringify(body)).to.equal(200);
    return String(body.access_token);
  };

  before(async function start() {
    this.timeout(90_000);
    stand = await startStand({
      env: { BOOTSTRAP_ADMIN_EMAIL: 'root@example.test', BOOTSTRAP_ADMIN_PASSWORD: password },
      bootstrap: {
        clients: [
          {
            ...webClient(app),
            scope: 'openid profile email offline_access roles permissions groups organizations orders:read stock:read',
          },
          {
            ...webClient(mapped),
            claims_mapping: { 'https://example.test/roles': 'roles', tenant: 'org', mail: 'email', called: 'name' },
          },
        ],
        resources: [
          { identifier: orders, name: 'Orders', scopes: ['orders:read'], accessTokenFormat: 'jwt', accessTokenClaims: claims },
          { identifier: stock, name: 'Stock', scopes: ['stock:read'], accessTokenFormat: 'opaque', accessTokenClaims: claims },
        ],
      },
    });
    flows = createFlows(stand.issuer, app, stand.person);
    agent = createAgent(stand.issuer);
    root = await personCalls(stand, 'root@example.test', password);
    const { knex } = stand.database;
    userId = (await knex('identifiers').where({ value: stand.person.login }).first('user_id')).user_id;
    const now = new Date();
    const organization = {
      id: '01900000-0000-7000-8000-00000000000a',
      name: 'Acme',
      slug: 'acme',
      created_at: now,
      updated_at: now,
    };
    await knex('organizations').insert(organization);
    const membership = { organization_id: organization.id, user_id: userId, created_at: now };
    await stand.database.transaction((trx) => setTenants(trx, 'all').then(() => trx('organization_members').insert(membership)));
    const group = { id: '01900000-0000-7000-8000-00000000000b', name: 'Desk', created_at: now, updated_at: now };
    await knex('groups').insert(group);
    await knex('group_members').insert({ group_id: group.id, user_id: userId, created_at: now });
    await post('/rbac/roles', { name: 'clerk', permissions: ['orders:read:any', 'stock:read:own'], createPermissions: true });
    await post(`/rbac/users/${userId}/roles`, { role: 'clerk' });
  });
  after(() => stand?.close());

  const expectClaims = (told: Record<string, unknown>): void => {
    expect(told.roles).to.deep.equal(['USER', 'clerk']);
    expect(told.permissions).to.deep.equal(['orders:read:any']);
    expect(String(told.entitlements).split(' ')).to.include.members(['orders:read:any', 'stock:read:own', 'user:read:own']);
    expect(told.groups).to.deep.equal(['Desk']);
    expect(told.org).to.deep.equal(['01900000-0000-7000-8000-00000000000a']);
    expect(told.org_names).to.deep.equal([{ id: '01900000-0000-7000-8000-00000000000a', name: 'Acme' }]);
  };

  it('RFC 9068 §2.2.3.1 stand in the JWT access token of a resource that wants them, as it wants them', async () => {
    const token = await tokensFor(orders, 'openid orders:read');
    const keys = createRemoteJWKSet(new URL(`${stand.issuer}/jwks`));
    const { payload } = await jwtVerify(token, keys, { issuer: stand.issuer, audience: orders, typ: 'at+jwt' });
    expectClaims(payload);
    expect(payload.sub).to.equal(userId);
  });

  it('RFC 7662 are told at introspection as they are at that moment, of opaque tokens and JWTs', async () => {
    const tokens = [await tokensFor(orders, 'openid orders:read'), await tokensFor(stock, 'openid stock:read')];
    for (const token of tokens) expectClaims((await flows.introspect(token)).body);
    await post('/rbac/roles', { name: 'temporary', permissions: ['orders:write:any'], createPermissions: true });
    await post(`/rbac/users/${userId}/roles`, { role: 'temporary' });
    for (const token of tokens) {
      const { body } = await flows.introspect(token);
      expect(body.roles).to.deep.equal(['USER', 'clerk', 'temporary']);
      expect(body.permissions).to.deep.equal(['orders:read:any', 'orders:write:any']);
    }
    await root('DELETE', `/rbac/users/${userId}/roles/temporary`);
    for (const token of tokens) expectClaims((await flows.introspect(token)).body);
  });

  it('OIDC Core §5.4 by scope: at userinfo, and in no ID token beside an access token for it', async () => {
    const scope = 'openid email roles permissions groups organizations offline_access';
    const { access, id } = await flows.tokens({ scope }, agent);
    const { body } = await flows.userinfo(access);
    expect(body.roles).to.deep.equal(['USER', 'clerk']);
    expect(body.permissions).to.include('orders:read:any');
    expect(body.groups).to.deep.equal(['Desk']);
    expect(body.organizations).to.deep.equal([{ id: '01900000-0000-7000-8000-00000000000a', name: 'Acme' }]);
    expect(body.org).to.deep.equal(['01900000-0000-7000-8000-00000000000a']);
    expect(body.email).to.equal(stand.person.login);
    const idToken = decodeJwt(id);
    for (const name of ['roles', 'permissions', 'groups', 'organizations', 'org', 'email', 'name'])
      expect(idToken).to.not.have.property(name);
    const bare = await flows.tokens({ scope: 'openid offline_access' }, agent);
    expect(Object.keys((await flows.userinfo(bare.access)).body)).to.deep.equal(['sub']);
  });

  it('OIDC Core §5.5 one by one, into the place that was asked for', async () => {
    const wanted = { id_token: { roles: null, org: null }, userinfo: { groups: null } };
    const { access, id } = await flows.tokens({ scope: 'openid offline_access', claims: JSON.stringify(wanted) }, agent);
    expect(decodeJwt(id)).to.deep.include({ roles: ['USER', 'clerk'], org: ['01900000-0000-7000-8000-00000000000a'] });
    expect(decodeJwt(id)).to.not.have.property('groups');
    const { body } = await flows.userinfo(access);
    expect(body.groups).to.deep.equal(['Desk']);
    expect(body).to.not.have.property('roles');
  });

  it('go by names an administrator chose for a client, in ID token and userinfo; what a scope guards stays behind it', async () => {
    const own = createFlows(stand.issuer, mapped, stand.person);
    const config = await openid.discovery(new URL(stand.issuer), mapped.id, mapped.secret, undefined, {
      execute: [openid.allowInsecureRequests],
    });
    for (const [scope, mail] of [
      ['openid offline_access', undefined],
      ['openid email offline_access', stand.person.login],
    ] as const) {
      const { access, id } = await own.tokens({ scope }, agent);
      const info = await openid.fetchUserInfo(config, access, userId);
      for (const told of [decodeJwt(id), info]) {
        expect(told['https://example.test/roles']).to.deep.equal(['USER', 'clerk']);
        expect(told.tenant).to.deep.equal(['01900000-0000-7000-8000-00000000000a']);
        expect(told.mail).to.equal(mail);
        expect(told).to.not.have.property('called');
        expect(told).to.not.have.property('roles');
      }
    }
  });

  it('are left out where they are too large for a token, which names them; introspection and userinfo have them whole', async () => {
    const permissions = Array.from({ length: 200 }, (_, index) => `orders:a-rather-long-action-name-${index}:any`);
    await post('/rbac/roles', { name: 'wide', permissions, createPermissions: true });
    await post(`/rbac/users/${userId}/roles`, { role: 'wide' });
    const token = await tokensFor(orders, 'openid orders:read');
    const payload = decodeJwt(token);
    expect(payload.claims_overflow).to.deep.equal(['entitlements', 'permissions']);
    expect(payload).to.not.have.any.keys('permissions', 'entitlements');
    expect(payload.roles).to.deep.equal(['USER', 'clerk', 'wide']);
    const { body } = await flows.introspect(token);
    expect(body.permissions).to.include.members(permissions);
    expect(body).to.not.have.property('claims_overflow');
    const asked = {
      scope: 'openid permissions offline_access',
      claims: JSON.stringify({ id_token: { permissions: null, roles: null } }),
    };
    const { access, id } = await flows.tokens(asked, agent);
    expect(decodeJwt(id)).to.deep.include({ claims_overflow: ['permissions'], roles: ['USER', 'clerk', 'wide'] });
    expect(decodeJwt(id)).to.not.have.property('permissions');
    expect((await flows.userinfo(access)).body.permissions).to.include.members(permissions);
    await root('DELETE', `/rbac/users/${userId}/roles/wide`);
  });

  it('are set, read and judged at /api/v1/resources', async () => {
    const resource = { identifier: 'https://api.example.test/', name: 'API', accessTokenFormat: 'jwt' };
    const wrong: [Record<string, unknown>[], string][] = [
      [[{ source: 'roles', claim: 'sub' }], '/accessTokenClaims/0/claim'],
      [[{ source: 'roles' }, { source: 'groups', claim: 'roles' }], '/accessTokenClaims/1/claim'],
      [[{ source: 'roles', format: 'objects' }], '/accessTokenClaims/0/format'],
      [[{ source: 'roles', only: ['orders'] }], '/accessTokenClaims/0/only'],
      [[{ source: 'shoe size' }], '/accessTokenClaims/0/source'],
    ];
    for (const [accessTokenClaims, path] of wrong) {
      const { status, json } = await root('POST', '/resources', { ...resource, accessTokenClaims });
      expect(status, path).to.equal(400);
      expect(json.errors[0].path).to.equal(path);
    }
    const made = await root('POST', '/resources', { ...resource, accessTokenClaims: [{ source: 'roles', claim: 'r' }] });
    expect(made.status).to.equal(201);
    expect(made.json.accessTokenClaims).to.deep.equal([{ source: 'roles', claim: 'r' }]);
    const changed = await root('PUT', `/resources/${made.json.id}`, resource, { 'if-match': made.headers.get('etag') ?? '' });
    expect(changed.json.accessTokenClaims).to.deep.equal([]);
  });
});
