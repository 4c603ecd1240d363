import { expect } from 'chai';
import { setTenants } from '../../src/platform/db/index.ts';
import { type Call, callerWith, enforcer, machineToken, personCalls } from '../support/callers.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'correct horse battery staple';
const groupId = '01890000-0000-7000-8000-0000000000aa';
const vaultId = '01890000-0000-7000-8000-0000000000ab';
const root = { email: 'root@example.test', password };

describe('Z1-Z3 roles and permissions over HTTP', () => {
  let stand: Stand;
  let superAdmin: Call;
  let admin: Call;
  let user: Call;
  const ids: Record<string, string> = {};

  const idOf = async (email: string): Promise<string> =>
    (await stand.database.knex('identifiers').where({ value: email }).first('user_id')).user_id;

  before(async function () {
    this.timeout(60_000);
    const people = ['ada', 'bob', 'cyd', 'dan'].map((name) => ({
      email: `${name}@example.test`,
      password,
      email_verified: true,
    }));
    stand = await startStand({
      env: { BOOTSTRAP_ADMIN_EMAIL: root.email, BOOTSTRAP_ADMIN_PASSWORD: root.password },
      bootstrap: {
        clients: [{ ...enforcer, scope: 'authz api' }],
        users: people.map((person, index) => ({ ...person, ...(index === 0 ? { roles: ['ADMIN'] } : {}) })),
      },
    });
    for (const name of ['root', 'ada', 'bob', 'cyd', 'dan']) ids[name] = await idOf(`${name}@example.test`);
    const now = new Date();
    const { knex } = stand.database;
    await knex('groups').insert({ id: groupId, name: 'Night shift', created_at: now, updated_at: now });
    await knex('group_members').insert({ group_id: groupId, user_id: ids.dan, created_at: now });
    const api = async (email: string): Promise<Call> => personCalls(stand, email, password);
    superAdmin = await api(root.email);
    admin = await api('ada@example.test');
    user = await api('bob@example.test');
  });
  after(() => stand?.close());

  it('Z2 has seeded roles, and every permission a route names is registered', async () => {
    const { status, json } = await superAdmin('GET', '/rbac/roles');
    expect(status).to.equal(200);
    expect(json.items.map(({ name }: { name: string }) => name)).to.include.members([
      'SUPER_ADMIN',
      'ADMIN',
      'MODERATOR',
      'MANAGER',
      'USER',
    ]);
    const response = await fetch(`${stand.issuer}/openapi.json`);
    const { paths } = (await response.json()) as { paths: Record<string, Record<string, Record<string, string>>> };
    const named = Object.values(paths)
      .flatMap((path) => Object.values(path).map((operation) => operation['x-permission']))
      .filter((permission) => permission?.includes(':'));
    expect(named).to.not.be.empty;
    const registered = new Set((await stand.database.knex('permissions').select('name')).map(({ name }) => name));
    for (const permission of named) expect(registered, permission).to.include(`${permission}:any`);
  });

  it('Z2 gives the first administrator SUPER_ADMIN, people of the bootstrap file their roles, everybody USER', async () => {
    const rolesOf = async (name: string) => (await superAdmin('GET', `/rbac/users/${ids[name]}/effective`)).json.roles;
    expect(await rolesOf('root')).to.deep.equal(['SUPER_ADMIN', 'USER']);
    expect(await rolesOf('ada')).to.deep.equal(['ADMIN', 'USER']);
    expect(await rolesOf('bob')).to.deep.equal(['USER']);
  });

  it('AZ-01 refuses a person without the permission and names it', async () => {
    const { status, json } = await user('GET', '/rbac/roles');
    expect(status).to.equal(403);
    expect(json.permission).to.equal('role:read');
    expect((await callerWith(stand, undefined)('GET', '/rbac/roles')).status).to.equal(401);
    expect((await user('GET', `/rbac/users/${ids.bob}/effective`)).status).to.equal(200);
    expect((await user('GET', `/rbac/users/${ids.ada}/effective`)).status).to.equal(404);
  });

  it('Z1 RC-09 creates, reads, replaces and removes a role, and writes no removed right back', async () => {
    const unknown = await superAdmin('POST', '/rbac/roles', { name: 'clerk', permissions: ['orders:read:any'] });
    expect(unknown.status).to.equal(400);
    expect(unknown.json.errors[0].path).to.equal('/permissions/0');
    const permissions = ['orders:read:any', 'orders:write:own'];
    const made = await superAdmin('POST', '/rbac/roles', { name: 'clerk', permissions, createPermissions: true });
    expect(made.status).to.equal(201);
    expect(made.json.permissions).to.deep.equal(permissions);
    expect((await superAdmin('POST', '/rbac/roles', { name: 'clerk' })).status).to.equal(409);
    const read = await superAdmin('GET', '/rbac/roles/clerk');
    const change = { name: 'clerk', description: 'Reads orders', permissions: ['orders:read:organization'] };
    expect((await superAdmin('PUT', '/rbac/roles/clerk', change)).status).to.equal(428);
    const ifMatch = { 'if-match': read.headers.get('etag') ?? '' };
    const replaced = await superAdmin('PUT', '/rbac/roles/clerk', change, ifMatch);
    expect(replaced.status).to.equal(200);
    expect(replaced.json.permissions).to.deep.equal(['orders:read:organization']);
    const stale = { ...change, permissions };
    expect((await superAdmin('PUT', '/rbac/roles/clerk', stale, ifMatch)).status).to.equal(412);
    expect((await superAdmin('GET', '/rbac/roles/clerk')).json.permissions).to.deep.equal(['orders:read:organization']);
    expect((await superAdmin('DELETE', '/rbac/roles/clerk')).status).to.equal(204);
    expect((await superAdmin('GET', '/rbac/roles/clerk')).status).to.equal(404);
    expect((await superAdmin('DELETE', '/rbac/roles/ADMIN')).status).to.equal(409);
  });

  it('Z1 registers a permission, lists it, and removes it once nobody holds it', async () => {
    const name = 'ships:sail:any';
    const path = `/rbac/permissions/${encodeURIComponent(name)}`;
    const register = (body: object) => superAdmin('POST', '/rbac/permissions', body);
    expect((await register({ name, description: 'Sails' })).status).to.equal(201);
    expect((await register({ name })).json.type).to.equal('urn:castellan:error:permission_exists');
    for (const wrong of ['ships', 'ships:sail', 'ships:sail:there', 'ships:*x:any', '::', 'a:b:c:d', 'ships: sail:any']) {
      const { status, json } = await register({ name: wrong });
      expect([status, json.errors[0].path], wrong).to.deep.equal([400, '/name']);
    }
    const { json } = await superAdmin('GET', '/rbac/permissions?search=sail');
    expect(json.items.map((one: { name: string }) => one.name)).to.deep.equal([name]);
    expect((await superAdmin('POST', '/rbac/roles', { name: 'sailor', permissions: [name] })).status).to.equal(201);
    expect((await superAdmin('DELETE', path)).json.type).to.equal('urn:castellan:error:permission_in_use');
    expect((await superAdmin('DELETE', '/rbac/roles/sailor')).status).to.equal(204);
    expect((await superAdmin('DELETE', path)).status).to.equal(204);
    expect((await superAdmin('DELETE', path)).status).to.equal(404);
  });

  it('Z3 gives by inheritance, for a time, and takes at once', async () => {
    await superAdmin('POST', '/rbac/roles', {
      name: 'reader',
      permissions: ['invoices:read:any'],
      createPermissions: true,
    });
    await superAdmin('POST', '/rbac/roles', {
      name: 'writer',
      permissions: ['invoices:write:any'],
      createPermissions: true,
      parents: ['reader'],
    });
    const path = `/rbac/users/${ids.cyd}`;
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const given = await superAdmin('POST', `${path}/roles`, { role: 'writer', expiresAt, reason: 'a project' });
    expect(given.status).to.equal(201);
    expect(given.json.expiresAt).to.equal(expiresAt);
    expect((await superAdmin('POST', `${path}/roles`, { role: 'writer' })).status, 'overlapping').to.equal(409);
    const past = await superAdmin('POST', `${path}/roles`, { role: 'reader', expiresAt: '2020-01-01T00:00:00Z' });
    expect(past.status).to.equal(400);
    const { json } = await superAdmin('GET', `${path}/effective`);
    const inherited = json.permissions.find(({ permission }: { permission: string }) => permission === 'invoices:read:any');
    expect(inherited.via[0].rolePath).to.deep.equal(['writer', 'reader']);
    expect((await superAdmin('DELETE', `${path}/roles/writer`)).status).to.equal(204);
    const after = await superAdmin('GET', `${path}/effective`);
    expect(after.json.roles).to.deep.equal(['USER']);
  });

  it('Z3 lets windows of one role follow each other, and tells which one another would overlap', async () => {
    const path = `/rbac/users/${ids.cyd}/roles`;
    const at = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
    const [one, two, three] = [at(1), at(2), at(3)];
    const give = (startsAt: string, expiresAt: string) => superAdmin('POST', path, { role: 'reader', startsAt, expiresAt });
    const first = await give(one, two);
    expect([first.status, (await give(two, three)).status]).to.deep.equal([201, 201]);
    for (const window of [
      [one, three],
      [at(1.5), at(1.6)],
      [at(0.5), at(1.1)],
    ] as const) {
      const { status, json } = await give(...window);
      expect([status, json.type, json.assignmentId]).to.deep.equal([409, 'urn:castellan:error:assignment_exists', first.json.id]);
    }
    const reversed = await give(three, two);
    expect([reversed.status, reversed.json.errors[0].path]).to.deep.equal([400, '/expiresAt']);
    expect((await superAdmin('DELETE', `${path}/reader`)).status).to.equal(204);
    expect((await superAdmin('GET', path)).json.items).to.deep.equal([]);
  });

  it('AZ-05 refuses a cycle and a role that inherits from itself', async () => {
    const make = (name: string, parents: string[]) => superAdmin('POST', '/rbac/roles', { name, parents });
    await make('a', []);
    await make('b', ['a']);
    await make('c', ['b']);
    const etag = (await superAdmin('GET', '/rbac/roles/a')).headers.get('etag') ?? '';
    for (const parent of ['a', 'c']) {
      const answer = await superAdmin('PUT', '/rbac/roles/a', { name: 'a', parents: [parent] }, { 'if-match': etag });
      expect(answer.status).to.equal(400);
      expect(answer.json.type).to.equal('urn:castellan:error:role_cycle');
    }
    const unknown = await make('d', ['a', 'nothing']);
    expect([unknown.status, unknown.json.errors[0].path]).to.deep.equal([400, '/parents/1']);
    for (let depth = 0; depth < 8; depth += 1) await make(`c${depth}`, [depth === 0 ? 'c' : `c${depth - 1}`]);
    expect((await make('c8', ['c7'])).json.type).to.equal('urn:castellan:error:role_too_deep');
  });

  it('AZ-03 lets nobody give what he does not hold', async () => {
    const bob = `/rbac/users/${ids.bob}`;
    const refused = [
      await admin('POST', `${bob}/roles`, { role: 'SUPER_ADMIN' }),
      await admin('POST', `/rbac/users/${ids.ada}/roles`, { role: 'SUPER_ADMIN' }),
      await admin('POST', `${bob}/permissions`, { permission: 'key:rotate:any' }),
      await admin('POST', '/rbac/roles', { name: 'everything', permissions: ['*:*:any'] }),
      await admin('POST', '/rbac/roles', { name: 'above', parents: ['SUPER_ADMIN'] }),
      await admin('DELETE', `/rbac/users/${ids.root}/roles/SUPER_ADMIN`),
      await admin('POST', `/rbac/users/${ids.root}/permissions`, { permission: 'user:read:any', effect: 'deny' }),
    ];
    for (const { status, json } of refused) {
      expect(status).to.equal(403);
      expect(json.type).to.equal('urn:castellan:error:grant_not_yours');
    }
    expect((await admin('POST', `${bob}/roles`, { role: 'MANAGER' })).status).to.equal(201);
    expect((await admin('DELETE', `${bob}/roles/MANAGER`)).status).to.equal(204);
  });

  it('AZ-06 lets a direct deny beat every allow, at the moment it is given', async () => {
    const dan = `/rbac/users/${ids.dan}`;
    const api = await personCalls(stand, 'dan@example.test', password);
    await superAdmin('POST', `${dan}/roles`, { role: 'MODERATOR' });
    expect((await api('GET', '/rbac/roles')).status).to.equal(200);
    await superAdmin('POST', `${dan}/permissions`, { permission: 'role:read:any', effect: 'deny', reason: 'a test' });
    expect((await api('GET', '/rbac/roles')).status).to.equal(403);
    expect((await superAdmin('DELETE', `${dan}/permissions/role:read:any`)).status).to.equal(204);
    expect((await api('GET', '/rbac/roles')).status).to.equal(200);
    expect((await superAdmin('DELETE', `${dan}/roles/MODERATOR`)).status).to.equal(204);
    expect((await api('GET', '/rbac/roles')).status).to.equal(403);
  });

  it('Z1 assigns to many or to none, and lists who holds a role', async () => {
    const userIds = [ids.bob, ids.cyd];
    const wrong = await superAdmin('POST', '/rbac/roles/reader/members', {
      userIds: [...userIds, '01890000-0000-7000-8000-000000000000'],
    });
    expect([wrong.status, wrong.json.errors[0].path]).to.deep.equal([404, '/userIds/2']);
    expect((await superAdmin('GET', '/rbac/roles/reader/members')).json.items).to.have.length(0);
    expect((await superAdmin('POST', '/rbac/roles/reader/members', { userIds })).status).to.equal(201);
    const again = await superAdmin('POST', '/rbac/roles/reader/members', { userIds: [ids.ada, ids.cyd] });
    expect([again.status, again.json.errors[0].path]).to.deep.equal([409, '/userIds/1']);
    expect((await superAdmin('GET', `/rbac/users/${ids.cyd}/roles`)).json.items[0].id).to.equal(again.json.assignmentId);
    const { json } = await superAdmin('GET', '/rbac/roles/reader/members?limit=1');
    expect(json.items[0].email).to.match(/@example\.test$/);
    expect(json.nextCursor).to.be.a('string');
  });

  it('Z3 gives by group, and AZ-04 counts binding a role to a group as giving it', async () => {
    const id = groupId;
    expect((await admin('POST', `/rbac/groups/${id}/roles`, { role: 'SUPER_ADMIN' })).status).to.equal(403);
    expect((await admin('POST', `/rbac/groups/${id}/roles`, { role: 'MODERATOR' })).status).to.equal(201);
    const { json } = await superAdmin('GET', `/rbac/users/${ids.dan}/effective`);
    expect(json.roles).to.include('MODERATOR');
    const audited = json.permissions.find(({ permission }: { permission: string }) => permission === 'audit:read:any');
    expect(audited.via[0]).to.include({ kind: 'group' });
    expect(audited.via[0].groupPath).to.deep.equal(['Night shift']);
  });

  it('C5 leaves an event for each change, in the same transaction', async () => {
    const { json } = await superAdmin('GET', `/audit/events?type=rbac.role_assigned&target=${ids.cyd}`);
    expect(json.items.length).to.be.greaterThan(0);
    expect(json.items[0].actor).to.deep.equal({ type: 'user', id: ids.root });
  });

  const operations = async (): Promise<[string, string, Record<string, unknown>][]> => {
    const { paths } = (await (await fetch(`${stand.issuer}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, Record<string, unknown>>>;
    };
    return Object.entries(paths)
      .filter(([path]) => path.startsWith('/api/v1/'))
      .flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]): [string, string, Record<string, unknown>] => [
          method.toUpperCase(),
          path.slice('/api/v1'.length).replace(/\{\w+\}/g, vaultId),
          operation,
        ]),
      );
  };

  it('C5 names the administrator who rotated or took out a signing key', async () => {
    const { json } = await superAdmin('POST', '/keys/rotate', { alg: 'ES256' });
    const { kid } = json.items.find(({ alg, state }: Record<string, string>) => alg === 'ES256' && state === 'active');
    expect((await superAdmin('POST', `/keys/${kid}/withdraw`)).status).to.equal(204);
    const events = await stand.database.knex('audit_events').where({ target_id: kid }).orderBy('id');
    expect(events.map(({ type, actor_id: actor }) => [type, actor])).to.deep.equal([
      ['key.created', null],
      ['key.activated', ids.root],
      ['key.retired', ids.root],
      ['key.withdrawn', ids.root],
    ]);
  });

  it('IN-01 takes a cursor that it did not make for a mistake, in every list', async () => {
    const parts = ['\0', 'x', '2026-99-01T00:00:00.000Z', '0000-01-01T00:00:00.000Z', vaultId];
    const places = [
      [],
      ...parts.map((one) => [one]),
      ...parts.flatMap((one) => parts.map((other) => [one, other])),
      [1],
      'x',
      null,
    ];
    const cursors = places.map((place) => Buffer.from(JSON.stringify(place)).toString('base64url'));
    let lists = 0;
    for (const [method, path, operation] of await operations()) {
      if (!JSON.stringify(operation.parameters ?? []).includes('"cursor"')) continue;
      lists += 1;
      for (const cursor of ['=', ...cursors]) {
        const { status } = await superAdmin(method, `${path}?cursor=${cursor}`);
        expect(status, `${path} ${Buffer.from(cursor, 'base64url')}`).to.be.lessThan(500);
      }
    }
    expect(lists).to.be.greaterThan(8);
  });

  it('AZ-01 tells a machine that asks about itself as a person that there is nothing', async () => {
    const machine = callerWith(stand, await machineToken(stand, { ...enforcer, scope: 'api' }));
    const bodies = [undefined, {}, { deviceId: vaultId, code: '123456' }, { name: 'mine' }, { code: '123456' }, { password }];
    const answers: string[] = [];
    for (const [method, path, operation] of await operations()) {
      if (operation['x-permission'] !== undefined) continue;
      for (const body of method === 'GET' ? [undefined] : bodies)
        answers.push(`${(await machine(method, path, body)).status} ${method} ${path}`);
    }
    expect(answers.filter((answer) => answer.startsWith('5'))).to.deep.equal([]);
    expect(answers).to.include('404 GET /mfa/devices').and.include('404 GET /auth/social').and.include('404 GET /grants');
  });

  it('AZ-06 leaves out of claims what a direct deny takes as a whole', async () => {
    const make = (name: string, permissions: string[]) =>
      superAdmin('POST', '/rbac/roles', { name, permissions, createPermissions: true });
    expect((await make('archivist', ['papers:read:any', 'papers:write:any'])).status).to.equal(201);
    expect((await make('archive', ['papers:*:any'])).status).to.equal(201);
    expect((await superAdmin('POST', `/rbac/users/${ids.bob}/roles`, { role: 'archivist' })).status).to.equal(201);
    const held = async (): Promise<string[]> =>
      (await user('GET', '/auth/me')).json.permissions.filter((name: string) => name.startsWith('papers:'));
    expect(await held()).to.deep.equal(['papers:read:any', 'papers:write:any']);
    const deny = { permission: 'papers:*:any', effect: 'deny' };
    const denied = await superAdmin('POST', `/rbac/users/${ids.bob}/permissions`, deny);
    expect(denied.status, JSON.stringify(denied.json)).to.equal(201);
    expect(await held()).to.deep.equal([]);
    expect((await superAdmin('DELETE', `/rbac/users/${ids.bob}/permissions/papers:*:any`)).status).to.equal(204);
  });

  it('AZ-02 takes only fields of the schema', async () => {
    const answer = await superAdmin('POST', '/rbac/roles', { name: 'sly', isSystem: true });
    expect(answer.status).to.equal(400);
    expect(answer.json.errors[0].path).to.equal('/isSystem');
  });

  it('AZ-09 refuses a token without the scope', async () => {
    const answer = await callerWith(stand, await machineToken(stand))('GET', '/rbac/roles');
    expect(answer.status).to.equal(403);
    expect(answer.json.type).to.equal('urn:castellan:error:insufficient_scope');
  });

  it('AZ-05 lets only one of two that would inherit from each other', async () => {
    for (const name of ['left', 'right']) await superAdmin('POST', '/rbac/roles', { name });
    const inherit = async (name: string, parent: string) => {
      const etag = (await superAdmin('GET', `/rbac/roles/${name}`)).headers.get('etag') ?? '';
      return (await superAdmin('PUT', `/rbac/roles/${name}`, { name, parents: [parent] }, { 'if-match': etag })).status;
    };
    expect((await Promise.all([inherit('left', 'right'), inherit('right', 'left')])).sort()).to.deep.equal([200, 400]);
  });

  it('AZ-06 judges a narrow direct deny by the person that the request is about', async () => {
    const dan = `/rbac/users/${ids.dan}`;
    const api = await personCalls(stand, 'dan@example.test', password);
    const reads = async (name: string) => (await api('GET', `/rbac/users/${ids[name]}/roles`)).status;
    const deny = (permission: string) => superAdmin('POST', `${dan}/permissions`, { permission, effect: 'deny' });
    expect((await deny('no-such-thing:read:any')).json.errors[0].path, 'the field is named').to.equal('/permission');
    expect(await reads('dan')).to.equal(200);
    expect((await deny('role:read:own')).status).to.equal(201);
    expect([await reads('dan'), await reads('bob')]).to.deep.equal([403, 200]);
    expect((await api('GET', '/rbac/roles')).status, 'without a person any deny refuses').to.equal(403);
    await superAdmin('DELETE', `${dan}/permissions/role:read:own`);
    await stand.database.transaction(async (trx) => {
      await setTenants(trx, 'all');
      const now = new Date();
      await trx('organizations').insert({ id: groupId, name: 'Shared', slug: 'shared', created_at: now, updated_at: now });
      await trx('organization_members').insert(
        ['dan', 'bob'].map((name) => ({ organization_id: groupId, user_id: ids[name], created_at: now })),
      );
    });
    await stand.app.rooms.foundation.caches.invalidate([`user:${ids.bob}`]);
    expect((await deny('role:read:organization')).status).to.equal(201);
    expect([await reads('bob'), await reads('cyd')]).to.deep.equal([403, 200]);
    await superAdmin('DELETE', `${dan}/permissions/role:read:organization`);
  });

  it('Z3 shows eligible assignments, which confer nothing', async () => {
    const given = await superAdmin('POST', `/rbac/users/${ids.bob}/roles`, { role: 'MANAGER', eligible: true });
    expect(given.json.eligible).to.equal(true);
    const { json } = await superAdmin('GET', `/rbac/users/${ids.bob}/effective`);
    expect(json.roles).to.not.include('MANAGER');
    expect(json.eligible.map(({ id, role }: { id: string; role: { name: string } }) => [id, role.name])).to.deep.equal([
      [given.json.id, 'MANAGER'],
    ]);
    const question = { subject: { id: ids.bob }, action: 'approve', resource: { type: 'access-request' }, explain: true };
    const answer = await superAdmin('POST', '/authz/check', question);
    expect(answer.json.allowed).to.equal(false);
    expect(answer.json.wouldAllow[0]).to.include({ kind: 'activate', ref: given.json.id });
    const reason = answer.json.reasons.find(({ because }: { because?: string }) => because === 'eligible');
    expect(reason).to.deep.include({ ref: given.json.id, rolePath: ['MANAGER'], decided: false });
    expect((await superAdmin('DELETE', `/rbac/users/${ids.bob}/roles/MANAGER`)).status).to.equal(204);
    expect((await superAdmin('GET', `/rbac/users/${ids.bob}/effective`)).json.eligible).to.deep.equal([]);
  });

  /** As a room does that has tables of its own; what `undo` then rolls back. */
  const change = (by: string | undefined, changed: object, sql: string, values: string[], undo = false): Promise<string> =>
    stand.database
      .transaction(async (trx) => {
        const actor = by === undefined ? { type: 'system' as const } : { type: 'user' as const, id: by };
        await stand.app.rooms.authz.change(trx, { actor, scope: 'all' }, changed, () => trx.raw(sql, values));
        if (undo) throw new Error('undone');
      })
      .then(
        () => 'done',
        (error: { code?: string; message: string }) => error.code ?? error.message,
      );
  const join = (by: string | undefined, group: string, userId: string) =>
    change(by, { userIds: [userId] }, 'insert into group_members values (?, ?, ?, now())', [group, userId, 'member']);
  const leave = (by: string | undefined, group: string, userId: string) =>
    change(by, { userIds: [userId] }, 'delete from group_members where group_id = ? and user_id = ?', [group, userId]);

  it('AZ-04 counts joining a group and nesting one as giving all that it gives, and leaving as taking', async () => {
    const { knex } = stand.database;
    const now = new Date();
    await knex('groups').insert({ id: vaultId, name: 'Vault', created_at: now, updated_at: now });
    expect((await superAdmin('POST', `/rbac/groups/${vaultId}/roles`, { role: 'SUPER_ADMIN' })).status).to.equal(201);
    const { ada = '', bob = '', cyd = '', dan = '', root: boss = '' } = ids;
    expect(await join(ada, vaultId, ada), 'herself').to.equal('grant_not_yours');
    const nest = 'update groups set parent_id = ? where id = ?';
    expect(await change(ada, { groupIds: [groupId] }, nest, [vaultId, groupId]), 'below a privileged one').to.equal(
      'grant_not_yours',
    );
    expect(await join(cyd, groupId, bob), 'by who holds nothing').to.equal('grant_not_yours');
    expect(await join(ada, groupId, bob), 'what she holds').to.equal('done');
    expect(await join(boss, vaultId, dan)).to.equal('done');
    expect(await leave(ada, vaultId, dan), 'taken by a lesser').to.equal('grant_not_yours');
    const deactivate = `update users set status = 'deactivated' where id = ?`;
    expect(await change(ada, { userIds: [dan] }, deactivate, [dan]), 'put out by a lesser').to.equal('grant_not_yours');
    expect(await leave(dan, vaultId, dan), 'by himself').to.equal('done');
    expect(await leave(bob, groupId, bob)).to.equal('done');
    const effective = await superAdmin('GET', `/rbac/users/${bob}/effective`);
    expect(effective.json.roles, 'caches are told').to.not.include('MODERATOR');
  });

  it('AZ-03 counts as the last SUPER_ADMIN who is active, without end and by whatever path', async () => {
    const { bob = '', cyd = '', root: boss = '' } = ids;
    const deactivate = (undo?: boolean) =>
      change(undefined, { userIds: [boss] }, `update users set status = 'deactivated' where id = ?`, [boss], undo);
    expect(await deactivate()).to.equal('last_super_admin');
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    await superAdmin('POST', `/rbac/users/${cyd}/roles`, { role: 'SUPER_ADMIN', expiresAt });
    expect(await deactivate(), 'one who will end').to.equal('last_super_admin');
    expect((await superAdmin('DELETE', `/rbac/users/${cyd}/roles/SUPER_ADMIN`)).status).to.equal(204);
    expect(await join(undefined, vaultId, bob)).to.equal('done');
    expect(await deactivate(true), 'another by a group').to.equal('undone');
    await superAdmin('POST', `/rbac/users/${bob}/permissions`, { permission: 'key:rotate:any', effect: 'deny' });
    expect(await deactivate(), 'who is denied something').to.equal('last_super_admin');
    await superAdmin('DELETE', `/rbac/users/${bob}/permissions/key:rotate:any`);
    expect((await superAdmin('DELETE', `/rbac/groups/${vaultId}/roles/SUPER_ADMIN`)).status).to.equal(204);
    expect(await deactivate()).to.equal('last_super_admin');
  });

  it('AZ-03 RC-07 keeps the last SUPER_ADMIN, also when two leave at once', async () => {
    const root2 = `/rbac/users/${ids.root}/roles/SUPER_ADMIN`;
    expect((await superAdmin('DELETE', root2)).json.type).to.equal('urn:castellan:error:last_super_admin');
    const deny = { permission: '*:*:any', effect: 'deny' };
    const locked = await superAdmin('POST', `/rbac/users/${ids.root}/permissions`, deny);
    expect(locked.json.type).to.equal('urn:castellan:error:last_super_admin');
    await superAdmin('POST', `/rbac/users/${ids.cyd}/roles`, { role: 'SUPER_ADMIN' });
    const both = await Promise.all([
      superAdmin('DELETE', `/rbac/users/${ids.cyd}/roles/SUPER_ADMIN`),
      superAdmin('DELETE', root2),
    ]);
    const left = await stand.database.knex('user_roles').join('roles', 'roles.id', 'role_id').where({ name: 'SUPER_ADMIN' });
    expect(left, JSON.stringify(both)).to.have.length(1);
  });
});
