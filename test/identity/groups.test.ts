import { expect } from 'chai';
import { setTenants } from '../../src/platform/db/index.ts';
import { type Call, personCalls } from '../support/callers.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'correct horse battery staple';
const names = ['ann', 'bob', 'cyd', 'mia'] as const;
type Name = 'root' | (typeof names)[number];
const uuid = (tail: string): string => `01890004-0000-7000-8000-${tail.padStart(12, '0')}`;
const [alfa, bravo] = [uuid('a1'), uuid('a2')];

describe('I5 AZ-04 AZ-11 groups', () => {
  let stand: Stand;
  let asRoot: Call;
  /** Administrator of the organization alfa only. */
  let asMia: Call;
  let asBob: Call;
  const ids = {} as Record<Name, string>;
  const base = '/identity/groups';
  const typeOf = ({ status, json }: { status: number; json: { type?: string } }) => [status, json?.type?.split(':').at(-1)];
  const make = async (body: object, by = asRoot): Promise<string> => {
    const { status, json } = await by('POST', base, body);
    expect(status, JSON.stringify(json)).to.equal(201);
    return json.id;
  };
  const role = async (name: string, permissions: string[], more: object = {}) => {
    const { status, json } = await asRoot('POST', '/rbac/roles', { name, permissions, createPermissions: true, ...more });
    expect(status, JSON.stringify(json)).to.equal(201);
    return json.id as string;
  };
  const bind = async (group: string, name: string) =>
    expect((await asRoot('POST', `/rbac/groups/${group}/roles`, { role: name })).status).to.equal(201);
  const may = async (by: Call, action: string, resource: object): Promise<boolean> =>
    (await by('POST', '/authz/check', { action, resource })).json.allowed;
  const put = async (group: string, body: object, by = asRoot) =>
    by('PUT', `${base}/${group}`, body, { 'if-match': (await by('GET', `${base}/${group}`)).headers.get('etag') ?? '' });

  before(async function () {
    this.timeout(120_000);
    stand = await startStand({
      env: { BOOTSTRAP_ADMIN_EMAIL: 'root@example.test', BOOTSTRAP_ADMIN_PASSWORD: password },
      bootstrap: { users: names.map((name) => ({ email: `${name}@example.test`, password, email_verified: true, name })) },
    });
    const { knex } = stand.database;
    for (const name of ['root', ...names] as const) {
      const row = await knex('identifiers')
        .where({ value: `${name}@example.test` })
        .first('user_id');
      ids[name] = row.user_id;
    }
    const times = { created_at: new Date(), updated_at: new Date() };
    await knex('organizations').insert([
      { id: alfa, name: 'Alfa', slug: 'alfa', ...times },
      { id: bravo, name: 'Bravo', slug: 'bravo', ...times },
    ]);
    await stand.database.transaction(async (trx) => {
      await setTenants(trx, 'all');
      const member = (organization: string, name: Name) => ({
        organization_id: organization,
        user_id: ids[name],
        created_at: new Date(),
      });
      await trx('organization_members').insert([member(alfa, 'mia'), member(alfa, 'ann'), member(bravo, 'cyd')]);
    });
    asRoot = await personCalls(stand, 'root@example.test', password);
    await role('letter-reader', ['letters:read:any']);
    await role('letter-writer', ['letters:write:any']);
    const given = await asRoot('POST', `/rbac/users/${ids.mia}/roles`, { role: 'ADMIN', organizationId: alfa });
    expect(given.status).to.equal(201);
    asMia = await personCalls(stand, 'mia@example.test', password);
    asBob = await personCalls(stand, 'bob@example.test', password);
  });
  after(() => stand?.close());

  it('creates, reads by id and by name, lists, replaces with If-Match and removes', async () => {
    const made = await asRoot('POST', base, { name: 'Văn phòng', description: 'Everybody there' });
    expect(made.json).to.deep.include({ name: 'Văn phòng', parent: null, organizationId: null, memberCount: 0 });
    const { id } = made.json;
    expect(typeOf(await asRoot('POST', base, { name: 'VĂN PHÒNG' })), 'one name').to.deep.equal([409, 'group_exists']);
    const desk = await make({ name: 'Desk', parent: 'Văn phòng' });
    const one = await asRoot('GET', `${base}/desk`);
    expect(one.json).to.deep.include({ id: desk, parent: { id, name: 'Văn phòng' } });
    const [first, rest] = [await asRoot('GET', `${base}?limit=1`), await asRoot('GET', `${base}?parent=${id}`)];
    expect([first.json.items[0].name, rest.json.items.map((group: { id: string }) => group.id)]).to.deep.equal(['Desk', [desk]]);
    const next = await asRoot('GET', `${base}?limit=1&cursor=${first.json.nextCursor}`);
    expect(next.json.items[0].name).to.equal('Văn phòng');
    const path = `${base}/${desk}`;
    expect((await asRoot('PUT', path, { name: 'Desks' })).status).to.equal(428);
    const etag = { 'if-match': one.headers.get('etag') ?? '' };
    const put1 = await asRoot('PUT', path, { name: 'Desks' }, etag);
    expect([put1.status, put1.json.name, put1.json.parent]).to.deep.equal([200, 'Desks', null]);
    expect((await asRoot('PUT', path, { name: 'Late' }, etag)).status).to.equal(412);
    for (const body of [{ name: '' }, { name: 'a/b' }, { name: 'x', memberCount: 3 }, { name: 7 }, {}])
      expect((await asRoot('POST', base, body)).status, JSON.stringify(body)).to.equal(400);
    expect((await asRoot('DELETE', path)).status).to.equal(204);
    expect((await asRoot('GET', path)).status).to.equal(404);
    const { json } = await asRoot('GET', `/audit/events?target=${desk}`);
    const types = json.items.map(({ type }: { type: string }) => type).sort();
    expect(types).to.deep.equal(['group.created', 'group.deleted', 'group.updated']);
  });

  it('AZ-04 gives a member what the group and those above it hold, at once, and takes it back', async () => {
    const house = await make({ name: 'House' });
    const floor = await make({ name: 'Floor', parent: 'House' });
    await bind(house, 'letter-reader');
    const asked = [asBob, 'read', { type: 'letters' }] as const;
    expect(await may(...asked)).to.equal(false);
    const added = await asRoot('POST', `${base}/Floor/members`, { userId: ids.bob, role: 'lead' });
    expect([added.status, added.json.email, added.json.role]).to.deep.equal([201, 'bob@example.test', 'lead']);
    expect(await may(...asked), 'the next decision').to.equal(true);
    const again = await asRoot('POST', `${base}/Floor/members`, { userId: ids.bob });
    expect(typeOf(again)).to.deep.equal([409, 'group_member_exists']);
    const changed = await asRoot('PUT', `${base}/Floor/members/${ids.bob}`, { role: 'member' });
    expect(changed.json.role).to.equal('member');
    expect((await put(floor, { name: 'Floor' })).status, 'nested no more').to.equal(200);
    expect(await may(...asked)).to.equal(false);
    expect((await put(floor, { name: 'Floor', parent: house })).status).to.equal(200);
    expect(await may(...asked)).to.equal(true);
    expect(typeOf(await asRoot('DELETE', `${base}/${house}`))).to.deep.equal([409, 'group_has_groups']);
    const listed = await asRoot('GET', `${base}?userId=${ids.bob}`);
    expect(listed.json.items.map(({ name }: { name: string }) => name)).to.deep.equal(['Floor']);
    expect((await asRoot('GET', `${base}/Floor/members`)).json.items).to.have.length(1);
    expect((await asRoot('DELETE', `${base}/Floor/members/${ids.bob}`)).status).to.equal(204);
    expect(await may(...asked)).to.equal(false);
    expect((await asRoot('DELETE', `${base}/Floor/members/${ids.bob}`)).status).to.equal(404);
  });

  it('refuses circles and towers', async () => {
    const chain = [await make({ name: 'Step 1' })];
    for (let step = 2; step <= 10; step += 1) chain.push(await make({ name: `Step ${step}`, parent: chain.at(-1) }));
    expect(typeOf(await asRoot('POST', base, { name: 'Step 11', parent: chain.at(-1) }))).to.deep.equal([400, 'group_too_deep']);
    expect(typeOf(await put(chain[0] ?? '', { name: 'Step 1', parent: chain[3] }))).to.deep.equal([400, 'group_cycle']);
    expect(typeOf(await put(chain[0] ?? '', { name: 'Step 1', parent: chain[0] }))).to.deep.equal([400, 'group_cycle']);
  });

  it('AZ-11 lets no rights meet that are kept apart, by membership or by nesting, but by an override with a reason', async () => {
    const [readers, writers] = [await make({ name: 'Readers' }), await make({ name: 'Writers' })];
    await bind(readers, 'letter-reader');
    await bind(writers, 'letter-writer');
    const rule = await asRoot('POST', '/rbac/sod-rules', { name: 'Read or write', roles: ['letter-reader', 'letter-writer'] });
    expect(rule.status).to.equal(201);
    expect((await asRoot('POST', `${base}/Readers/members`, { userId: ids.ann })).status).to.equal(201);
    const met = await asRoot('POST', `${base}/Writers/members`, { userId: ids.ann });
    expect(typeOf(met)).to.deep.equal([409, 'duties_conflict']);
    expect(typeOf(await put(readers, { name: 'Readers', parent: writers }))).to.deep.equal([409, 'duties_conflict']);
    expect((await asRoot('GET', `${base}/Writers/members`)).json.items, 'nothing stays').to.deep.equal([]);
    const override = { reason: 'for the move' };
    expect((await asRoot('POST', `${base}/Writers/members`, { userId: ids.ann, override })).status).to.equal(201);
    const { json } = await asRoot('GET', '/audit/events?type=rbac.sod_overridden');
    expect(json.items[0]).to.deep.include({ reason: override.reason });
    const both = await Promise.all(
      ['Readers', 'Writers'].map((group) => asRoot('POST', `${base}/${group}/members`, { userId: ids.cyd })),
    );
    expect(both.map(({ status }) => status).sort(), 'at the same moment').to.deep.equal([201, 409]);
    for (const group of ['Readers', 'Writers']) expect((await asRoot('DELETE', `${base}/${group}`)).status).to.equal(204);
    expect((await asRoot('DELETE', `/rbac/sod-rules/${rule.json.id}`)).status).to.equal(204);
  });

  it('AZ-03 AZ-04 refuses what the caller does not hold: members, nesting, taking away', async () => {
    const mine = await make({ name: 'Mine' }, asMia);
    expect((await asRoot('GET', `${base}/${mine}`)).json.organizationId, 'the only one she acts in').to.equal(alfa);
    expect((await asMia('POST', `${base}/Mine/members`, { userId: ids.ann })).status).to.equal(201);
    await bind(mine, 'letter-writer');
    const add = await asMia('POST', `${base}/Mine/members`, { userId: ids.mia });
    expect([...typeOf(add), add.json.permission]).to.deep.equal([403, 'grant_not_yours', 'letters:write:any']);
    expect(typeOf(await asMia('DELETE', `${base}/Mine/members/${ids.ann}`))).to.deep.equal([403, 'grant_not_yours']);
    expect(typeOf(await asMia('POST', base, { name: 'Below', parent: 'Mine' }))).to.deep.equal([403, 'grant_not_yours']);
    expect(typeOf(await asMia('DELETE', `${base}/Mine`))).to.deep.equal([403, 'grant_not_yours']);
    const plain = await asBob('POST', base, { name: 'Nothing' });
    expect([plain.status, plain.json.permission]).to.deep.equal([403, 'group:create']);
  });

  it('AZ-04 counts what scope `group` makes of a membership: joining and nesting give it in the group and those above', async () => {
    await role('memo-reader', ['memos:read:group']);
    const given = await asRoot('POST', `/rbac/users/${ids.ann}/roles`, { role: 'memo-reader' });
    expect(given.status).to.equal(201);
    const [pool, board] = [await make({ name: 'Pool' }, asMia), await make({ name: 'Board' }, asMia)];
    const reads = async (groupId: string): Promise<boolean> => {
      const resource = { type: 'memos', attributes: { groupId, organizationId: alfa } };
      return (await asRoot('POST', '/authz/check', { subject: { id: ids.ann }, action: 'read', resource })).json.allowed;
    };
    const refused = ({ status, json }: Awaited<ReturnType<Call>>) => [status, json.permissions];
    const join = (by: Call) => by('POST', `${base}/${pool}/members`, { userId: ids.ann });
    expect(refused(await join(asMia))).to.deep.equal([403, ['memos:read:group']]);
    expect((await join(asRoot)).status).to.equal(201);
    expect([await reads(pool), await reads(board)]).to.deep.equal([true, false]);
    const nest = (by: Call) => put(pool, { name: 'Pool', parent: board }, by);
    expect(refused(await nest(asMia))).to.deep.equal([403, ['memos:read:group']]);
    expect((await nest(asRoot)).status).to.equal(200);
    expect([await reads(pool), await reads(board)]).to.deep.equal([true, true]);
    for (const group of [pool, board]) expect((await asRoot('DELETE', `${base}/${group}`)).status).to.equal(204);
  });

  it('TN-03 TN-04 keeps to the organization: groups of others and of the deployment, people from elsewhere', async () => {
    const [deployments, theirs] = [await make({ name: 'Deployment' }), await make({ name: 'Theirs', organizationId: bravo })];
    for (const group of [deployments, theirs, 'Deployment', 'Theirs']) {
      expect((await asMia('GET', `${base}/${group}`)).status, group).to.equal(404);
      expect((await asMia('POST', `${base}/${group}/members`, { userId: ids.mia })).status, group).to.equal(404);
    }
    const seen = (await asMia('GET', base)).json.items.map(({ organizationId }: { organizationId: string }) => organizationId);
    expect(new Set(seen)).to.deep.equal(new Set([alfa]));
    const own = await make({ name: 'Own', organizationId: alfa }, asMia);
    expect(typeOf(await asMia('POST', `${base}/${own}/members`, { userId: ids.cyd }))).to.deep.equal([404, 'account_not_found']);
    expect(typeOf(await asRoot('POST', `${base}/${own}/members`, { userId: ids.cyd }))).to.deep.equal([
      409,
      'group_member_elsewhere',
    ]);
    expect((await asRoot('POST', base, { name: 'Bound', organizationId: alfa, parent: theirs })).status).to.equal(404);
    expect((await asRoot('POST', base, { name: 'Bound', organizationId: alfa, parent: deployments })).status).to.equal(404);
  });

  it('AZ-04 takes the last SUPER_ADMIN out of no group', async () => {
    const top = await make({ name: 'Top' });
    await bind(top, 'SUPER_ADMIN');
    expect((await asRoot('POST', `${base}/Top/members`, { userId: ids.root })).status).to.equal(201);
    expect((await asRoot('DELETE', `/rbac/users/${ids.root}/roles/SUPER_ADMIN`)).status).to.equal(204);
    for (const path of [`${base}/Top/members/${ids.root}`, `${base}/Top`])
      expect(typeOf(await asRoot('DELETE', path)), path).to.deep.equal([409, 'last_super_admin']);
  });
});
