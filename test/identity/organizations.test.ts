import { expect } from 'chai';
import { randomSecret, sha256 } from '../../src/platform/crypto/index.ts';
import { setTenants } from '../../src/platform/db/index.ts';
import { type Call, personCalls } from '../support/callers.ts';
import { createTestClock } from '../support/clock.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'correct horse battery staple';
const names = ['ann', 'bob', 'cyd', 'dan', 'mia'] as const;
type Name = 'root' | (typeof names)[number];

describe('I4 organizations', () => {
  const clock = createTestClock();
  let stand: Stand;
  let asRoot: Call;
  /** Administrator of the organization alfa only. */
  let asMia: Call;
  let asAnn: Call;
  let alfa: string;
  const ids = {} as Record<Name, string>;
  const base = '/identity/organizations';
  const typeOf = ({ status, json }: { status: number; json: { type?: string } }) => [status, json?.type?.split(':').at(-1)];
  const put = async (reference: string, body: object, by = asRoot) =>
    by('PUT', `${base}/${reference}`, body, { 'if-match': (await by('GET', `${base}/${reference}`)).headers.get('etag') ?? '*' });

  before(async function () {
    this.timeout(120_000);
    stand = await startStand({
      clock,
      env: { BOOTSTRAP_ADMIN_EMAIL: 'root@example.test', BOOTSTRAP_ADMIN_PASSWORD: password },
      bootstrap: {
        users: names.map((name) => ({ email: `${name}@example.test`, password, email_verified: true })),
        organizations: [
          { name: 'Alfa', members: ['mia@example.test', 'ann@example.test', 'nobody@example.test'] },
          { name: 'Ủy ban Đà Nẵng', parent: 'alfa' },
        ],
      },
    });
    for (const name of ['root', ...names] as const) {
      const row = await stand.database
        .knex('identifiers')
        .where({ value: `${name}@example.test` })
        .first('user_id');
      ids[name] = row.user_id;
    }
    asRoot = await personCalls(stand, 'root@example.test', password);
    alfa = (await asRoot('GET', `${base}/alfa`)).json.id;
    expect((await asRoot('POST', `/rbac/users/${ids.mia}/roles`, { role: 'ADMIN', organizationId: alfa })).status).to.equal(201);
    asMia = await personCalls(stand, 'mia@example.test', password);
    asAnn = await personCalls(stand, 'ann@example.test', password);
  });
  after(() => stand?.close());

  it('has those of the bootstrap file, with members and their place', async () => {
    const { json } = await asRoot('GET', base);
    const seen = json.items.map(({ name, slug, parent, memberCount }: Record<string, unknown>) => [
      name,
      slug,
      parent,
      memberCount,
    ]);
    expect(seen).to.deep.equal([
      ['Alfa', 'alfa', null, 2],
      ['Ủy ban Đà Nẵng', 'uy-ban-da-nang', { id: alfa, name: 'Alfa' }, 0],
    ]);
    expect((await asRoot('GET', `${base}?parent=alfa`)).json.items).to.have.length(1);
    expect((await asRoot('GET', `${base}?userId=${ids.ann}`)).json.items).to.have.length(1);
    expect((await asRoot('GET', `${base}?search=%25`)).json.items).to.deep.equal([]);
  });

  it('TN-06 creates, pages, changes with If-Match; refuses circles, towers, taken slugs, branding that is more than words and a colour', async () => {
    const made = await asRoot('POST', base, { name: 'Bravo', branding: { displayName: 'Bravo & Sons', accentColor: '#123456' } });
    expect([made.status, made.json.slug, made.json.branding.accentColor]).to.deep.equal([201, 'bravo', '#123456']);
    expect(typeOf(await asRoot('POST', base, { name: 'BRAVO' }))).to.deep.equal([409, 'organization_exists']);
    const path = `${base}/${made.json.id}`;
    expect((await asRoot('PUT', path, { name: 'B' })).status).to.equal(428);
    const etag = { 'if-match': made.headers.get('etag') ?? '' };
    const changed = await asRoot('PUT', path, { name: 'Bravo 2', parent: 'alfa' }, etag);
    expect([changed.status, changed.json.slug, changed.json.parent.id]).to.deep.equal([200, 'bravo', alfa]);
    expect(changed.json.branding.displayName, 'what is not named stays').to.equal('Bravo & Sons');
    expect((await asRoot('PUT', path, { name: 'Late' }, etag)).status).to.equal(412);
    expect(typeOf(await put('alfa', { name: 'Alfa', parent: 'bravo' }))).to.deep.equal([400, 'organization_cycle']);
    expect(typeOf(await put('bravo', { name: 'Bravo', slug: 'alfa' }))).to.deep.equal([409, 'organization_exists']);
    let parent = 'bravo';
    for (let step = 3; step <= 10; step += 1) {
      parent = (await asRoot('POST', base, { name: `Step ${step}`, parent })).json.slug;
    }
    expect(typeOf(await asRoot('POST', base, { name: 'Step 11', parent }))).to.deep.equal([400, 'organization_too_deep']);
    const page = await asRoot('GET', `${base}?limit=3`);
    const rest = await asRoot('GET', `${base}?limit=3&cursor=${page.json.nextCursor}`);
    expect(rest.json.items[0].name > page.json.items[2].name).to.equal(true);
    for (const branding of [
      { accentColor: '#ffcc00' },
      { accentColor: 'red' },
      { accentColor: '#000;}body{display:none' },
      { logoUri: 'javascript:alert(1)' },
      { logoUri: 'http://logo.example/x.png' },
      { displayName: 'a\u202eb' },
      { accentColor: 'url(https://evil.example/x)' },
      { logoUri: 'data:image/svg+xml,<svg onload=alert(1)>' },
      { css: 'body{}' },
    ])
      expect((await asRoot('POST', base, { name: 'Evil', branding })).status, JSON.stringify(branding)).to.equal(400);
    const events = await asRoot('GET', `/audit/events?target=${made.json.id}`);
    expect(events.json.items.map(({ type }: { type: string }) => type).sort()).to.deep.equal([
      'identity.organization_created',
      'identity.organization_updated',
    ]);
  });

  it('TN-02 lets its administrators change name and branding, and see nothing of others', async () => {
    expect((await asMia('GET', base)).json.items.map(({ id }: { id: string }) => id)).to.deep.equal([alfa]);
    const own = await put('alfa', { name: 'Alfa Group', branding: { accentColor: '#00506b' } }, asMia);
    expect([own.status, own.json.name]).to.deep.equal([200, 'Alfa Group']);
    for (const more of [{ slug: 'mine' }, { parent: 'bravo' }, { status: 'suspended' }]) {
      const refused = await put('alfa', { name: 'Alfa', ...more }, asMia);
      expect([refused.status, refused.json.permission], JSON.stringify(more)).to.deep.equal([403, 'organization:update:any']);
    }
    for (const [method, path, body] of [
      ['GET', `${base}/bravo`, undefined],
      ['PUT', `${base}/bravo`, { name: 'Mine' }],
      ['GET', `${base}/bravo/members`, undefined],
      ['POST', `${base}/bravo/members`, { userId: ids.mia }],
      ['POST', `${base}/alfa/members`, { userId: ids.bob }],
    ] as const)
      expect((await asMia(method, path, body, { 'if-match': '*' })).status, `${method} ${path}`).to.equal(404);
    expect((await asMia('POST', base, { name: 'Mine' })).json.permission).to.equal('organization:create:any');
    expect((await asAnn('GET', `${base}/alfa`)).status).to.equal(403);
  });

  it('TN-03 tells the administrators of one below another nothing of the one above, and keeps its place when they change it', async () => {
    const slug = 'uy-ban-da-nang';
    expect((await asRoot('POST', `${base}/${slug}/members`, { userId: ids.dan })).status).to.equal(201);
    const { id } = (await asRoot('GET', `${base}/${slug}`)).json;
    expect((await asRoot('POST', `/rbac/users/${ids.dan}/roles`, { role: 'ADMIN', organizationId: id })).status).to.equal(201);
    const asDan = await personCalls(stand, 'dan@example.test', password);
    const seen = await asDan('GET', `${base}/${slug}`);
    expect([seen.status, seen.json.parent]).to.deep.equal([200, null]);
    expect((await put(slug, { name: 'Ủy ban', parent: null }, asDan)).status, 'what was read may be put back').to.equal(200);
    expect((await asRoot('GET', `${base}/${slug}`)).json).to.deep.include({
      name: 'Ủy ban',
      parent: { id: alfa, name: 'Alfa Group' },
    });
  });

  it('takes members in, and with whoever leaves go roles and groups of the organization, at once', async () => {
    expect((await asRoot('POST', `${base}/alfa/members`, { userId: ids.bob })).json.email).to.equal('bob@example.test');
    expect(typeOf(await asRoot('POST', `${base}/alfa/members`, { userId: ids.bob }))).to.deep.equal([
      409,
      'organization_member_exists',
    ]);
    const asBob = await personCalls(stand, 'bob@example.test', password);
    const mine = async () => (await asBob('GET', '/auth/me')).json;
    expect((await mine()).organizations.map(({ id }: { id: string }) => id)).to.deep.equal([alfa]);
    expect((await asMia('POST', '/identity/groups', { name: 'Desk' })).status).to.equal(201);
    expect((await asMia('POST', '/identity/groups/Desk/members', { userId: ids.bob })).status).to.equal(201);
    const given = await asMia('POST', `/rbac/users/${ids.bob}/roles`, { role: 'MODERATOR', organizationId: alfa });
    expect(given.status, JSON.stringify(given.json)).to.equal(201);
    expect((await asBob('GET', '/identity/groups')).json.items, 'the role works').to.have.length(1);
    const { json } = await asMia('GET', `${base}/alfa/members?limit=200`);
    expect(json.items.map(({ userId }: { userId: string }) => userId)).to.have.members([ids.mia, ids.ann, ids.bob]);
    expect((await asMia('DELETE', `${base}/alfa/members/${ids.bob}`)).status).to.equal(204);
    expect((await mine()).organizations).to.deep.equal([]);
    expect((await asBob('GET', '/identity/groups')).status, 'nor the role').to.equal(403);
    expect((await asRoot('GET', `/identity/groups?userId=${ids.bob}`)).json.items).to.deep.equal([]);
    expect((await asMia('DELETE', `${base}/alfa/members/${ids.bob}`)).status).to.equal(404);
  });

  describe('AZ-04 a membership gives what scope `organization` makes of it', () => {
    /** May make people members, invite and give roles anywhere, and reads letters in organizations of hers: alfa. */
    let asAnnClerk: Call;
    let charlie: string;
    const role = async (name: string, permissions: string[], more: object = {}) => {
      const { status, json } = await asRoot('POST', '/rbac/roles', { name, permissions, createPermissions: true, ...more });
      expect(status, JSON.stringify(json)).to.equal(201);
    };
    const give = async (name: Name, wish: object) =>
      expect((await asRoot('POST', `/rbac/users/${ids[name]}/roles`, wish)).status, JSON.stringify(wish)).to.equal(201);
    const reads = async (name: Name, organizationId: string): Promise<boolean> => {
      const resource = { type: 'letters', attributes: { organizationId } };
      return (await asRoot('POST', '/authz/check', { subject: { id: ids[name] }, action: 'read', resource })).json.allowed;
    };
    const add = (by: Call, organization: string, name: Name, more: object = {}) =>
      by('POST', `${base}/${organization}/members`, { userId: ids[name], ...more });
    const refusal = ({ status, json }: Awaited<ReturnType<Call>>) => [status, json?.type?.split(':').at(-1), json?.permissions];

    before(async () => {
      charlie = (await asRoot('POST', base, { name: 'Charlie' })).json.id;
      await role('clerk', [
        'organization:assign:any',
        'organization:read:any',
        'user:read:any',
        'role:assign:any',
        'invitation:create:any',
      ]);
      await role('letter-reader', ['letters:read:organization']);
      for (const wish of [{ role: 'clerk' }, { role: 'letter-reader' }]) await give('ann', wish);
      for (const name of ['cyd', 'dan'] as const) await give(name, { role: 'letter-reader' });
      asAnnClerk = await personCalls(stand, 'ann@example.test', password);
    });

    it('AZ-03 AZ-04 refuses whom the caller would give more there than she holds there, herself too, and names it', async () => {
      expect(await reads('cyd', charlie), 'held, but not there').to.equal(false);
      const refused = [403, 'grant_not_yours', ['letters:read:organization']];
      expect(refusal(await add(asAnnClerk, charlie, 'cyd'))).to.deep.equal(refused);
      expect(refusal(await add(asAnnClerk, charlie, 'ann')), 'nor herself').to.deep.equal(refused);
      expect([await reads('cyd', charlie), await reads('ann', charlie)]).to.deep.equal([false, false]);
      expect((await asRoot('GET', `${base}/${charlie}`)).json.memberCount).to.equal(0);
      expect((await add(asAnnClerk, charlie, 'bob')).status, 'who brings nothing is let in').to.equal(201);
      expect((await add(asAnnClerk, alfa, 'cyd')).status, 'where she holds it').to.equal(201);
      expect([await reads('cyd', alfa), await reads('cyd', charlie)]).to.deep.equal([true, false]);
      expect((await add(asRoot, charlie, 'cyd')).status, 'who holds it everywhere').to.equal(201);
      expect(await reads('cyd', charlie)).to.equal(true);
      const taken = await asAnnClerk('DELETE', `${base}/${charlie}/members/${ids.cyd}`);
      expect(refusal(taken), 'and takes as little').to.deep.equal(refused);
      expect((await asRoot('DELETE', `${base}/${charlie}/members/${ids.cyd}`)).status).to.equal(204);
    });

    it('AZ-04 counts a membership in a suspended organization, a direct permission, and a direct denial that would be left behind', async () => {
      expect((await put(charlie, { name: 'Charlie', status: 'suspended' })).status).to.equal(200);
      expect((await add(asAnnClerk, charlie, 'dan')).status).to.equal(403);
      expect((await put(charlie, { name: 'Charlie', status: 'active' })).status).to.equal(200);
      const direct = `/rbac/users/${ids.bob}/permissions`;
      await role('stamper', ['letters:stamp:organization']);
      expect((await asRoot('POST', direct, { permission: 'letters:stamp:organization' })).status).to.equal(201);
      const stamp = [403, 'grant_not_yours', ['letters:stamp:organization']];
      expect(refusal(await add(asAnnClerk, alfa, 'bob'))).to.deep.equal(stamp);
      expect((await asRoot('DELETE', `${direct}/letters:stamp:organization`)).status).to.equal(204);
      const denied = { permission: 'letters:stamp:organization', effect: 'deny' };
      expect((await asRoot('POST', direct, denied)).status).to.equal(201);
      const leave = await asAnnClerk('DELETE', `${base}/${charlie}/members/${ids.bob}`);
      expect(refusal(leave), 'leaving lifts it').to.deep.equal(stamp);
      expect((await asRoot('DELETE', `${direct}/letters:stamp:organization`)).status).to.equal(204);
    });

    it('AZ-03 gives scope `organization` where the caller holds it, and everywhere only who holds it everywhere', async () => {
      const assign = (wish: object, by = asAnnClerk) =>
        by('POST', `/rbac/users/${ids.mia}/roles`, { role: 'letter-reader', ...wish });
      const refused = [403, 'grant_not_yours', ['letters:read:organization']];
      expect(refusal(await assign({}))).to.deep.equal(refused);
      expect((await add(asRoot, charlie, 'mia')).status).to.equal(201);
      expect(refusal(await assign({ organizationId: charlie }))).to.deep.equal(refused);
      expect((await assign({ organizationId: alfa })).status).to.equal(201);
      expect([await reads('mia', alfa), await reads('mia', charlie)]).to.deep.equal([true, false]);
      expect((await assign({}, asRoot)).status).to.equal(201);
      expect(await reads('mia', charlie)).to.equal(true);
    });

    it('AZ-06 counts a grant from its start to its end by the server’s clock, also while it is cached', async () => {
      const at = (seconds: number): string => new Date(clock.now().getTime() + seconds * 1000).toISOString();
      await role('night-reader', ['letters:read:any']);
      await give('bob', { role: 'night-reader', startsAt: at(30), expiresAt: at(60) });
      expect(await reads('bob', alfa), 'before').to.equal(false);
      clock.advance(30);
      expect(await reads('bob', alfa), 'within').to.equal(true);
      clock.advance(30);
      expect(await reads('bob', alfa), 'after').to.equal(false);
    });

    it('AZ-04 an organization below or above another gives nothing of it', async () => {
      const place = async (parent: string | null) => (await put(charlie, { name: 'Charlie', parent })).status;
      expect(await place('alfa')).to.equal(200);
      expect([await reads('cyd', alfa), await reads('cyd', charlie)]).to.deep.equal([true, false]);
      expect(await place(null)).to.equal(200);
    });

    it('AZ-04 AZ-11 an invitation gives as a membership does: judged by who invited, when it is accepted', async () => {
      const { invite, invitations } = stand.app.rooms.authn;
      const accept = async (inviter: Name, email: Name, organizationId: string, more: object = {}) => {
        const wish = { email: `${email}@example.test`, organizationId, ...more };
        const { id } = await invite(wish, { actor: { type: 'user', id: ids[inviter] }, scope: 'all' });
        const secret = randomSecret();
        await stand.database.transaction(async (trx) => {
          await setTenants(trx, 'all');
          await trx('invitations')
            .where({ id })
            .update({ secret_hash: sha256(secret) });
        });
        const { kind } = await invitations.join(secret, ids[email]);
        const told = (await asRoot('GET', `/audit/events?type=identity.invitation_accepted&target=${id}`)).json.items;
        return [kind, told[0]?.outcome, told[0]?.reason].filter((part) => part !== null).join(' ');
      };
      expect(await accept('ann', 'dan', charlie), 'she does not hold it there').to.equal('gone denied grant_not_yours');
      expect(await reads('dan', charlie)).to.equal(false);
      expect(await accept('ann', 'dan', alfa)).to.equal('accepted success');
      const rule = { name: 'Charlie reads or stamps', roles: ['letter-reader', 'stamper'], organizationId: charlie };
      const made = await asRoot('POST', '/rbac/sod-rules', rule);
      expect(made.status, JSON.stringify(made.json)).to.equal(201);
      expect(await accept('root', 'dan', charlie, { role: 'stamper' }), 'nor does its role meet what is held').to.equal(
        'gone denied duties_conflict',
      );
      const { items } = (await asRoot('GET', `${base}/${charlie}/members`)).json;
      expect(items.map(({ userId }: { userId: string }) => userId)).not.to.include(ids.dan);
      await give('dan', { role: 'stamper' });
      expect(await accept('root', 'dan', charlie), 'a rule of charlie keeps them apart').to.equal('gone denied duties_conflict');
      expect(typeOf(await add(asRoot, charlie, 'dan'))).to.deep.equal([409, 'duties_conflict']);
      expect(await reads('dan', charlie)).to.equal(false);
      const override = { reason: 'for a week' };
      expect((await add(asRoot, charlie, 'dan', { override })).status).to.equal(201);
      const { json } = await asRoot('GET', `/audit/events?type=rbac.sod_overridden&target=${made.json.id}`);
      expect(json.items).to.have.length(1);
      await asRoot('DELETE', `/rbac/sod-rules/${made.json.id}`);
    });
  });

  it('TK-05 suspending ends every session and token of an organization, and its return brings none of them back', async () => {
    const made = await asRoot('POST', '/clients', {
      client_name: 'Robot',
      redirect_uris: [],
      response_types: [],
      grant_types: ['client_credentials'],
      scope: 'authz',
      organization_id: alfa,
    });
    expect(made.status, JSON.stringify(made.json)).to.equal(201);
    const { client_id: id, client_secret: secret } = made.json;
    const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
    const token = () =>
      fetch(`${stand.issuer}/token`, {
        method: 'POST',
        headers: { authorization },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'authz', resource: stand.issuer }),
      });
    const { access_token: machine } = (await (await token()).json()) as { access_token: string };
    const seen = async (bearer: string) =>
      (await fetch(`${stand.issuer}/api/v1${base}/alfa`, { headers: { authorization: `Bearer ${bearer}` } })).status;
    const state = async () => [(await asMia('GET', `${base}/alfa`)).status, await seen(machine), (await token()).status];
    expect(await state()).to.deep.equal([200, 403, 200]);
    clock.advance(2);
    expect((await put('alfa', { name: 'Alfa', status: 'suspended' })).json.status).to.equal('suspended');
    expect(await state()).to.deep.equal([401, 401, 401]);
    const { json: events } = await asRoot('GET', `/audit/events?type=oidc.tokens_revoked&target=${alfa}`);
    expect(events.items).to.have.length(1);
    clock.advance(2);
    const again = await personCalls(stand, 'mia@example.test', password);
    expect((await again('GET', `${base}/alfa`)).status, 'signed in, but not there').to.equal(403);
    expect((await put('alfa', { name: 'Alfa', status: 'active' })).status).to.equal(200);
    expect(await state()).to.deep.equal([401, 401, 200]);
    expect((await again('GET', `${base}/alfa`)).status, 'works at once').to.equal(200);
  });
});
