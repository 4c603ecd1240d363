import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Knex } from 'knex';
import { uuidv7 } from '../../src/platform/crypto/index.ts';
import { type Database, setTenants, type TenantScope } from '../../src/platform/db/index.ts';
import { type Call, personCalls } from '../support/callers.ts';
import { openTestDatabase } from '../support/database.ts';
import { postgresAnswers } from '../support/services.ts';
import { type Stand, startStand } from '../support/stand.ts';
import { type Foreign, fixtures, foreign, home, type RouteFixture, routes, unknown } from './tenant-routes.ts';

type Row = Record<string, unknown>;
type Transaction = Parameters<typeof setTenants>[0];
const now = new Date();
const times = { created_at: now, updated_at: now };

/** Two tenants with one of everything each: `home`, whose manager asks, and `foreign`. By table, parents first. */
const rowsOf = ({
  organization,
  user,
  role,
  child,
  group,
  policy,
  rule,
  entity,
  provider,
  device,
  invitation,
  client,
  secret,
  event,
  marker,
}: Foreign): [string, Row[]][] => [
  ['organizations', [{ id: organization, name: marker, slug: marker, ...times }]],
  ['users', [{ id: user, ...times }]],
  [
    'identifiers',
    [{ id: user, user_id: user, type: 'username', value: marker, canonical: marker, is_primary: true, created_at: now }],
  ],
  ['organization_members', [{ organization_id: organization, user_id: user, created_at: now }]],
  ['roles', [role, child].map((id) => ({ id, organization_id: organization, name: `${marker} ${id.slice(-2)}`, ...times }))],
  ['role_parents', [{ role_id: child, parent_id: role }]],
  ['user_roles', [{ id: role, user_id: user, role_id: role, organization_id: organization, created_at: now }]],
  ['groups', [{ id: group, organization_id: organization, name: marker, ...times }]],
  ['group_members', [{ group_id: group, user_id: user, created_at: now }]],
  ['group_roles', [{ group_id: group, role_id: child, created_at: now }]],
  ['policies', [{ id: policy, organization_id: organization, name: marker, active_version: 1, ...times }]],
  [
    'policy_versions',
    [
      {
        policy_id: policy,
        number: 1,
        state: 'active',
        effect: 'deny',
        priority: 0,
        target: '{}',
        condition: 'true',
        created_at: now,
      },
    ],
  ],
  ['authz_entities', [{ id: entity, organization_id: organization, type: marker, entity_id: marker, updated_at: now }]],
  [
    'upstream_providers',
    [
      {
        id: provider,
        organization_id: organization,
        name: marker,
        display_name: marker,
        kind: 'github',
        client_id: marker,
        client_authentication: 'client_secret_basic',
        scopes: '[]',
        trusted_domains: '[]',
        trusts_factors: false,
        allows_sign_up: false,
        is_enabled: false,
        ...times,
      },
    ],
  ],
  [
    'invitations',
    [
      {
        id: invitation,
        email: `${marker}@example.test`,
        canonical: `${marker}@example.test`,
        organization_id: organization,
        secret_hash: marker,
        created_at: now,
        expires_at: new Date(now.getTime() + 3_600_000),
      },
    ],
  ],
  [
    'mfa_devices',
    [{ id: device, user_id: user, kind: 'totp', name: marker, state: 'pending', secret_sealed: 'x', created_at: now }],
  ],
  [
    'clients',
    [
      {
        client_id: client,
        organization_id: organization,
        name: marker,
        metadata: '{"redirect_uris":[]}',
        source: 'admin',
        ...times,
      },
    ],
  ],
  ['client_secrets', [{ id: secret, client_id: client, digest: 'x', created_at: now }]],
  [
    'resources',
    [
      {
        id: entity,
        identifier: `urn:${marker}`,
        organization_id: organization,
        name: marker,
        access_token_format: 'jwt',
        source: 'admin',
        ...times,
      },
    ],
  ],
  [
    'social_accounts',
    [
      {
        id: device,
        user_id: user,
        organization_id: organization,
        issuer: `https://${marker}.example.test`,
        subject: marker,
        provider: marker,
        created_at: now,
      },
    ],
  ],
  [
    'audit_events',
    [
      {
        id: event,
        occurred_at: now,
        type: 'group.created',
        outcome: 'success',
        actor_type: 'user',
        actor_id: user,
        organization_id: organization,
      },
    ],
  ],
  ['sod_rules', [{ id: rule, organization_id: organization, name: marker, max_held: 1, ...times }]],
  ['sod_rule_members', [role, child].map((id) => ({ rule_id: rule, role_id: id }))],
  ['sod_exceptions', [{ rule_id: rule, user_id: user, members: [], reason: marker, created_at: now }]],
];
/** Of accounts, which belong to the deployment. */
const unguarded = new Set(['users', 'identifiers', 'mfa_devices']);

const insertAll = (database: Database): Promise<void> =>
  database.transaction(async (trx) => {
    await setTenants(trx, 'all');
    for (const tenant of [home, foreign]) {
      for (const [table, rows] of rowsOf(tenant)) await trx(table).insert(rows);
      const permission = { id: tenant.permission, name: `${tenant.marker}:read:any`, created_at: now };
      await trx('permissions').insert(permission);
      await trx('role_permissions').insert({ role_id: tenant.role, permission_id: permission.id });
    }
  });

const guardedTables = [...rowsOf(home).map(([table]) => table), 'role_permissions'].filter((table) => !unguarded.has(table));

for (const engine of ['embedded', ...(postgresAnswers ? (['postgres'] as const) : [])] as const) {
  describe(`TN-05 row-level security, ${engine}`, () => {
    let database: Database;
    const within = <Result>(scope: TenantScope | undefined, work: (trx: Transaction) => Promise<Result>): Promise<Result> =>
      database.transaction(async (trx) => {
        if (scope !== undefined) await setTenants(trx, scope);
        return await work(trx);
      });
    const texts = async (trx: Knex, table: string): Promise<string> => JSON.stringify(await trx(table));
    const foreignIds = Object.values(foreign);
    const tells = (text: string): string[] => foreignIds.filter((id) => text.includes(id));

    before(async () => {
      database = await openTestDatabase(engine);
      await insertAll(database);
    });
    after(() => database?.close());

    it('TN-05 covers every table with an organization', async () => {
      const { rows } = await database.knex.raw(`
        select c.relname as name, c.relrowsecurity as guarded from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'organization_id' and not a.attisdropped
        where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not c.relispartition`);
      const open = rows.filter((row: { guarded: boolean }) => !row.guarded).map(({ name }: { name: string }) => name);
      expect(open).to.deep.equal([]);
    });

    it('TN-05 says of every table whose its rows are, and guards those of tenants', async () => {
      const written = readFileSync('docs/architecture.md', 'utf8').split('### Whose rows are whose')[1]?.split('\n##')[0] ?? '';
      const named = [...written.matchAll(/^\| (\w+) .*\|([^|]*)\|$/gm)].flatMap(([, whose = '', tables = '']) =>
        [...tables.matchAll(/`(\w+)`/g)].map(([, table = '']) => [table, whose] as const),
      );
      const { rows } = await database.knex.raw(`
        select relname as name, relrowsecurity as guarded from pg_class
        where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and not relispartition`);
      const all: { name: string; guarded: boolean }[] = rows;
      expect(named.map(([table]) => table)).to.have.members(all.map(({ name }) => name));
      const tenants = named.flatMap(([table, whose]) => (whose === 'tenant' ? [table] : []));
      expect(tenants).to.have.members(all.flatMap(({ name, guarded }) => (guarded ? [name] : [])));
      expect(guardedTables).to.include.members(tenants);
    });

    it('TN-05 shows no row of a tenant without a setting, and only one’s own with one', async () => {
      for (const table of guardedTables) {
        expect(tells(await within(undefined, (trx) => texts(trx, table))), `${table} without`).to.deep.equal([]);
        expect(tells(await within([], (trx) => texts(trx, table))), `${table} for nobody`).to.deep.equal([]);
        const own = await within([home.organization], (trx) => texts(trx, table));
        expect(tells(own), `${table} for another`).to.deep.equal([]);
        expect(own, `${table} for its own`).to.include(home.organization.slice(0, 35));
        expect(tells(await within('all', (trx) => texts(trx, table))), `${table} for all`).to.not.deep.equal([]);
      }
    });

    it('TN-05 changes and adds no row of another tenant', async () => {
      for (const [table, rows] of rowsOf(foreign).filter(([name]) => !unguarded.has(name) && name !== 'audit_events')) {
        const [row = {}] = rows;
        const { created_at: _, ...key } = row;
        const where = Object.fromEntries(Object.entries(key).filter(([name]) => name === 'id' || name.endsWith('_id')));
        expect(await within([home.organization], (trx) => trx(table).where(where).delete()), table).to.equal(0);
        const added = await within([home.organization], (trx) => trx(table).insert(row)).then(
          () => 'added',
          ({ code }: { code: string }) => code,
        );
        expect(added, table).to.equal('42501');
      }
      const updated = await within([home.organization], (trx) =>
        trx('roles').where({ id: foreign.role }).update({ name: 'mine' }),
      );
      expect(updated).to.equal(0);
      const moved = await within([home.organization], (trx) =>
        trx('roles').where({ id: home.child }).update({ organization_id: foreign.organization }),
      ).catch(({ code }: { code: string }) => code);
      expect(moved, 'given away').to.equal('42501');
    });

    it('TN-05 AU-02 takes events of anybody into the log, which nobody reads but the tenant and the deployment', async () => {
      const row = { occurred_at: now, type: 'group.created', outcome: 'success', actor_type: 'system' };
      const added = { ...row, id: uuidv7(now), organization_id: foreign.organization };
      await within([home.organization], (trx) => trx('audit_events').insert(added));
      const own = { ...row, id: uuidv7(now), organization_id: null };
      await within(undefined, (trx) => trx('audit_events').insert(own));
      const seen = async (scope: TenantScope | undefined): Promise<string[]> =>
        within(scope, (trx) => trx('audit_events').whereIn('id', [added.id, own.id]).pluck('id'));
      expect(await seen([home.organization])).to.deep.equal([]);
      expect(await seen([foreign.organization])).to.deep.equal([added.id]);
      expect(await seen(undefined)).to.deep.equal([own.id]);
      expect(await seen('all')).to.have.members([added.id, own.id]);
      const partition = `audit_events_${now.toISOString().slice(0, 7).replace('-', '_')}`;
      expect(await within('all', (trx) => trx(partition).pluck('id'))).to.deep.equal([]);
    });

    it('TN-05 forgets the setting with the transaction, also after an error', async () => {
      const failing = (trx: Transaction) => trx.raw('select 1 / 0');
      for (let round = 0; round < 8; round += 1) {
        await within('all', round % 2 === 0 ? failing : (trx) => trx.raw('select 1')).catch(() => undefined);
      }
      const readers = Array.from({ length: 8 }, () => within(undefined, (trx) => texts(trx, 'roles')));
      for (const text of await Promise.all(readers)) expect(tells(text)).to.deep.equal([]);
    });
  });
}

describe('TN-01 TN-02 TN-03 TN-04 every route, as the manager of another tenant', () => {
  let stand: Stand;
  let manager: Call;
  const root = { email: 'root@example.test', password: 'correct horse battery staple' };
  const ann = { email: 'ann@example.test', password: 'correct horse battery staple' };

  const everything = (): Promise<string> =>
    stand.database.transaction(async (trx) => {
      await setTenants(trx, 'all');
      const tables = [
        ...rowsOf(foreign).flatMap(([table]) => (table === 'audit_events' ? [] : [table])),
        'sessions',
        'signing_keys',
      ];
      const texts: string[] = [];
      for (const table of tables) {
        const { rows } = await trx.raw(
          `select coalesce(json_agg(to_jsonb(t) - 'last_seen_at' order by t::text), '[]') as all from ${table} t`,
        );
        texts.push(
          `${table} ${JSON.stringify(rows[0].all.filter((row: Row) => JSON.stringify(row).includes(foreign.marker) || Object.values(foreign).some((id) => JSON.stringify(row).includes(id))))}`,
        );
      }
      return texts.join('\n');
    });

  before(async function () {
    this.timeout(120_000);
    stand = await startStand({
      env: { BOOTSTRAP_ADMIN_EMAIL: root.email, BOOTSTRAP_ADMIN_PASSWORD: root.password },
      bootstrap: { users: [{ ...ann, email_verified: true }] },
    });
    await insertAll(stand.database);
    await stand.database.transaction(async (trx) => {
      await setTenants(trx, 'all');
      const { user_id: userId } = await trx('identifiers').where({ value: ann.email }).first('user_id');
      await trx('organization_members').insert({ organization_id: home.organization, user_id: userId, created_at: now });
      await trx('sessions').insert({
        id: foreign.session,
        user_id: foreign.user,
        session_uid: foreign.marker,
        authenticated_at: now,
        created_at: now,
        last_seen_at: now,
        expires_at: new Date(now.getTime() + 3_600_000),
      });
    });
    const asRoot = await personCalls(stand, root.email, root.password);
    const { json } = await asRoot('GET', `/rbac/roles/SUPER_ADMIN`);
    const { user_id: userId } = await stand.database.knex('identifiers').where({ value: ann.email }).first('user_id');
    const given = await asRoot('POST', `/rbac/users/${userId}/roles`, { role: json.id, organizationId: home.organization });
    expect(given.status, JSON.stringify(given.json)).to.equal(201);
    manager = await personCalls(stand, ann.email, ann.password);
  });
  after(() => stand?.close());

  const call = (key: string, { params = {}, query = '', body }: RouteFixture, tenant: Foreign) => {
    const [method = '', pattern = ''] = key.split(' ');
    const fill = (_: string, name: string): string => encodeURIComponent(params[name]?.(tenant) ?? '');
    const path = pattern.replace(/:(\w+)/g, fill);
    const text = body && JSON.stringify(body(tenant));
    return send(method, `${path}${typeof query === 'string' ? query : query(tenant)}`, text);
  };
  /** Those of routes that this build has. */
  const present = (): [string, RouteFixture][] => {
    const all = new Set(routes(stand.app.rooms.http.rows));
    return Object.entries(fixtures).filter(([key]) => all.has(key));
  };
  /** Beyond `/api/v1` too. */
  const send = async (method: string, path: string, body: string | undefined) => {
    const prefix = path.startsWith('/api/v1') ? '' : '/../..';
    const target = prefix === '' ? path.slice('/api/v1'.length) : `${prefix}${path}`;
    return await manager(method, target, body === undefined ? undefined : JSON.parse(body), { 'if-match': '*' });
  };
  /** What an answer says, but for the ids that were asked for and the id of the request. */
  const saying = (json: Row | undefined, tenant: Foreign): string => {
    const { correlationId: _, ...rest } = json ?? {};
    return Object.entries(tenant).reduce((text, [name, id]) => text.replaceAll(id, `<${name}>`), JSON.stringify(rest));
  };

  it('TN-01 has a fixture for every route that may name something', () => {
    const all = routes(stand.app.rooms.http.rows);
    expect(
      all.filter((key) => !(key in fixtures)),
      'say in test/authz/tenant-routes.ts how a stranger would call it',
    ).to.deep.equal([]);
  });

  it('TN-01 TN-04 answers about what is another tenant’s as about what is not there, and does nothing', async () => {
    const before = await everything();
    for (const [key, fixture] of present()) {
      if (fixture.expect === 'list' || fixture.expect === 'own') continue;
      const answer = await call(key, fixture, foreign);
      const about = `${key} ${JSON.stringify(answer.json)}`;
      expect(answer.status, about).to.be.oneOf(fixture.expect === 'refused' ? [403] : [400, 403, 404]);
      if (fixture.expect === 'refused') continue;
      const nothing = await call(key, fixture, unknown);
      expect(answer.status, about).to.equal(nothing.status);
      expect(saying(answer.json, foreign), key).to.equal(saying(nothing.json, unknown));
    }
    expect(await everything(), 'nothing has changed').to.equal(before);
  });

  it('TN-03 lists nothing that is another tenant’s', async () => {
    for (const [key, fixture] of present()) {
      if (fixture.expect !== 'list') continue;
      const { status, json } = await call(key, fixture, foreign);
      expect(status, `${key} ${JSON.stringify(json)}`).to.be.oneOf([200, 201]);
      const text = JSON.stringify(json);
      const asked = JSON.stringify(fixture.body?.(foreign) ?? '');
      const told = Object.values(foreign).filter((id) => text.includes(id) && !asked.includes(id));
      expect(told, `${key} ${text}`).to.deep.equal([]);
    }
  });

  it('TN-03 pages through who holds a role of all, past those it does not show', async () => {
    const role = '01890000-0000-7000-8000-00000000f001';
    const { user_id: rootId } = await stand.database.knex('identifiers').where({ value: root.email }).first('user_id');
    await stand.database.transaction(async (trx) => {
      await setTenants(trx, 'all');
      await trx('roles').insert({ id: role, name: 'of all', ...times });
      const rows = [foreign.user, rootId, home.user].map((userId, index) => ({
        id: `01890000-0000-7000-8000-00000000f01${index}`,
        user_id: userId,
        role_id: role,
        created_at: now,
      }));
      await trx('user_roles').insert(rows);
    });
    const { json } = await manager('GET', `/rbac/roles/${role}/members?limit=1`);
    expect(json.items.map(({ userId }: Row) => userId)).to.deep.equal([home.user]);
    expect(json.nextCursor).to.equal(null);
  });

  it('TN-04 binds nothing of another tenant to one’s own', async () => {
    const before = await everything();
    const reaching = (of: Foreign): [string, string, unknown][] => [
      ['POST', `/rbac/users/${home.user}/roles`, { role: of.role }],
      ['POST', `/rbac/roles/${home.child}/members`, { userIds: [home.user, of.user] }],
      ['POST', `/rbac/groups/${home.group}/roles`, { role: of.role }],
      ['PUT', `/rbac/roles/${home.child}`, { name: 'alfa', parents: [of.role] }],
      ['POST', '/rbac/sod-rules', { name: 'Both', roles: [home.role, of.role] }],
      ['PUT', `/rbac/sod-rules/${home.rule}`, { name: 'Both', roles: [home.role, of.role] }],
      ['PUT', '/authz/entities', { entities: [{ type: 'letter', id: '1', userId: of.user }] }],
    ];
    const [ours, theirs] = [reaching(unknown), reaching(foreign)];
    for (const [index, [method, path, body]] of theirs.entries()) {
      const answer = await manager(method, path, body, { 'if-match': '*' });
      const nothing = await manager(method, path, ours[index]?.[2], { 'if-match': '*' });
      expect(answer.status, `${method} ${path} ${JSON.stringify(answer.json)}`).to.be.oneOf([400, 404]);
      expect(saying(answer.json, foreign), `${method} ${path}`).to.equal(saying(nothing.json, unknown));
    }
    expect(await everything()).to.equal(before);
  });

  it('TN-02 goes by membership, whatever a header or a query says', async () => {
    const said = {
      'x-organization-id': foreign.organization,
      'x-tenant-id': foreign.organization,
      'x-forwarded-host': foreign.marker,
    };
    const lists = ['/rbac/roles', '/identity/users', '/identity/groups', '/identity/organizations', '/clients', '/audit/events'];
    for (const path of lists) {
      const { status, json } = await manager('GET', `${path}?limit=100`, undefined, said);
      expect(status, path).to.equal(200);
      const text = JSON.stringify(json.items);
      expect(
        Object.values(foreign).filter((id) => text.includes(id)),
        path,
      ).to.deep.equal([]);
      expect(text, path).to.include(home.organization.slice(0, 35));
    }
    for (const path of ['/identity/users', '/identity/groups']) {
      const { status, json } = await manager('GET', `${path}?organizationId=${foreign.organization}`, undefined, said);
      expect(status === 404 || json.items.length === 0, path).to.equal(true);
    }
  });

  it('TN-02 lets its manager do the same at home, so that the refusals are for the tenant', async () => {
    const seen: [string, string][] = [
      ['GET', `/rbac/roles/${home.role}`],
      ['GET', `/rbac/users/${home.user}/roles`],
      ['GET', `/rbac/users/${home.user}/effective`],
      ['GET', `/rbac/groups/${home.group}/roles`],
      ['GET', `/rbac/sod-rules/${home.rule}`],
      ['GET', `/authz/policies/${home.policy}`],
      ['GET', `/clients/${home.client}`],
    ];
    for (const [method, path] of seen) expect((await manager(method, path)).status, path).to.equal(200);
    const given = await manager('POST', `/rbac/users/${home.user}/roles`, { role: home.child });
    expect(given.status).to.equal(201);
    expect(given.json.organizationId).to.equal(home.organization);
    const elsewhere = await manager('POST', `/rbac/users/${home.user}/roles`, {
      role: home.role,
      organizationId: foreign.organization,
    });
    expect(elsewhere.json.type).to.equal('urn:castellan:error:organization_not_found');
    const header = { 'x-organization-id': foreign.organization };
    expect((await manager('GET', `/rbac/roles/${foreign.role}`, undefined, header)).status).to.equal(404);
    const { json } = await manager('GET', '/audit/events?type=rbac.role_assigned');
    expect(json.items.map(({ organizationId }: { organizationId: string }) => organizationId)).to.include(home.organization);
  });

  it('TN-03 tells of a person of two tenants only what is held in one’s own and everywhere', async () => {
    await stand.database.transaction(async (trx) => {
      await setTenants(trx, 'all');
      const { organization, role } = foreign;
      const member = { user_id: home.user, created_at: now };
      await trx('organization_members').insert({ ...member, organization_id: organization });
      await trx('user_roles').insert([
        { ...member, id: foreign.device, organization_id: organization, role_id: role },
        { ...member, id: foreign.event, organization_id: organization, role_id: role, is_eligible: true },
      ]);
      await trx('group_members').insert({ ...member, group_id: foreign.group });
    });
    await stand.app.rooms.foundation.caches.invalidate([`user:${home.user}`]);
    const everywhere = await stand.app.rooms.authz.entitlementsOf(home.user);
    expect(
      everywhere.organizations.map(({ id }) => id),
      'it is there',
    ).to.include(foreign.organization);
    const attributes = { organizationId: foreign.organization };
    const asked = { subject: { id: home.user }, action: 'read', explain: true };
    const answers = [
      await manager('GET', `/rbac/users/${home.user}/effective`),
      await manager('GET', `/rbac/users/${home.user}/roles`),
      await manager('GET', '/rbac/sod-rules/conflicts'),
      await manager('POST', '/authz/check', { ...asked, resource: { type: foreign.marker } }),
      await manager('POST', '/authz/check', { ...asked, resource: { type: foreign.marker, attributes } }),
      await manager('POST', '/authz/filter', { subject: { id: home.user }, action: 'read', resource: { type: foreign.marker } }),
    ];
    for (const { status, json } of answers) {
      expect(status, JSON.stringify(json)).to.equal(200);
      const text = JSON.stringify(json).replaceAll(`${foreign.marker}:read:any`, '');
      expect(
        Object.values(foreign).filter((id) => text.includes(id)),
        text,
      ).to.deep.equal([]);
    }
  });
});
