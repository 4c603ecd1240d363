import { expect } from 'chai';
import { createAgent } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { createFlows, webClient } from '../support/flows.ts';
import { type Stand, startStand } from '../support/stand.ts';

const client = { id: 'app', secret: 'a-secret-of-at-least-thirty-two-characters' };
const plain = { id: 'plain', secret: client.secret };
const admin = { email: 'admin@localhost', password: 'the-passphrase-of-the-administrator' };

describe('A12 branding of the pages that lead to an application', function branding() {
  this.timeout(60_000);
  let stand: Stand;
  before(async () => {
    stand = await startStand({
      env: { BOOTSTRAP_ADMIN_PASSWORD: admin.password },
      bootstrap: { clients: [{ ...webClient(client), accent_color: '#8a1c5c' }, webClient(plain)] },
    });
  });
  after(() => stand.close());

  it('shows its colour, by a style that the policy of the page allows, and no other application’s', async () => {
    const page = async (one: typeof client) =>
      createAgent(stand.issuer).open(createFlows(stand.issuer, one, stand.person).request().url);
    const branded = await page(client);
    const nonce = /<style nonce="([^"]+)">:root\{--accent:light-dark\(#8a1c5c,/.exec(branded.body)?.[1];
    expect(branded.headers.get('content-security-policy')).to.contain(`style-src 'self' 'nonce-${nonce}'`);
    expect((await page(plain)).body).to.not.contain('<style');
  });

  describe('of an organization', () => {
    const api = createApi(() => stand.issuer);
    let token: string;
    let theirsId = '';
    const base = '/identity/organizations';
    const open = async (id: string, parameters: Record<string, string> = {}, agent = createAgent(stand.issuer)) => {
      const flows = createFlows(stand.issuer, { id, secret: client.secret }, stand.person);
      return agent.open(flows.request(parameters).url);
    };
    const put = async (slug: string, body: object) => {
      const etag = (await api('GET', `${base}/${slug}`, undefined, token)).headers.get('etag') ?? '';
      const { status, json } = await api('PUT', `${base}/${slug}`, body, token, { 'if-match': etag });
      expect(status, JSON.stringify(json)).to.equal(200);
    };
    const brand = ({ body }: { body: string }): string =>
      /<div class="brand">[\s\S]*?<span>([^<]*)<\/span>/.exec(body)?.[1] ?? '';

    before(async () => {
      token = (await api('POST', '/auth/login', admin)).json.accessToken;
      const branding = { displayName: 'Acme <b>', logoUri: 'https://acme.example/logo.png', accentColor: '#00506b' };
      const { json: acme } = await api('POST', base, { name: 'Acme', branding }, token);
      const theirs = { ...webClient({ ...client, id: 'theirs' }), client_secret: undefined, organization_id: acme.id };
      const made = await api('POST', '/clients', theirs, token);
      expect(made.status, JSON.stringify(made.json)).to.equal(201);
      theirsId = made.json.client_id;
    });

    it('shows its name, logo and colour where the application is its own, escaped, under a policy as strict as ever', async () => {
      const page = await open(theirsId);
      expect(brand(page)).to.equal('Acme &lt;b&gt;');
      expect(page.body).to.match(/<title>[^<]*· Acme &lt;b&gt;<\/title>/);
      expect(page.body, 'from our own origin').to.match(
        /<img src="\/application-logo\?uri=https%3A%2F%2Facme\.example%2Flogo\.png&amp;key=/,
      );
      const nonce = /<style nonce="([^"]+)">:root\{--accent:light-dark\(#00506b,/.exec(page.body)?.[1];
      const policy = page.headers.get('content-security-policy') ?? '';
      expect(policy).to.contain(`style-src 'self' 'nonce-${nonce}'`).and.not.contain('unsafe').and.not.contain('acme.example');
      await put('acme', { name: 'Acme', branding: { displayName: 'Acme 2' } });
      const changed = await open(theirsId);
      expect(brand(changed), 'the next page').to.equal('Acme 2');
      expect(changed.body).to.not.contain('<style');
    });

    it('shows it to whoever is invited into it', async () => {
      const { json } = await api('GET', `${base}/acme`, undefined, token);
      const { authn, foundation } = stand.app.rooms;
      const inviter = { actor: { type: 'system' }, scope: 'all' } as const;
      await authn.invite({ email: 'guest@example.test', organizationId: json.id }, inviter);
      const [mail] = await foundation.outbox.list({ limit: 10 });
      const link = JSON.stringify(mail).match(/https?:[^"]*\/invitation\?ticket=[\w-]+/)?.[0] ?? '';
      expect(brand(await createAgent(stand.issuer).open(link))).to.equal('Acme 2');
    });

    it('shows the organization that the request names, or the only one of who is signed in, where the application is nobody’s', async () => {
      expect(brand(await open('plain'))).to.equal('Castellan');
      expect(brand(await open('plain', { organization: 'acme' }))).to.equal('Acme 2');
      for (const organization of ['nobody', '../acme', '<b>', "'; select 1"])
        expect(brand(await open('plain', { organization })), organization).to.equal('Castellan');
      await api('POST', base, { name: 'Other' }, token);
      expect(brand(await open(theirsId, { organization: 'other' })), 'an application’s own goes first').to.equal('Acme 2');
      const agent = createAgent(stand.issuer);
      const login = await open('plain', {}, agent);
      const consent = await agent.submit(login, { login: stand.person.login, password: stand.person.password });
      expect(consent.body).to.contain('name="decision"');
      expect(brand(consent)).to.equal('Castellan');
      const { json } = await api('GET', `/identity/users?email=${encodeURIComponent(stand.person.login)}`, undefined, token);
      expect((await api('POST', `${base}/acme/members`, { userId: json.items[0].id }, token)).status).to.equal(201);
      expect(brand(await agent.open(consent.url))).to.equal('Acme 2');
      expect((await api('POST', `${base}/other/members`, { userId: json.items[0].id }, token)).status).to.equal(201);
      expect(brand(await agent.open(consent.url)), 'of two, neither').to.equal('Castellan');
    });
  });

  it('takes only a colour that white words can be read on, and nothing else', async () => {
    const api = createApi(() => stand.issuer);
    const { accessToken } = (await api('POST', '/auth/login', admin)).json;
    const put = async (accent_color: string, id: string) =>
      api('POST', '/clients', { ...webClient({ ...client, id }), client_secret: undefined, accent_color }, accessToken);
    expect((await put('#123456', 'dark')).status).to.equal(201);
    const light = await put('#ffcc00', 'light');
    expect([light.status, light.json.errors?.[0]?.path]).to.deep.equal([400, '/accent_color']);
    for (const evil of ['red', '#fff', '#000;}body{display:none', 'url(//evil.example)'])
      expect((await put(evil, 'evil')).status, evil).to.equal(400);
  });
});
