import { expect } from 'chai';
import { uuidv7 } from '../../src/platform/crypto/index.ts';
import { setTenants } from '../../src/platform/db/index.ts';
import type { ApiAnswer } from '../support/api.ts';
import { register, todoPeople } from '../support/authzen.ts';
import { type Call, callerWith, enforcer, machineToken, personCalls, registrar } from '../support/callers.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'correct horse battery staple';
const emails = ['bob@the-citadel.com', 'cyd@the-citadel.com', ...todoPeople.map(([email]) => email)];
const nameOf = (email: string): string => email.slice(0, email.indexOf('@'));

describe('Z4-Z6 decisions over HTTP', () => {
  let stand: Stand;
  let root: Call;
  let person: Call;
  let machine: Call;
  let authzen: (path: string, body: unknown, headers?: Record<string, string>) => Promise<ApiAnswer>;
  const ids: Record<string, string> = {};

  const post = async (path: string, body: unknown): Promise<ApiAnswer['json']> => {
    const answer = await root('POST', path, body);
    expect(answer.status, `${path} ${JSON.stringify(answer.json)}`).to.be.oneOf([200, 201]);
    return answer.json;
  };

  const activate = async (policy: Record<string, unknown>): Promise<string> => {
    const { id } = await post('/authz/policies', policy);
    await post(`/authz/policies/${id}/activate`, {});
    return id;
  };

  before(async function () {
    this.timeout(90_000);
    stand = await startStand({
      env: { BOOTSTRAP_ADMIN_EMAIL: 'root@example.test', BOOTSTRAP_ADMIN_PASSWORD: password },
      bootstrap: {
        clients: [enforcer, registrar],
        users: emails.map((email) => ({ email, password, email_verified: true, name: nameOf(email) })),
      },
    });
    for (const email of emails)
      ids[nameOf(email)] = (await stand.database.knex('identifiers').where({ value: email }).first('user_id')).user_id;
    root = await personCalls(stand, 'root@example.test', password);
    person = await personCalls(stand, 'bob@the-citadel.com', password);
    const token = await machineToken(stand);
    machine = callerWith(stand, token);
    authzen = async (path, body, headers = {}) => {
      const response = await fetch(`${stand.issuer}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
      return { status: response.status, headers: response.headers, json: await response.json() };
    };
    await post('/rbac/roles', {
      name: 'accountant',
      permissions: ['invoices:read:any', 'invoices:pay:own'],
      createPermissions: true,
    });
    await post(`/rbac/users/${ids.bob}/roles`, { role: 'accountant' });
  });
  after(() => stand?.close());

  describe('POST /authz/check', () => {
    it('Z5 answers a caller about itself, by scope of the permission', async () => {
      const ask = async (resource: unknown, action: string) => (await person('POST', '/authz/check', { action, resource })).json;
      expect(await ask({ type: 'invoices' }, 'read')).to.deep.equal({ allowed: true });
      expect(await ask({ type: 'invoices', attributes: { ownerId: ids.bob } }, 'pay')).to.deep.equal({ allowed: true });
      expect(await ask({ type: 'invoices', attributes: { ownerId: ids.cyd } }, 'pay')).to.deep.equal({ allowed: false });
      expect(await ask({ type: 'invoices' }, 'delete')).to.deep.equal({ allowed: false });
    });

    it('AZ-08 asks for a permission before it speaks of others or gives reasons, and bounds batches', async () => {
      const question = { action: 'read', resource: { type: 'invoices' } };
      for (const body of [
        { ...question, subject: { id: ids.cyd } },
        { ...question, explain: true },
      ]) {
        const answer = await person('POST', '/authz/check', body);
        expect(answer.status).to.equal(403);
        expect(answer.json.permission).to.equal('authz:check');
      }
      const checks = Array.from({ length: 101 }, () => question);
      expect((await person('POST', '/authz/check', { checks })).status).to.equal(400);
      expect((await person('POST', '/authz/check', { action: 'read' })).json.errors[0].path).to.equal('/resource');
    });

    it('Z5 answers a machine with scope authz, in batches', async () => {
      const checks = ['bob', 'cyd'].map((name) => ({
        subject: { id: ids[name] },
        action: 'read',
        resource: { type: 'invoices' },
      }));
      const { status, json } = await machine('POST', '/authz/check', { checks });
      expect(status).to.equal(200);
      expect(json.results.map(({ allowed }: { allowed: boolean }) => allowed)).to.deep.equal([true, false]);
    });

    it('Z6 says why, and what would allow it', async () => {
      const allowed = await machine('POST', '/authz/check', {
        subject: { id: ids.bob },
        action: 'read',
        resource: { type: 'invoices' },
        explain: true,
      });
      expect(allowed.json.reasons[0]).to.include({
        kind: 'role',
        effect: 'allow',
        decided: true,
        permission: 'invoices:read:any',
      });
      expect(allowed.json.reasons[0].rolePath).to.deep.equal(['accountant']);
      const denied = await machine('POST', '/authz/check', {
        subject: { id: ids.bob },
        action: 'pay',
        resource: { type: 'invoices', attributes: { ownerId: ids.cyd } },
        explain: true,
      });
      expect(denied.json.reasons.find((reason: ApiAnswer['json']) => reason.because === 'not_owner')).to.include({
        decided: false,
      });
      expect(denied.json.wouldAllow).to.deep.include({
        kind: 'attribute',
        ref: 'resource.ownerId',
        value: ids.bob,
        sufficient: true,
      });
      const unknown = await machine('POST', '/authz/check', {
        subject: { id: ids.cyd },
        action: 'read',
        resource: { type: 'invoices' },
        explain: true,
      });
      expect(unknown.json.wouldAllow).to.deep.include({ kind: 'role', ref: 'accountant', sufficient: true });
    });

    it('C5 leaves decisions in the log', async () => {
      const { json } = await root('GET', `/audit/events?type=authz.decision&target=${ids.cyd}`);
      expect(
        json.items.some((event: ApiAnswer['json']) => event.details.resource === 'invoices' && event.details.allowed === false),
      ).to.equal(true);
    });
  });

  describe('Z5 Z9 registered objects and subjects', () => {
    const put = (call: Call, entities: unknown[], more = {}) => call('PUT', '/authz/entities', { entities, ...more });
    let registering: Call;

    before(async () => {
      registering = callerWith(stand, await machineToken(stand, registrar));
    });

    it('AZ-08 are a machine’s with a scope of its own: who only asks does not move decisions', async () => {
      const entities = [{ type: 'invoices', id: 'x' }];
      expect((await put(machine, entities)).status).to.equal(403);
      expect((await put(person, entities)).status).to.equal(403);
      expect((await registering('POST', '/authz/check', { action: 'read', resource: { type: 'x' } })).status).to.equal(403);
    });

    it('refuses what is there twice, too large or nobody’s, by place, and keeps nothing of it', async () => {
      const nobody = '01900000-0000-7000-8000-000000000000';
      const wrong: [unknown[], string][] = [
        [
          [
            { type: 'invoices', id: 'w' },
            { type: 'invoices', id: 'w' },
          ],
          '/entities/1',
        ],
        [[{ type: 'invoices', id: 'w', attributes: { text: 'x'.repeat(20_000) } }], '/entities/0/attributes'],
        [
          [
            { type: 'invoices', id: 'w' },
            { type: 'user', id: 'w', userId: nobody },
          ],
          '/entities/1/userId',
        ],
        [[{ type: 'in voices', id: 'w' }], '/entities/0/type'],
        [[{ type: 'invoices', id: 'w\nx' }], '/entities/0/id'],
        [[], '/entities'],
      ];
      for (const [entities, path] of wrong) {
        const { status, json } = await put(registering, entities);
        expect(status, path).to.equal(400);
        expect(json.errors[0].path).to.equal(path);
      }
      expect((await registering('GET', '/authz/entities?type=invoices&id=w')).json.items).to.deep.equal([]);
    });

    it('say whose an object is, over what the caller says, from the next question on; and are forgotten again', async () => {
      const ask = async (attributes?: unknown) =>
        (await person('POST', '/authz/check', { action: 'pay', resource: { type: 'invoices', id: 'inv-1', attributes } })).json
          .allowed;
      expect(await ask()).to.equal(false);
      expect((await put(registering, [{ type: 'invoices', id: 'inv-1', attributes: { ownerId: ids.bob } }])).json).to.deep.equal({
        registered: 1,
      });
      expect(await ask()).to.equal(true);
      await put(registering, [{ type: 'invoices', id: 'inv-1', attributes: { ownerId: ids.cyd } }]);
      expect(await ask({ ownerId: ids.bob })).to.equal(false);
      const { items } = (await registering('GET', '/authz/entities?type=invoices&id=inv-1')).json;
      expect(items[0]).to.deep.include({ type: 'invoices', id: 'inv-1', attributes: { ownerId: ids.cyd }, organizationId: null });
      expect((await registering('DELETE', `/authz/entities/${items[0].key}`)).status).to.equal(204);
      expect((await registering('DELETE', `/authz/entities/${items[0].key}`)).status).to.equal(404);
      expect(await ask({ ownerId: ids.bob })).to.equal(true);
    });

    it('TN-01 of an organization are that organization’s: its administrator sees, and decides about, no others', async () => {
      const now = new Date();
      const [mine, other] = ['01900000-0000-7000-8000-00000000000a', '01900000-0000-7000-8000-00000000000b'];
      for (const [id, name] of [
        [mine, 'mine'],
        [other, 'other'],
      ] as const) {
        await stand.database.knex('organizations').insert({ id, name, slug: name, created_at: now, updated_at: now });
      }
      const member = { organization_id: mine, user_id: ids.cyd, created_at: now };
      await stand.database.transaction((trx) => setTenants(trx, 'all').then(() => trx('organization_members').insert(member)));
      await post(`/rbac/users/${ids.cyd}/roles`, { role: 'ADMIN', organizationId: mine });
      const tenant = await personCalls(stand, 'cyd@the-citadel.com', password);
      const object = { type: 'ledger', id: 'one', attributes: { organizationId: other } };
      expect((await put(tenant, [object])).json).to.deep.equal({ registered: 1 });
      expect((await put(tenant, [object], { organizationId: other })).status).to.equal(404);
      expect((await put(tenant, [{ type: 'user', id: 'b', userId: ids.bob }])).status).to.equal(400);
      expect((await put(registering, [object], { organizationId: other })).status).to.equal(200);
      const seen = (await tenant('GET', '/authz/entities')).json.items;
      expect(seen.map((item: ApiAnswer['json']) => item.organizationId)).to.deep.equal([mine]);
      await post('/rbac/roles', { name: 'bookkeeper', permissions: ['ledger:read:organization'], createPermissions: true });
      await post(`/rbac/users/${ids.cyd}/roles`, { role: 'bookkeeper', organizationId: mine });
      const found = await authzen('/access/v1/search/resource', {
        subject: { type: 'user', id: ids.cyd },
        action: { name: 'read' },
        resource: { type: 'ledger' },
      });
      expect(found.json.results).to.deep.equal([{ type: 'ledger', id: 'one' }]);
      expect(
        (await tenant('POST', '/authz/check', { action: 'read', resource: { type: 'ledger', id: 'one' } })).json.allowed,
      ).to.equal(true);
      await post(`/rbac/users/${ids.bob}/roles`, { role: 'bookkeeper' });
      expect(
        (await person('POST', '/authz/check', { action: 'read', resource: { type: 'ledger', id: 'one' } })).json.allowed,
      ).to.equal(false);
      await root('DELETE', `/rbac/users/${ids.cyd}/roles/ADMIN`);
    });

    it('Z9 gives an application the condition to filter its own list by', async () => {
      const filter = async (call: Call, body: unknown) => {
        const { status, json } = await call('POST', '/authz/filter', body);
        expect(status, JSON.stringify(json)).to.equal(200);
        return json;
      };
      const invoices = { type: 'invoices' };
      expect(await filter(person, { action: 'read', resource: invoices })).to.deep.equal({ kind: 'always' });
      expect(await filter(person, { action: 'shred', resource: invoices })).to.deep.equal({ kind: 'never' });
      const own = { '==': [{ var: ['resource.ownerId', ''] }, ids.bob] };
      expect(await filter(person, { action: 'pay', resource: invoices })).to.deep.equal({ kind: 'conditional', condition: own });
      const known = { ...invoices, attributes: { ownerId: ids.bob } };
      expect(await filter(person, { action: 'pay', resource: known })).to.deep.equal({ kind: 'always' });
      const id = await activate({
        name: 'large invoices wait',
        effect: 'deny',
        target: { resources: ['invoices'], actions: ['pay'] },
        condition: { and: [{ '>': [{ var: 'resource.amount' }, 100] }, { '!=': [{ var: 'env.acr' }, 'high'] }] },
      });
      const large = { or: [{ '==': [{ var: 'resource.amount' }, null] }, { '>': [{ var: 'resource.amount' }, 100] }] };
      const asked = { subject: { id: ids.bob }, action: 'pay', resource: invoices };
      expect((await filter(machine, { ...asked, context: { acr: 'low' } })).condition).to.deep.equal({
        and: [{ '!': [large] }, own],
      });
      await post(`/authz/policies/${id}/archive`, {});
      expect((await person('POST', '/authz/filter', { ...asked, subject: { id: ids.cyd } })).status).to.equal(403);
      expect((await person('POST', '/authz/filter', { action: 'pay' })).json.errors[0].path).to.equal('/resource');
    });

    it('PERFORMANCE row 10 a warm decision asks nothing of the database', async () => {
      await put(registering, [{ type: 'invoices', id: 'warm', attributes: { ownerId: ids.bob } }]);
      const { authz } = stand.app.rooms;
      const bob = { type: 'user', id: ids.bob as string, clientId: 'castellan', scopes: new Set(['api']), roles: [] } as const;
      const once = async () =>
        [
          await authz.check(bob, { action: 'pay', resource: { type: 'invoices', id: 'warm' } }),
          await authz.check(bob, { action: 'pay', resource: { type: 'invoices', id: 'unregistered' } }),
          await authz.check(bob, { action: 'read', resource: { type: 'nothing-registered', id: '1' } }),
        ].map(({ allowed }) => allowed);
      expect(await once()).to.deep.equal([true, false, false]);
      const statements: string[] = [];
      const count = ({ sql }: { sql: string }): void => void (/audit_events/.test(sql) || statements.push(sql));
      stand.database.knex.on('query', count);
      expect(await once()).to.deep.equal([true, false, false]);
      stand.database.knex.off('query', count);
      expect(statements).to.deep.equal([]);
    });
  });

  describe('Z4 policies', () => {
    const policy = {
      name: 'office hours',
      effect: 'deny',
      target: { actions: ['approve'], resources: ['payments'] },
      condition: { '>': [{ var: 'env.risk' }, 70] },
    };

    it('AZ-07 refuses what is not of the language, by place', async () => {
      let deep: unknown = true;
      for (let depth = 0; depth < 50; depth += 1) deep = { '!': [deep] };
      const wrong: [unknown, string][] = [
        [{ and: [true, { exec: ['x'] }] }, '/condition/and/1/exec'],
        [{ '==': [{ var: 'constructor.prototype' }, 1] }, '/condition/==/0/var'],
        [{ '==': [{ var: 'subject.__proto__' }, 1] }, '/condition/==/0/var'],
        [{ '==': [{ var: 'subject.constructor' }, 1] }, '/condition/==/0/var'],
        [{ some: [{ var: 'subject.roles' }, { some: [{ var: '' }, true] }] }, '/condition/some/1/some'],
        [{ map: [{ var: 'subject.roles' }, 1] }, '/condition/map'],
        [{ '==': [1] }, '/condition/=='],
        [{ a: 1, b: 2 }, '/condition'],
        [deep, `/condition${'/!/0'.repeat(15)}`],
        [{ in: [1, Array.from({ length: 1001 }, () => 1)] }, '/condition/in/1'],
        [{ '==': ['x'.repeat(1001), 1] }, '/condition/==/0'],
        [{ '==': [{ var: 'process.env' }, 1] }, '/condition/==/0/var'],
        [{ '==': [{ var: ['env.risk', { var: 'env.risk' }] }, 1] }, '/condition/==/0/var'],
        [{ all: [{ var: 'subject.roles' }] }, '/condition/all'],
        [{ if: [true] }, '/condition/if'],
        [{ or: Array.from({ length: 30 }, () => ({ '+': Array.from({ length: 20 }, () => 1) })) }, '/condition'],
      ];
      for (const [condition, path] of wrong) {
        const { status, json } = await root('POST', '/authz/policies', { ...policy, name: 'wrong', condition });
        expect(status, path).to.equal(400);
        expect(json.errors[0].path.startsWith(path), `${path} ${json.errors[0].path}`).to.equal(true);
        const said = json.errors.map((error: ApiAnswer['json']) => `${error.path} ${error.message}`);
        expect(said, 'each mistake once').to.have.lengthOf(new Set(said).size);
      }
    });

    it('AZ-07 refuses what is malformed around the condition, and bodies too large or deep, without keeping anything', async () => {
      const wrong: [Record<string, unknown>, string][] = [
        [{ target: { actions: [] } }, '/target/actions'],
        [{ target: { resources: ['not a word'] } }, '/target/resources/0'],
        [{ target: { subjects: ['me'] } }, '/target/subjects'],
        [{ effect: 'maybe' }, '/effect'],
        [{ priority: 5000 }, '/priority'],
        [{ name: '' }, '/name'],
        [{ tests: [{ action: 'approve' }] }, '/tests/0/resource'],
        [{ condition: undefined }, '/condition'],
      ];
      for (const [change, path] of wrong) {
        const { status, json } = await root('POST', '/authz/policies', { ...policy, name: 'malformed', ...change });
        expect(status, path).to.equal(400);
        expect(json.errors.map((error: ApiAnswer['json']) => error.path)).to.include(path);
      }
      const large = { in: ['x', Array.from({ length: 900 }, () => 'x'.repeat(400))] };
      expect((await root('POST', '/authz/policies', { ...policy, name: 'malformed', condition: large })).status).to.be.oneOf([
        400, 413,
      ]);
      let deep: unknown = 1;
      for (let depth = 0; depth < 200; depth += 1) deep = [deep];
      expect((await root('POST', '/authz/policies', { ...policy, name: 'malformed', condition: deep })).status).to.equal(400);
      const { items } = (await root('GET', '/authz/policies?limit=100')).json;
      expect(items.some(({ name }: { name: string }) => name === 'malformed')).to.equal(false);
    });

    it('AZ-07 bounds what a condition may cost: the dearest that is accepted is decided, the next dearer is not', async () => {
      const inner = { and: Array.from({ length: 40 }, () => ({ '>=': [{ var: '' }, 0] })) };
      const condition = { all: [{ var: 'resource.numbers' }, inner] };
      const { id } = await post('/authz/policies', { ...policy, name: 'dear', target: { resources: ['sums'] }, condition });
      const run = async (length: number) =>
        (
          await post(`/authz/policies/${id}/test`, {
            action: 'approve',
            resource: { type: 'sums', attributes: { numbers: Array.from({ length }, (_, index) => index) } },
          })
        ).results[0];
      expect(await run(1000)).to.include({ applies: true });
      // A deny whose condition cannot be computed denies.
      const over = await run(1001);
      expect(over.failed.error).to.match(/at most a thousand/);
      expect(over.applies).to.equal(true);
    });

    it('RC-09 keeps names apart and versions in order: a stale change is refused', async () => {
      const first = await root('POST', '/authz/policies', { ...policy, name: 'once' });
      expect(first.status).to.equal(201);
      expect((await root('POST', '/authz/policies', { ...policy, name: 'once' })).status).to.equal(409);
      const path = `/authz/policies/${first.json.id}`;
      const changed = { ...policy, name: 'once', priority: 3 };
      const etag = first.headers.get('etag') ?? '';
      expect((await root('PUT', path, changed)).status).to.equal(428);
      expect((await root('PUT', path, changed, { 'if-match': etag })).status).to.equal(200);
      expect((await root('PUT', path, changed, { 'if-match': etag })).status).to.equal(412);
      expect((await root('POST', `${path}/archive`, {})).status).to.equal(409);
      const nowhere = '/authz/policies/01900000-0000-7000-8000-000000000000';
      expect((await root('POST', `${nowhere}/activate`, {})).status).to.equal(404);
    });

    it('Z6 tells a held denial by the part that would have to fail, and whether taking it away is enough', async () => {
      const condition = { '>': [{ var: 'env.amount' }, 10] };
      const id = await activate({ name: 'small amounts', effect: 'deny', target: { resources: ['tips'] }, condition });
      const ask = async (subject: string) =>
        (
          await machine('POST', '/authz/check', {
            subject: { id: subject },
            action: 'take',
            resource: { type: 'tips' },
            context: { amount: 20 },
            explain: true,
          })
        ).json;
      await post('/rbac/roles', { name: 'waiter', permissions: ['tips:take:any'], createPermissions: true });
      await post(`/rbac/users/${ids.bob}/roles`, { role: 'waiter' });
      const denied = await ask(ids.bob as string);
      expect(denied.reasons[0]).to.deep.include({
        kind: 'policy',
        ref: id,
        decided: true,
        policy: { name: 'small amounts', version: 1, priority: 0 },
      });
      expect(denied.wouldAllow).to.deep.include({ kind: 'remove', ref: id, sufficient: true });
      expect(denied.wouldAllow).to.deep.include({ kind: 'condition', ref: id, value: { '!': [condition] } });
      expect((await ask(ids.cyd as string)).wouldAllow).to.deep.include({ kind: 'remove', ref: id, sufficient: false });
      await post(`/authz/policies/${id}/archive`, {});
      const expired = await post(`/rbac/users/${ids.cyd}/roles`, {
        role: 'waiter',
        expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
      });
      const { reasons } = await ask(ids.cyd as string);
      expect(reasons[0]).to.include({ decided: true, expiresAt: expired.expiresAt });
    });

    it('drafts, tries, puts in force and takes out; a failing condition denies', async () => {
      const stored = { action: 'approve', resource: { type: 'payments' }, context: { risk: 80 }, expected: true };
      const { id, state } = await post('/authz/policies', { ...policy, tests: [stored] });
      expect(state).to.equal('draft');
      await post('/rbac/roles', { name: 'approver', permissions: ['payments:approve:any'], createPermissions: true });
      await post(`/rbac/users/${ids.cyd}/roles`, { role: 'approver' });
      const ask = async (context: unknown) =>
        (
          await machine('POST', '/authz/check', {
            subject: { id: ids.cyd },
            action: 'approve',
            resource: { type: 'payments' },
            context,
          })
        ).json.allowed;
      expect(await ask({ risk: 90 }), 'a draft is not in force').to.equal(true);
      const tried = await post(`/authz/policies/${id}/test`, {
        action: 'approve',
        resource: { type: 'payments' },
        context: { risk: 10 },
      });
      expect(tried.results[0]).to.include({ targeted: true, applies: false });
      await root('GET', '/audit/events?limit=1');
      const dry = await post(`/authz/policies/${id}/dry-run`, {});
      expect(dry.changes.some((change: ApiAnswer['json']) => change.before === true && change.after === false)).to.equal(true);
      expect((await post(`/authz/policies/${id}/activate`, {})).state).to.equal('active');
      expect(await ask({ risk: 90 })).to.equal(false);
      expect(await ask({ risk: 10 })).to.equal(true);
      expect(await ask({}), 'AZ-07 missing attribute').to.equal(false);
      expect(await ask({ risk: '10' }), 'AZ-07 wrong type').to.equal(false);
      await post(`/authz/policies/${id}/archive`, {});
      expect(await ask({ risk: 90 })).to.equal(true);
      expect((await root('POST', `/authz/policies/${id}/activate`, {})).status).to.equal(409);
      const versions = async (): Promise<[number, string][]> => {
        const { items } = (await root('GET', `/authz/policies/${id}/versions`)).json;
        return items.map(({ version, state: is }: { version: number; state: string }) => [version, is]);
      };
      expect(await versions()).to.deep.equal([[1, 'archived']]);
      const stricter = { ...policy, condition: { '>': [{ var: 'env.risk' }, 5] }, tests: [] };
      expect((await root('PUT', `/authz/policies/${id}`, stricter, { 'if-match': '*' })).status).to.equal(200);
      expect(await versions(), 'what was in force stays as it was').to.deep.equal([
        [2, 'draft'],
        [1, 'archived'],
      ]);
      await post(`/authz/policies/${id}/activate`, {});
      expect(await ask({ risk: 10 })).to.equal(false);
      expect((await root('PUT', `/authz/policies/${id}`, policy, { 'if-match': '*' })).status).to.equal(200);
      expect(await ask({ risk: 10 }), 'a draft changes nothing').to.equal(false);
      await post(`/authz/policies/${id}/activate`, {});
      expect(await ask({ risk: 10 })).to.equal(true);
      expect(await versions()).to.deep.equal([
        [3, 'active'],
        [2, 'archived'],
        [1, 'archived'],
      ]);
      await post(`/authz/policies/${id}/archive`, {});
    });

    it('refuses a name that is taken, also for a policy that has another, and keeps it where it is', async () => {
      const { id } = await post('/authz/policies', { ...policy, name: 'first of two' });
      await post('/authz/policies', { ...policy, name: 'second of two' });
      const rename = (change: object) => root('PUT', `/authz/policies/${id}`, { ...policy, ...change }, { 'if-match': '*' });
      const taken = await rename({ name: 'second of two' });
      expect([taken.status, taken.json.type]).to.deep.equal([409, 'urn:castellan:error:policy_exists']);
      expect((await rename({ name: 'first of two', organizationId: uuidv7(new Date()) })).status).to.equal(404);
      const { json } = await root('GET', '/authz/policies?limit=200');
      const own = json.items.filter(({ name }: ApiAnswer['json']) => /of two$/.test(name));
      expect(own.map(({ name, version }: ApiAnswer['json']) => [name, version])).to.deep.equal([
        ['first of two', 1],
        ['second of two', 1],
      ]);
    });

    it('keeps a draft with a failing test case out of force', async () => {
      const tests = [{ action: 'approve', resource: { type: 'payments' }, context: { risk: 1 }, expected: true }];
      const { id } = await post('/authz/policies', { ...policy, name: 'failing', tests });
      const answer = await root('POST', `/authz/policies/${id}/activate`, {});
      expect(answer.status).to.equal(409);
      expect(answer.json.errors[0].path).to.equal('/tests/0');
    });

    it('Z3 lets the highest priority decide, and deny on ties', async () => {
      const target = { actions: ['open'], resources: ['door'] };
      await activate({ name: 'door low', effect: 'deny', target, condition: true, priority: 1 });
      const ask = async () =>
        (await machine('POST', '/authz/check', { subject: { id: ids.cyd }, action: 'open', resource: { type: 'door' } })).json
          .allowed;
      expect(await ask()).to.equal(false);
      await activate({ name: 'door high', effect: 'allow', target, condition: true, priority: 2 });
      expect(await ask()).to.equal(true);
      await activate({ name: 'door tie', effect: 'deny', target, condition: true, priority: 2 });
      expect(await ask()).to.equal(false);
    });
  });

  describe('OpenID AuthZEN 1.0', () => {
    const subject = (name: string) => ({ type: 'user', id: emails.find((email) => nameOf(email) === name) });

    before(async () => {
      const any = ['todo:can_read_todos:any', 'user:can_read_user:any'];
      const roles: Record<string, string[]> = {
        viewer: any,
        editor: [...any, 'todo:can_create_todo:any'],
        admin: [...any, 'todo:can_create_todo:any', 'todo:can_delete_todo:any'],
        evil_genius: ['todo:can_update_todo:any'],
      };
      for (const [name, permissions] of Object.entries(roles))
        await post('/rbac/roles', { name, permissions, createPermissions: true });
      for (const [email, , names] of todoPeople) {
        for (const role of names) await post(`/rbac/users/${ids[nameOf(email)]}/roles`, { role });
      }
      await register(
        root,
        todoPeople.map(([email, id]) => ({ type: 'user', id, userId: ids[nameOf(email)] })),
      );
      await activate({
        name: 'editors keep their own todos',
        effect: 'allow',
        target: { resources: ['todo'], actions: ['can_update_todo', 'can_delete_todo'] },
        condition: {
          and: [{ in: ['editor', { var: 'subject.roles' }] }, { '==': [{ var: 'resource.ownerID' }, { var: 'subject.email' }] }],
        },
      });
    });

    it('publishes its metadata', async () => {
      const response = await fetch(`${stand.issuer}/.well-known/authzen-configuration`);
      expect(response.status).to.equal(200);
      const metadata = (await response.json()) as Record<string, string>;
      expect(metadata.policy_decision_point).to.equal(stand.issuer);
      expect(metadata.access_evaluation_endpoint).to.equal(`${stand.issuer}/access/v1/evaluation`);
    });

    it('decides the Todo interop scenario as published, by its own subject ids', async () => {
      const todo = (number: number, owner: string) => ({
        type: 'todo',
        id: `7240d0db-8ff0-41ec-98b2-34a096273b9${number}`,
        properties: { ownerID: owner },
      });
      const [rick = '', morty = '', summer = '', beth = '', jerry = ''] = todoPeople.map(([email]) => email);
      const [ricks, mortys] = [todo(2, rick), todo(1, morty)];
      /** The second object of each, and the decisions about update and delete of Rick's and of that one. */
      const cases: Record<string, [other: ReturnType<typeof todo>, create: boolean, rights: [boolean, boolean]]> = {
        [rick]: [mortys, true, [true, true]],
        [morty]: [mortys, true, [false, true]],
        [summer]: [todo(3, summer), true, [false, true]],
        [beth]: [todo(4, beth), false, [false, false]],
        [jerry]: [todo(5, jerry), false, [false, false]],
      };
      let asked = 0;
      const expectDecision = async (id: string, action: string, resource: unknown, decision: boolean): Promise<void> => {
        const answer = await authzen('/access/v1/evaluation', {
          subject: { type: 'user', id },
          action: { name: action },
          resource,
        });
        expect(answer.status).to.equal(200);
        expect(answer.json.decision, `${id} ${action} ${JSON.stringify(resource)}`).to.equal(decision);
        asked += 1;
      };
      for (const [email, id] of todoPeople) {
        const [other, create, [onRicks, onOther]] = cases[email] as (typeof cases)[string];
        for (const person of [beth, email]) await expectDecision(id, 'can_read_user', { type: 'user', id: person }, true);
        await expectDecision(id, 'can_read_todos', { type: 'todo', id: 'todo-1' }, true);
        await expectDecision(id, 'can_create_todo', { type: 'todo', id: 'todo-1' }, create);
        for (const action of ['can_update_todo', 'can_delete_todo']) {
          await expectDecision(id, action, ricks, onRicks);
          await expectDecision(id, action, other, onOther);
        }
      }
      expect(asked).to.equal(40);
      const batches: [number, ReturnType<typeof todo>[], boolean[]][] = [
        [0, [ricks, todo(5, jerry)], [true, true]],
        [1, [ricks, mortys], [false, true]],
        [4, [ricks, todo(5, jerry)], [false, false]],
      ];
      for (const [index, todos, expected] of batches) {
        const { json } = await authzen('/access/v1/evaluations', {
          subject: { type: 'user', id: todoPeople[index]?.[1] },
          action: { name: 'can_update_todo' },
          evaluations: todos.map((resource) => ({ resource })),
        });
        expect(json.evaluations.map(({ decision }: { decision: boolean }) => decision)).to.deep.equal(expected);
      }
    });

    it('evaluates many with defaults and the three semantics', async () => {
      const evaluations = ['can_read_todos', 'can_create_todo', 'can_read_todos'].map((name) => ({ action: { name } }));
      const ask = async (semantic?: string) => {
        const body = {
          subject: subject('beth'),
          resource: { type: 'todo', id: 'todo-1' },
          evaluations,
          ...(semantic && { options: { evaluations_semantic: semantic } }),
        };
        return (await authzen('/access/v1/evaluations', body)).json.evaluations.map(
          ({ decision }: { decision: boolean }) => decision,
        );
      };
      expect(await ask()).to.deep.equal([true, false, true]);
      expect(await ask('execute_all')).to.deep.equal([true, false, true]);
      expect(await ask('deny_on_first_deny')).to.deep.equal([true, false]);
      expect(await ask('permit_on_first_permit')).to.deep.equal([true]);
      const single = await authzen('/access/v1/evaluations', {
        subject: subject('beth'),
        resource: { type: 'todo', id: '1' },
        action: { name: 'can_read_todos' },
      });
      expect(single.json.decision).to.equal(true);
    });

    it('searches subjects and actions', async () => {
      const resource = { type: 'todo', id: 'todo-1' };
      const people = await authzen('/access/v1/search/subject', {
        subject: { type: 'user' },
        action: { name: 'can_create_todo' },
        resource,
      });
      const found = people.json.results.map(({ id }: { id: string }) => id);
      expect(found).to.include.members([ids.rick, ids.morty, ids.summer]);
      expect(found).to.not.include(ids.beth);
      const first = await authzen('/access/v1/search/subject', {
        subject: { type: 'user' },
        action: { name: 'can_create_todo' },
        resource,
        page: { limit: 2 },
      });
      expect(first.json.page.next_token).to.be.a('string');
      const actions = await authzen('/access/v1/search/action', { subject: subject('beth'), resource });
      expect(actions.json.results).to.deep.equal([{ name: 'can_read_todos' }]);
    });

    it('refuses what is malformed, echoes X-Request-ID, and wants a token', async () => {
      const wrong = await authzen(
        '/access/v1/evaluation',
        { subject: subject('beth'), resource: { type: 'todo', id: '1' } },
        { 'x-request-id': 'abc-1' },
      );
      expect(wrong.status).to.equal(400);
      expect(wrong.headers.get('x-request-id')).to.equal('abc-1');
      expect((await authzen('/access/v1/evaluation', '{')).status).to.equal(400);
      expect((await authzen('/access/v1/evaluation', '{}', { 'content-type': 'text/plain' })).status).to.be.oneOf([400, 415]);
      // A request with an id of its own goes through the whole pipeline; both ways say the same.
      const bodies = [
        { subject: subject('beth'), action: { name: 'can_read_todos' }, resource: { type: 'todo', id: '1' } },
        { subject: subject('beth'), action: { name: 'can_create_todo' }, resource: { type: 'todo', id: '1' } },
        { subject: subject('beth'), action: { name: 'can_read_todos' } },
        { ...subject('beth'), action: 1 },
        '{"subject":{"__proto__":{}}}',
      ];
      const bearers = [
        {},
        { authorization: 'Bearer x.y.z' },
        { authorization: `Bearer ${await machineToken(stand, registrar)}` },
      ];
      for (const body of bodies) {
        for (const bearer of bearers) {
          const [plain, whole] = [
            await authzen('/access/v1/evaluation', body, bearer),
            await authzen('/access/v1/evaluation', body, { 'x-request-id': 'abc-2', ...bearer }),
          ].map(({ status, headers, json: { correlationId: _id, ...json } }) => {
            const { date, 'x-correlation-id': _, 'x-request-id': __, connection, ...rest } = Object.fromEntries(headers);
            return { status, headers: rest, json };
          });
          expect(plain).to.deep.equal(whole);
        }
      }
      const stranger = await fetch(`${stand.issuer}/access/v1/evaluation`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
      expect(stranger.status).to.equal(401);
      expect(stranger.headers.get('www-authenticate')).to.match(/^Bearer/);
    });
  });
});
