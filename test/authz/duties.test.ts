import { expect } from 'chai';
import { type Authz, createAuthz } from '../../src/authz/index.ts';
import { type Database, openDatabase, setTenants } from '../../src/platform/db/index.ts';
import { type Call, personCalls } from '../support/callers.ts';
import { postgresCopy, type TestLocation } from '../support/database.ts';
import { describeWith } from '../support/services.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'correct horse battery staple';
const root = { email: 'root@example.test', password };
const uuid = (tail: string): string => `01890000-0000-7000-8000-${tail.padStart(12, '0')}`;
const organization = { north: uuid('a1'), south: uuid('a2') };
const group = { desk: uuid('b1'), floor: uuid('b2'), house: uuid('b3') };
const names = ['ada', 'bob', 'cyd', 'dan', 'eve', 'fay'] as const;
const system = { actor: { type: 'system' }, scope: 'all' } as const;
const hour = 3_600_000;
const inHours = (hours: number): string => new Date(Date.now() + hours * hour).toISOString();

describe('Z7 separation of duties', () => {
  let stand: Stand;
  let asRoot: Call;
  const ids = {} as Record<(typeof names)[number] | 'root', string>;
  let ruleId: string;

  const user = (name: keyof typeof ids): string => `/rbac/users/${ids[name]}`;
  const give = (name: keyof typeof ids, role: string, more: object = {}) =>
    asRoot('POST', `${user(name)}/roles`, { role, ...more });
  const take = (name: keyof typeof ids, role: string) => asRoot('DELETE', `${user(name)}/roles/${role}`);
  const rolesOf = async (name: keyof typeof ids): Promise<string[]> =>
    (await asRoot('GET', `${user(name)}/roles`)).json.items.map(({ role }: { role: { name: string } }) => role.name);
  const conflicts = async (query = ''): Promise<{ items: { userId: string }[]; nextCursor: string | null }> =>
    (await asRoot('GET', `/rbac/sod-rules/conflicts${query}`)).json;
  const makeRole = async (name: string, permissions: string[], more: object = {}): Promise<string> => {
    const { status, json } = await asRoot('POST', '/rbac/roles', { name, permissions, createPermissions: true, ...more });
    expect(status, JSON.stringify(json)).to.equal(201);
    return json.id;
  };
  const replaceRole = async (name: string, body: object) => {
    const etag = (await asRoot('GET', `/rbac/roles/${name}`)).headers.get('etag') ?? '';
    return await asRoot('PUT', `/rbac/roles/${name}`, { name, ...body }, { 'if-match': etag });
  };
  const expectConflict = ({ status, json }: { status: number; json: { type: string } }, text = ''): void => {
    expect(status, `${text} ${JSON.stringify(json)}`).to.equal(409);
    expect(json.type, text).to.equal('urn:castellan:error:duties_conflict');
  };
  /** As a room does that has tables of its own. */
  const elsewhere = (changed: { userIds?: string[]; groupIds?: string[] }, sql: string, values: string[]): Promise<string> =>
    stand.database
      .transaction((trx) => stand.app.rooms.authz.change(trx, system, changed, () => trx.raw(sql, values)))
      .then(
        () => 'done',
        ({ code }: { code: string }) => code,
      );
  const join = (groupId: string, userId: string) =>
    elsewhere({ userIds: [userId] }, 'insert into group_members values (?, ?, ?, now())', [groupId, userId, 'member']);
  const leave = (groupId: string, userId: string) =>
    elsewhere({ userIds: [userId] }, 'delete from group_members where group_id = ? and user_id = ?', [groupId, userId]);

  before(async function () {
    this.timeout(120_000);
    const users = names.map((name) => ({ email: `${name}@example.test`, password, email_verified: true }));
    stand = await startStand({
      env: { BOOTSTRAP_ADMIN_EMAIL: root.email, BOOTSTRAP_ADMIN_PASSWORD: root.password },
      bootstrap: { users: users.map((one, index) => ({ ...one, ...(index === 0 ? { roles: ['ADMIN'] } : {}) })) },
    });
    const { knex } = stand.database;
    for (const name of ['root', ...names] as const) {
      ids[name] = (
        await knex('identifiers')
          .where({ value: `${name}@example.test` })
          .first('user_id')
      ).user_id;
    }
    const now = new Date();
    await knex('organizations').insert(
      Object.entries(organization).map(([name, id]) => ({ id, name, slug: name, created_at: now, updated_at: now })),
    );
    const members = Object.values(organization).flatMap((id) =>
      (['cyd', 'fay'] as const).map((name) => ({ organization_id: id, user_id: ids[name], created_at: now })),
    );
    await stand.database.transaction((trx) => setTenants(trx, 'all').then(() => trx('organization_members').insert(members)));
    await knex('groups').insert([
      { id: group.house, name: 'House', created_at: now, updated_at: now },
      { id: group.floor, name: 'Floor', parent_id: group.house, created_at: now, updated_at: now },
      { id: group.desk, name: 'Desk', created_at: now, updated_at: now },
    ]);
    asRoot = await personCalls(stand, root.email, password);
    await makeRole('payer', ['payments:create:any']);
    await makeRole('approver', ['payments:approve:any']);
    await makeRole('clerk', ['letters:read:any']);
    const made = await asRoot('POST', '/rbac/sod-rules', { name: 'Four eyes', roles: ['payer', 'approver'] });
    expect(made.status, JSON.stringify(made.json)).to.equal(201);
    ruleId = made.json.id;
  });
  after(() => stand?.close());

  it('Z7 declares, reads, replaces and removes a rule', async () => {
    const body = { name: 'Books', roles: ['clerk', 'payer'], permissions: ['payments:approve:own'], maxHeld: 2 };
    const made = await asRoot('POST', '/rbac/sod-rules', body);
    expect(made.status).to.equal(201);
    expect(made.json.roles.map(({ name }: { name: string }) => name)).to.deep.equal(['clerk', 'payer']);
    expect(made.json).to.deep.include({ permissions: ['payments:approve:own'], maxHeld: 2, organizationId: null });
    expect((await asRoot('POST', '/rbac/sod-rules', body)).json.type).to.equal('urn:castellan:error:sod_rule_exists');
    const path = `/rbac/sod-rules/${made.json.id}`;
    const etag = { 'if-match': made.headers.get('etag') ?? '' };
    const next = { name: 'Books', roles: ['clerk', 'approver'] };
    expect((await asRoot('PUT', path, next)).status).to.equal(428);
    expect((await asRoot('PUT', path, { ...next, name: 'Four eyes' }, etag)).status).to.equal(409);
    expect((await asRoot('PUT', path, next, etag)).json).to.deep.include({ maxHeld: 1, permissions: [] });
    expect((await asRoot('PUT', path, next, etag)).status).to.equal(412);
    const listed = await asRoot('GET', '/rbac/sod-rules?limit=1');
    expect(listed.json.items[0].name).to.equal('Books');
    const rest = await asRoot('GET', `/rbac/sod-rules?cursor=${listed.json.nextCursor}`);
    expect(rest.json.items.map(({ name }: { name: string }) => name)).to.deep.equal(['Four eyes']);
    expect((await asRoot('DELETE', path)).status).to.equal(204);
    expect((await asRoot('GET', path)).json.type).to.equal('urn:castellan:error:sod_rule_not_found');
    const { json } = await asRoot('GET', `/audit/events?type=rbac.sod_rule_updated&target=${made.json.id}`);
    expect(json.items[0].after.roles).to.deep.equal(['approver', 'clerk']);
  });

  it('Z7 refuses a rule that says nothing or names what is not there', async () => {
    const wrong: [object, number, string | undefined][] = [
      [{ name: 'One', roles: ['payer'] }, 400, '/maxHeld'],
      [{ name: 'All', roles: ['payer', 'approver'], maxHeld: 2 }, 400, '/maxHeld'],
      [{ name: 'Nobody', roles: ['payer', 'nothing'] }, 400, '/roles/1'],
      [{ name: 'Unknown', permissions: ['payments:create:any', 'nothing:at:any'] }, 400, '/permissions/1'],
      [{ name: 'Shape', permissions: ['payments'] }, 400, '/permissions/0'],
      [{ name: 'More', roles: ['payer', 'approver'], severity: 'high' }, 400, '/severity'],
      [{ name: 'Where', roles: ['payer', 'approver'], organizationId: uuid('ff') }, 404, undefined],
    ];
    for (const [body, status, path] of wrong) {
      const answer = await asRoot('POST', '/rbac/sod-rules', body);
      expect(answer.status, JSON.stringify(body)).to.equal(status);
      expect(answer.json.errors?.[0]?.path, JSON.stringify(body)).to.equal(path);
    }
  });

  it('AZ-11 refuses the second of two roles and names rule, rights and paths', async () => {
    expect((await give('bob', 'payer')).status).to.equal(201);
    const refused = await give('bob', 'approver');
    expectConflict(refused);
    const [conflict] = refused.json.conflicts;
    expect(refused.json.conflictCount).to.equal(1);
    expect(conflict.rule).to.deep.equal({ id: ruleId, name: 'Four eyes' });
    expect(conflict.userId).to.equal(ids.bob);
    const ways = conflict.holdings.map(({ member, kind, rolePath }: Record<string, unknown>) => ({ member, kind, rolePath }));
    expect(ways).to.have.deep.members(['payer', 'approver'].map((member) => ({ member, kind: 'role', rolePath: [member] })));
    expect(await rolesOf('bob')).to.deep.equal(['payer']);
    expect((await give('bob', 'clerk')).status, 'what the rule does not name').to.equal(201);
    expect((await conflicts()).items).to.deep.equal([]);
  });

  it('AZ-11 sees the second right by whatever path it comes', async () => {
    // Bob holds payer by now. Each of these would bring him approver.
    await makeRole('chief', [], { parents: ['approver'] });
    expectConflict(await give('bob', 'chief'), 'inheritance');
    const many = await asRoot('POST', '/rbac/roles/approver/members', { userIds: [ids.dan, ids.bob] });
    expectConflict(many, 'many at once');
    expect(await rolesOf('dan'), 'none of them').to.deep.equal([]);
    expectConflict(
      await replaceRole('clerk', { permissions: ['letters:read:any'], parents: ['chief'] }),
      'parents of a role held',
    );

    expect(await join(group.floor, ids.bob)).to.equal('done');
    expectConflict(await asRoot('POST', `/rbac/groups/${group.floor}/roles`, { role: 'approver' }), 'role of a group');
    const above = await asRoot('POST', `/rbac/groups/${group.house}/roles`, { role: 'chief' });
    expectConflict(above, 'role of a group above');
    const byGroup = above.json.conflicts[0].holdings.find(({ kind }: { kind: string }) => kind === 'group');
    expect(byGroup).to.deep.include({ groupPath: ['Floor', 'House'], rolePath: ['chief', 'approver'], ref: group.house });

    expect((await asRoot('POST', `/rbac/groups/${group.desk}/roles`, { role: 'approver' })).status).to.equal(201);
    expect(await join(group.desk, ids.bob), 'membership').to.equal('duties_conflict');
    const nest = ['update groups set parent_id = ? where id = ?', [group.desk, group.house]] as const;
    expect(await elsewhere({ groupIds: [group.house] }, nest[0], [...nest[1]]), 'nesting').to.equal('duties_conflict');
    expect(await stand.database.knex('group_members').where({ user_id: ids.bob })).to.have.length(1);
    expect(await leave(group.floor, ids.bob)).to.equal('done');
    expect((await asRoot('DELETE', `/rbac/groups/${group.desk}/roles/approver`)).status).to.equal(204);
    expect((await conflicts()).items).to.deep.equal([]);
  });

  it('AZ-11 keeps permissions apart, whether by role, directly or under a wildcard', async () => {
    const permissions = ['payments:create:own', 'payments:approve:own'];
    const { json: rule } = await asRoot('POST', '/rbac/sod-rules', { name: 'Rights', permissions });
    expectConflict(await asRoot('POST', `${user('bob')}/permissions`, { permission: 'payments:approve:own' }), 'direct');
    expectConflict(await asRoot('POST', `${user('bob')}/permissions`, { permission: 'payments:*:any' }), 'wildcard');
    expectConflict(await replaceRole('clerk', { permissions: ['payments:approve:group'] }), 'permissions of a role held');
    expectConflict(await give('dan', 'SUPER_ADMIN'), 'both at once');
    const deny = { permission: 'payments:approve:own', effect: 'deny' };
    expect((await asRoot('POST', `${user('bob')}/permissions`, deny)).status, 'a deny gives nothing').to.equal(201);
    expect((await asRoot('DELETE', `${user('bob')}/permissions/payments:approve:own`)).status).to.equal(204);
    const everybody = (await conflicts(`?ruleId=${rule.id}`)).items.map(({ userId }) => userId);
    expect(everybody, 'who held both before').to.deep.equal([ids.root]);
    expect((await asRoot('DELETE', `/rbac/sod-rules/${rule.id}`)).status).to.equal(204);
  });

  it('AZ-11 AZ-06 lets windows follow each other but not overlap', async () => {
    expect((await give('dan', 'payer', { startsAt: inHours(1), expiresAt: inHours(2) })).status).to.equal(201);
    expect((await give('dan', 'approver', { startsAt: inHours(2.1), expiresAt: inHours(3) })).status).to.equal(201);
    const overlapping = await give('dan', 'payer', { startsAt: inHours(2.9) });
    expectConflict(overlapping);
    expect(new Date(overlapping.json.conflicts[0].from).getTime()).to.be.closeTo(Date.now() + 2.9 * hour, hour / 20);
    expectConflict(await give('dan', 'approver', { expiresAt: inHours(1.5) }));
    expect((await give('dan', 'approver', { eligible: true })).status, 'eligible confers nothing').to.equal(201);
    for (const role of ['payer', 'approver']) expect((await take('dan', role)).status).to.equal(204);
  });

  it('AZ-11 counts what is denied, and what a deactivated account holds: their return is no way around', async () => {
    expect((await give('dan', 'payer')).status).to.equal(201);
    const deny = { permission: 'payments:*:any', effect: 'deny' };
    expect((await asRoot('POST', `${user('dan')}/permissions`, deny)).status).to.equal(201);
    expectConflict(await give('dan', 'approver'), 'denied');
    expect((await asRoot('DELETE', `${user('dan')}/permissions/payments:*:any`)).status).to.equal(204);
    expect((await asRoot('POST', `/identity/users/${ids.dan}/deactivate`, {})).status).to.equal(200);
    expectConflict(await give('dan', 'approver'), 'deactivated');
    expect((await asRoot('POST', `/identity/users/${ids.dan}/reactivate`, {})).status).to.equal(200);
    expect(await rolesOf('dan')).to.deep.equal(['payer']);
    expect((await take('dan', 'payer')).status).to.equal(204);
  });

  it('Z7 overrides with a reason, by who may and never for oneself, and says so in the log and the report', async () => {
    await makeRole('assigner', ['role:assign:any', 'role:read:any', 'payments:create:any', 'payments:approve:any']);
    await give('eve', 'assigner');
    const asEve = await personCalls(stand, 'eve@example.test', password);
    const override = { reason: 'Holiday cover until May' };
    const body = { role: 'approver', override };
    const without = await asEve('POST', `${user('bob')}/roles`, body);
    expect(without.json.type).to.equal('urn:castellan:error:duties_override_refused');
    expect((await asRoot('POST', `${user('bob')}/roles`, { ...body, override: {} })).json.errors[0].path).to.equal(
      '/override/reason',
    );
    expect((await asRoot('POST', `${user('root')}/roles`, { role: 'payer' })).status).to.equal(201);
    const own = await asRoot('POST', `${user('root')}/roles`, body);
    expect(own.json.type, 'for oneself').to.equal('urn:castellan:error:duties_override_refused');
    expect((await take('root', 'payer')).status).to.equal(204);

    expect((await asRoot('POST', `${user('bob')}/roles`, body)).status).to.equal(201);
    const events = await asRoot('GET', `/audit/events?type=rbac.sod_overridden&target=${ruleId}`);
    expect(events.json.items[0]).to.deep.include({ reason: override.reason, actor: { type: 'user', id: ids.root } });
    const { items } = (await asRoot('GET', `/rbac/sod-rules/conflicts?userId=${ids.bob}`)).json;
    expect(items).to.have.length(1);
    expect(items[0].accepted).to.deep.include({ reason: override.reason, grantedBy: ids.root });
    expect((await give('bob', 'assigner')).status, 'no conflict of its own').to.equal(201);
    for (const role of ['approver', 'assigner']) expect((await take('bob', role)).status).to.equal(204);
    expectConflict(await give('bob', 'approver'), 'once is not for ever');
    expect((await take('eve', 'assigner')).status).to.equal(204);
  });

  it('Z7 locks no operator out: what the command line gives passes the rule over and says so', async () => {
    await give('eve', 'payer');
    await stand.database.transaction((trx) => stand.app.rooms.authz.assignAsSystem(trx, ids.eve, 'approver'));
    expect(await rolesOf('eve')).to.deep.equal(['payer', 'approver']);
    const { json } = await asRoot('GET', `/audit/events?type=rbac.sod_overridden&target=${ids.eve}`);
    expect(json.items[0]).to.deep.include({ actor: { type: 'system', id: null }, reason: 'by the operator' });
    for (const role of ['payer', 'approver']) expect((await take('eve', role)).status).to.equal(204);
  });

  it('Z7 reports what was there before the rule, in pages, with paths', async () => {
    for (const name of ['cyd', 'dan', 'eve'] as const) {
      for (const role of ['clerk', 'MANAGER']) expect((await give(name, role)).status).to.equal(201);
    }
    const { json: rule } = await asRoot('POST', '/rbac/sod-rules', { name: 'Late', roles: ['clerk', 'MANAGER'] });
    expect((await give('cyd', 'payer')).status, 'another change is not refused for it').to.equal(201);
    const seen: string[] = [];
    let cursor = '';
    for (let page = 0; page < 4; page += 1) {
      const { items, nextCursor } = await conflicts(`?ruleId=${rule.id}&limit=1${cursor}`);
      seen.push(...items.map(({ userId }) => userId));
      if (nextCursor === null) break;
      cursor = `&cursor=${nextCursor}`;
    }
    expect(seen).to.deep.equal([ids.cyd, ids.dan, ids.eve].sort());
    const asEve = await personCalls(stand, 'fay@example.test', password);
    expect((await asEve('GET', '/rbac/sod-rules/conflicts')).status).to.equal(403);
    expect((await asRoot('GET', '/rbac/sod-rules/conflicts?cursor=nonsense')).status).to.equal(400);
    expect((await asRoot('DELETE', `/rbac/sod-rules/${rule.id}`)).status).to.equal(204);
    for (const name of ['cyd', 'dan', 'eve'] as const) for (const role of ['clerk', 'MANAGER']) await take(name, role);
    await take('cyd', 'payer');
  });

  it('AZ-11 TN-02 counts rights of one organization together with those of everywhere, not with another organization’s', async () => {
    const there = (organizationId: string) => ({ organizationId });
    expect((await give('cyd', 'payer', there(organization.north))).status).to.equal(201);
    expect((await give('cyd', 'approver', there(organization.south))).status).to.equal(201);
    expectConflict(await give('cyd', 'approver', there(organization.north)), 'the same organization');
    expectConflict(await give('cyd', 'approver'), 'everywhere');
    const own = { name: 'North only', roles: ['clerk', 'MODERATOR'], organizationId: organization.north };
    const { json: rule } = await asRoot('POST', '/rbac/sod-rules', own);
    expect((await give('cyd', 'clerk', there(organization.north))).status).to.equal(201);
    expectConflict(await give('cyd', 'MODERATOR'), 'a member of it');
    expect((await give('cyd', 'MODERATOR', there(organization.south))).status).to.equal(201);
    expect((await give('dan', 'clerk')).status).to.equal(201);
    expect((await give('dan', 'MODERATOR')).status, 'no member of it').to.equal(201);

    // Fay administers South: the rule of North is not there for her, what all must keep to is not hers to change.
    expect((await give('fay', 'ADMIN', there(organization.south))).status).to.equal(201);
    const asFay = await personCalls(stand, 'fay@example.test', password);
    const listed = await asFay('GET', '/rbac/sod-rules');
    expect(listed.json.items.map(({ name }: { name: string }) => name)).to.deep.equal(['Four eyes']);
    expect((await asFay('GET', `/rbac/sod-rules/${rule.id}`)).status).to.equal(404);
    expect((await asFay('DELETE', `/rbac/sod-rules/${ruleId}`)).json.type).to.equal('urn:castellan:error:sod_rule_not_yours');
    const made = await asFay('POST', '/rbac/sod-rules', { name: 'Ours', roles: ['clerk', 'MODERATOR'] });
    expect(made.json.organizationId).to.equal(organization.south);
    expect((await asFay('POST', '/rbac/sod-rules', { ...own, name: 'Theirs' })).status).to.equal(404);
    expect((await give('cyd', 'clerk')).status, 'meets MODERATOR of South').to.equal(409);
    for (const id of [rule.id, made.json.id]) await asRoot('DELETE', `/rbac/sod-rules/${id}`);
  });
});

describeWith(['postgres'], 'AZ-11 two replicas', () => {
  let location: TestLocation;
  const databases: Database[] = [];
  const replicas: Authz[] = [];
  const roles = [uuid('c1'), uuid('c2')];

  before(async () => {
    location = await postgresCopy();
    for (let index = 0; index < 2; index += 1) {
      const database = await openDatabase({ ...location, poolMax: 4, migrate: false });
      databases.push(database);
      const nothing = async (): Promise<void> => undefined;
      const replica = createAuthz({
        database,
        clock: { now: () => new Date() },
        caches: {
          cache: () => ({ get: async (_key, load) => (await load())?.value }),
          invalidate: nothing,
        },
        audit: () => ({ record: nothing }),
        buffer: { note: () => undefined },
        issuer: 'http://localhost',
        idOfLogin: async () => undefined,
      });
      replicas.push(replica);
    }
    const now = new Date();
    const [database] = databases;
    await database?.knex('roles').insert(roles.map((id) => ({ id, name: id, created_at: now, updated_at: now })));
    await database?.knex('sod_rules').insert({ id: uuid('d1'), name: 'Race', max_held: 1, created_at: now, updated_at: now });
    await database?.knex('sod_rule_members').insert(roles.map((id) => ({ rule_id: uuid('d1'), role_id: id })));
  });
  after(async () => {
    for (const database of databases) await database.close();
    await location?.remove();
  });

  it('AZ-11 never both give one half of a conflict, however close', async () => {
    const grant = (index: number, userId: string, id: string): Promise<string> => {
      const [database, replica] = [databases[index] as Database, replicas[index] as Authz];
      const row = { id, user_id: userId, role_id: roles[index], created_at: new Date() };
      const insert = (trx: Parameters<Authz['change']>[0]) =>
        replica.change(trx, system, { userIds: [userId] }, () => trx('user_roles').insert(row));
      return database.transaction(insert).then(
        () => 'done',
        ({ code }: { code: string }) => code,
      );
    };
    for (let round = 0; round < 20; round += 1) {
      const userId = uuid(`e${round + 10}`);
      await databases[0]?.knex('users').insert({ id: userId, created_at: new Date(), updated_at: new Date() });
      const outcomes = await Promise.all([0, 1].map((index) => grant(index, userId, uuid(`f${round + 10}${index}`))));
      expect(outcomes.sort(), `round ${round}`).to.deep.equal(['done', 'duties_conflict']);
    }
  });
});
