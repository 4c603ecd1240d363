import { expect } from 'chai';
import { uuidv7 } from '../../src/platform/crypto/index.ts';
import { setTenants } from '../../src/platform/db/index.ts';
import { type Call, callerWith, personCalls } from '../support/callers.ts';
import { everyTenant } from '../support/database.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'plum-orbit-cabin-41';
const web = { redirect_uris: ['https://app.example.test/callback'], grant_types: ['authorization_code'] };

describe('P5 CL-07 who may manage which clients', () => {
  let stand: Stand;
  let root: Call;
  let manager: Call;
  let [acme, other] = ['', ''];

  before(async () => {
    const users = [
      { email: 'root@example.test', password, email_verified: true, roles: ['SUPER_ADMIN'] },
      { email: 'manager@example.test', password, email_verified: true },
    ];
    stand = await startStand({ bootstrap: { users } });
    root = await personCalls(stand, 'root@example.test', password);
    const login = { email: 'manager@example.test', password };
    const { json } = await callerWith(stand, undefined)('POST', '/auth/login', login);
    manager = callerWith(stand, json.accessToken);
    [acme, other] = [uuidv7(new Date()), uuidv7(new Date())];
    await stand.database.transaction(async (trx) => {
      await setTenants(trx, 'all');
      const times = { created_at: new Date(), updated_at: new Date() };
      await trx('organizations').insert([
        { id: acme, name: 'Acme', slug: 'acme', ...times },
        { id: other, name: 'Other', slug: 'other', ...times },
      ]);
      await trx('organization_members').insert({ organization_id: acme, user_id: json.user.id, created_at: new Date() });
    });
    await stand.app.rooms.foundation.caches.invalidate([`user:${json.user.id}`]);
    const permissions = ['read', 'create', 'update', 'delete'].map((action) => `client:${action}:organization`);
    expect((await root('POST', '/rbac/roles', { name: 'client-manager', permissions, createPermissions: true })).status).to.equal(
      201,
    );
    const assigned = await root('POST', `/rbac/users/${json.user.id}/roles`, { role: 'client-manager', organizationId: acme });
    expect(assigned.status, JSON.stringify(assigned.json)).to.equal(201);
    for (const [id, organization] of [
      ['of-acme', acme],
      ['of-other', other],
      ['of-nobody', null],
    ] as const) {
      const made = await root('POST', '/clients', { ...web, client_id: id, organization_id: organization });
      expect(made.status, JSON.stringify(made.json)).to.equal(201);
    }
  });
  after(() => stand.close());

  const put = async (id: string, over: object): Promise<number> => {
    const body = { ...web, organization_id: acme, ...over };
    return (await manager('PUT', `/clients/${id}`, body, { 'if-match': '*' })).status;
  };

  it('P5 a member in the spelling of the rest of the API is refused with the name it has here, and the other way round', async () => {
    const { status, json } = await root('POST', '/clients', { redirectUris: web.redirect_uris, grantTypes: [], nonsense: 1 });
    expect(status).to.equal(400);
    expect(json.errors).to.deep.equal([
      { path: '/redirectUris', message: 'is not a known field; it is written redirect_uris here' },
      { path: '/grantTypes', message: 'is not a known field; it is written grant_types here' },
      { path: '/nonsense', message: 'is not a known field' },
    ]);
    const resource = {
      identifier: 'https://a.example.test',
      name: 'A',
      scopes: [],
      accessTokenFormat: 'jwt',
      access_token_ttl_seconds: 60,
    };
    const other = await root('POST', '/resources', resource);
    expect([other.status, other.json.errors[0].message].join()).to.match(/400.*written accessTokenTtlSeconds here/);
  });

  it('CL-07 changes clients of his own organization, with before and after in the history', async () => {
    expect(await put('of-acme', { client_name: 'Renamed' })).to.equal(200);
    expect((await manager('GET', '/clients/of-acme')).json.client_name).to.equal('Renamed');
    const about = { type: 'client.updated', client_id: 'of-acme' };
    const event = await everyTenant(stand.database, (trx) => trx('audit_events').where(about).first());
    expect(JSON.stringify(event)).to.include('Renamed');
  });

  for (const [what, id, over] of [
    ['redirects of the client behind our own pages', 'castellan-pages', { redirect_uris: ['https://evil.example/cb'] }],
    ['keys of the client of our own sign-in', 'castellan', { jwks: { keys: [] } }],
    ['a client of another organization', 'of-other', {}],
    ['a client of nobody’s', 'of-nobody', {}],
    [
      'a client into another organization',
      'of-acme',
      {
        get organization_id() {
          return other;
        },
      },
    ],
    ['a client into one that everybody trusts', 'of-acme', { first_party: true, skip_consent: true }],
  ] as const) {
    it(`CL-07 does not change ${what}`, async () => {
      const stored = () =>
        everyTenant(stand.database, (trx) =>
          trx('clients').where({ client_id: id }).first('metadata', 'is_first_party', 'organization_id'),
        );
      const before = await stored();
      expect(before).to.not.equal(undefined);
      expect(await put(id, over)).to.be.oneOf([400, 403, 404, 409]);
      expect(await stored()).to.deep.equal(before);
    });
  }

  it('CL-07 takes an organization that is not there for a mistake', async () => {
    const nowhere = uuidv7(new Date());
    const answers = [
      await root('POST', '/clients', { ...web, organization_id: nowhere }),
      await root('PUT', '/clients/of-nobody', { ...web, organization_id: nowhere }, { 'if-match': '*' }),
    ];
    for (const { status, json } of answers) {
      expect(status).to.equal(400);
      expect(json.errors[0].path).to.equal('/organization_id');
    }
  });

  it('CL-07 neither sees, makes, rotates nor removes what is not his', async () => {
    const { json: list } = await manager('GET', '/clients');
    expect(list.items.map(({ id }: { id: string }) => id)).to.deep.equal(['of-acme']);
    expect((await manager('GET', '/clients/of-other')).status).to.equal(404);
    expect((await manager('POST', '/clients', { ...web, organization_id: other })).status).to.be.oneOf([403, 404]);
    expect((await manager('POST', '/clients', web)).status).to.be.oneOf([400, 403]);
    expect((await manager('POST', '/clients/of-other/secrets', {})).status).to.be.oneOf([403, 404]);
    expect((await manager('DELETE', '/clients/of-other')).status).to.be.oneOf([403, 404]);
    const kept = everyTenant(stand.database, (trx) => trx('clients').where({ client_id: 'of-other' }).first('client_id'));
    expect(await kept).to.not.equal(undefined);
  });
});
