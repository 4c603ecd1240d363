import { expect } from 'chai';
import { setTenants } from '../../src/platform/db/index.ts';
import { type Call, callerWith, personCalls } from '../support/callers.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'correct horse battery staple';
const names = ['ann', 'bob', 'mia'] as const;
type Name = 'root' | (typeof names)[number];
const alfa = '01890005-0000-7000-8000-0000000000a1';

describe('I1 people', () => {
  let stand: Stand;
  let mailbox: Mailbox;
  let asRoot: Call;
  /** Administrator of the organization alfa only, whose other member is ann. */
  let asMia: Call;
  let asBob: Call;
  const ids = {} as Record<Name, string>;
  const base = '/identity/users';
  const typeOf = ({ status, json }: { status: number; json: { type?: string } }) => [status, json?.type?.split(':').at(-1)];
  const emails = (items: { email: string }[]): string[] => items.map(({ email }) => email);
  const etagOf = async (id: string, by = asRoot) => ({
    'if-match': (await by('GET', `${base}/${id}`)).headers.get('etag') ?? '',
  });

  before(async function () {
    this.timeout(120_000);
    mailbox = await openMailbox();
    stand = await startStand({
      env: { SMTP_URL: mailbox.url, BOOTSTRAP_ADMIN_EMAIL: 'root@example.test', BOOTSTRAP_ADMIN_PASSWORD: password },
      bootstrap: {
        users: names.map((name) => ({
          email: `${name}@example.test`,
          password,
          email_verified: true,
          name: `${name} of the test`,
          preferred_username: name,
        })),
      },
    });
    const { knex } = stand.database;
    for (const name of ['root', ...names] as const) {
      const row = await knex('identifiers')
        .where({ value: `${name}@example.test` })
        .first('user_id');
      ids[name] = row.user_id;
    }
    const now = new Date();
    await knex('organizations').insert({ id: alfa, name: 'Alfa', slug: 'alfa', created_at: now, updated_at: now });
    await stand.database.transaction(async (trx) => {
      await setTenants(trx, 'all');
      const member = (name: Name) => ({ organization_id: alfa, user_id: ids[name], created_at: now });
      await trx('organization_members').insert([member('mia'), member('ann')]);
    });
    asRoot = await personCalls(stand, 'root@example.test', password);
    expect((await asRoot('POST', `/rbac/users/${ids.mia}/roles`, { role: 'ADMIN', organizationId: alfa })).status).to.equal(201);
    asMia = await personCalls(stand, 'mia@example.test', password);
    asBob = await personCalls(stand, 'bob@example.test', password);
  });
  after(async () => {
    await stand?.close();
    await mailbox?.close();
  });

  it('creates an account that signs in, in an organization where one is named; a taken address is told to who may see it', async () => {
    const profile = { givenName: 'New', locale: 'vi', address: { streetAddress: '1 Main Street', country: 'VN' } };
    const wish = { email: 'new@example.test', name: 'New Person', password, organizationId: alfa, profile };
    const made = await asRoot('POST', base, wish);
    expect(made.status, JSON.stringify(made.json)).to.equal(201);
    expect(made.json).to.deep.include({
      email: wish.email,
      emailVerified: false,
      name: 'New Person',
      status: 'active',
      lastSignInAt: null,
    });
    expect(made.json.organizations).to.deep.equal([{ id: alfa, name: 'Alfa' }]);
    expect(made.json.profile.address).to.deep.equal(profile.address);
    expect(made.headers.get('etag')).to.match(/^"\d+"$/);
    expect(JSON.stringify(made.json)).not.to.contain(password);
    await personCalls(stand, wish.email, password);
    expect(typeOf(await asRoot('POST', base, { email: ' NEW@example.test ' }))).to.deep.equal([409, 'account_exists']);
    const { json } = await asRoot('GET', `/audit/events?type=identity.user_created&target=${made.json.id}`);
    const [event] =
      json.items.length > 0 ? json.items : (await asRoot('GET', '/audit/events?type=identity.user_created')).json.items;
    expect([event.actorId ?? event.actor?.id, event.details.source]).to.deep.equal([ids.root, 'administrator']);
    for (const [body, path] of [
      [{}, '/email'],
      [{ email: 'nobody' }, '/email'],
      [{ email: 'x@example.test', password: 'short' }, '/password'],
      [{ email: 'x@example.test', status: 'active' }, '/status'],
      [{ email: 'x@example.test', profile: { picture: 'javascript:alert(1)' } }, '/profile/picture'],
    ] as const) {
      const refused = await asRoot('POST', base, body);
      expect([refused.status, refused.json.errors[0].path], JSON.stringify(body)).to.deep.equal([400, path]);
    }
  });

  it('invites instead where asked, and always for who acts for an organization, whoever has the address (TN-03)', async () => {
    const asked = await asRoot('POST', base, { email: 'invited@example.test', invite: true });
    expect([asked.status, asked.json.status]).to.deep.equal([201, 'invited']);
    expect((await mailbox.next('invited@example.test')).text).to.contain('/invitation?ticket=');
    const [free, taken] = [
      await asMia('POST', base, { email: 'free@example.test', name: 'Somebody' }),
      await asMia('POST', base, { email: 'bob@example.test', name: 'Somebody' }),
    ];
    const shape = ({ json: { id: _, email: __, invitationExpiresAt: ___, ...rest } }: typeof free) => rest;
    expect([free.status, taken.status]).to.deep.equal([201, 201]);
    expect(shape(taken)).to.deep.equal(shape(free));
    expect(taken.json.id).not.to.equal(ids.bob);
    for (const { json } of [free, taken]) expect((await asMia('GET', `${base}/${json.id}`)).status).to.equal(404);
    expect((await mailbox.next('bob@example.test')).text).to.contain('Alfa');
    expect(typeOf(await asMia('POST', base, { email: 'ann@example.test' })), 'one of hers').to.deep.equal([
      409,
      'account_exists',
    ]);
  });

  it('lists by pages, filters, searches; wildcards are letters (IN-01)', async () => {
    const first = await asRoot('GET', `${base}?limit=2`);
    const second = await asRoot('GET', `${base}?limit=2&cursor=${first.json.nextCursor}`);
    expect(new Set([...emails(first.json.items), ...emails(second.json.items)]).size).to.equal(4);
    const find = async (query: string) => emails((await asRoot('GET', `${base}?${query}`)).json.items);
    expect(await find('search=ANN%20of')).to.deep.equal(['ann@example.test']);
    expect(await find('search=bob%40')).to.deep.equal(['bob@example.test']);
    expect(await find('search=%25')).to.deep.equal([]);
    expect(await find('email=Bob%40EXAMPLE.test')).to.deep.equal(['bob@example.test']);
    expect(await find(`organizationId=${alfa}&search=mia`)).to.deep.equal(['mia@example.test']);
    expect(await find('status=deactivated')).to.deep.equal([]);
    expect((await find('sort=createdAt&limit=1'))[0]).not.to.equal(emails(first.json.items)[0]);
    expect(await find('createdAfter=2999-01-01T00:00:00Z')).to.deep.equal([]);
    expect((await asRoot('GET', `${base}?sort=name`)).status).to.equal(400);
    expect(emails((await asMia('GET', base)).json.items).sort()).to.deep.equal([
      'ann@example.test',
      'mia@example.test',
      'new@example.test',
    ]);
    expect((await asBob('GET', base)).json.items, 'what is one’s own is read one by one').to.deep.equal([]);
  });

  it('RC-09 changes with If-Match; of two at once one is told; an address stays its owner’s', async () => {
    const path = `${base}/${ids.ann}`;
    expect((await asRoot('PUT', path, { name: 'Ann' })).status).to.equal(428);
    const etag = await etagOf(ids.ann);
    const changed = await asRoot('PUT', path, { name: 'Ann Other', email: 'ANN@example.test' }, etag);
    expect([changed.status, changed.json.name, changed.json.profile.preferredUsername]).to.deep.equal([200, 'Ann Other', 'ann']);
    expect(changed.headers.get('etag')).not.to.equal(etag['if-match']);
    expect((await asRoot('PUT', path, { name: 'Late' }, etag)).status).to.equal(412);
    const another = await asRoot('PUT', path, { email: 'other@example.test' }, await etagOf(ids.ann));
    expect(typeOf(another)).to.deep.equal([409, 'account_address_is_owners']);
    for (const body of [{ password }, { status: 'locked' }, { emailVerified: true }, { name: 7 }])
      expect((await asRoot('PUT', path, body, { 'if-match': '*' })).status, JSON.stringify(body)).to.equal(400);
    expect((await asRoot('PUT', path, { name: null }, { 'if-match': '*' })).json.name).to.equal(null);
  });

  it('reads and replaces a profile; what it gives can be put back', async () => {
    const path = `${base}/${ids.bob}/profile`;
    const profile = { name: 'Bob', familyName: 'Nguyễn', birthdate: '1990-02-03', address: { country: 'VN' } };
    expect((await asBob('PUT', path, profile)).json, 'his own').to.deep.equal(profile);
    const read = await asRoot('GET', path);
    expect(read.json).to.deep.equal(profile);
    expect((await asRoot('PUT', path, read.json, { 'if-match': read.headers.get('etag') ?? '' })).status).to.equal(200);
    expect((await asRoot('PUT', path, { name: 'Old' }, { 'if-match': read.headers.get('etag') ?? '' })).status).to.equal(412);
    expect((await asBob('GET', `${base}/${ids.bob}`)).json.profile.preferredUsername, 'no part of it').to.equal('bob');
    expect((await asBob('PUT', path, { email: 'x@example.test' })).status).to.equal(400);
    const { json } = await asRoot('GET', `/audit/events?type=identity.profile_updated`);
    expect(json.items.some(({ details }: { details: { fields: string[] } }) => details.fields.includes('birthdate'))).to.equal(
      true,
    );
  });

  it('AZ-10 no answer holds a credential, and nobody chooses the password of an account that exists', async () => {
    const path = `${base}/${ids.ann}`;
    const chosen = await asRoot('PUT', path, { name: 'Ann', password }, await etagOf(ids.ann));
    expect([chosen.status, chosen.json.errors[0].path]).to.deep.equal([400, '/password']);
    for (const place of [base, path, `${path}/profile`, '/audit/events?limit=200', '/clients', '/keys']) {
      const { status, json } = await asRoot('GET', place);
      expect(status, place).to.equal(200);
      // A bcrypt hash, a private key's part, and whatever is called a secret or hash.
      expect(JSON.stringify(json), place).not.to.match(
        /\$2[aby]\$|"(d|p|q)":"|"[^"]*(passwordHash|secret_hash|client_secret)":"/i,
      );
      expect(JSON.stringify(json), place).not.to.include(password);
    }
  });

  it('TN-01 shows people of one’s organizations, changes them only everywhere; nobody reads strangers', async () => {
    expect((await asMia('GET', `${base}/${ids.ann}`)).status).to.equal(200);
    const refused = await asMia('PUT', `${base}/${ids.ann}`, { name: 'Mine' }, { 'if-match': '*' });
    expect([refused.status, refused.json.permission]).to.deep.equal([403, 'user:update:any']);
    for (const id of [ids.bob, '01890005-0000-7000-8000-0000000000ff'])
      for (const [method, more] of [
        ['GET', ''],
        ['GET', '/profile'],
        ['PUT', '/profile'],
      ] as const)
        expect((await asMia(method, `${base}/${id}${more}`, method === 'PUT' ? {} : undefined)).status).to.equal(404);
    expect((await asBob('GET', `${base}/${ids.ann}`)).status).to.equal(404);
    expect((await asBob('DELETE', `${base}/${ids.bob}`)).status).to.equal(403);
    expect((await callerWith(stand, undefined)('GET', base)).status).to.equal(401);
  });

  it('removes an account with sessions, tokens, rights and address; never the last SUPER_ADMIN', async () => {
    const wish = { email: 'gone@example.test', password };
    const { json: made } = await asRoot('POST', base, wish);
    const asGone = await personCalls(stand, wish.email, password);
    expect((await asRoot('DELETE', `${base}/${made.id}`)).status).to.equal(204);
    expect((await asGone('GET', '/auth/me')).status).to.equal(401);
    expect((await asRoot('GET', `${base}/${made.id}`)).status).to.equal(404);
    expect((await asRoot('POST', base, wish)).status, 'the address is free').to.equal(201);
    expect(typeOf(await asRoot('DELETE', `${base}/${ids.root}`))).to.deep.equal([409, 'last_super_admin']);
    const { json } = await asRoot('GET', '/audit/events?type=identity.user_deleted');
    expect(json.items).to.have.length(1);
  });
});
