import { expect } from 'chai';
import type { MailMessage } from '../../src/platform/ports.ts';
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
      const { json: acme } = await api('GET', `${base}/acme`, undefined, token);
      expect(brand(await open('plain', { organization: acme.id })), 'by an id that nobody guesses').to.equal('Acme 2');
      for (const organization of ['acme', 'nobody', '../acme', '<b>', "'; select 1"])
        expect(brand(await open('plain', { organization })), organization).to.equal('Castellan');
      const { json: other } = await api('POST', base, { name: 'Other' }, token);
      expect(brand(await open(theirsId, { organization: other.id })), 'an application’s own goes first').to.equal('Acme 2');
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
      const named = await open('plain', { organization: 'acme' }, agent);
      expect(brand(named), 'by its name to its members').to.equal('Acme 2');
    });

    it('goes with the person to the pages and mails that a sign-in leads out to, and back', async () => {
      const { outbox } = stand.app.rooms.foundation;
      const mails = async () => outbox.list({ topic: 'mail', limit: 10 });
      const agent = createAgent(stand.issuer);
      const login = await open(theirsId, {}, agent);
      const forgot = await agent.open(`${stand.issuer}/forgot`);
      expect(brand(forgot)).to.equal('Acme 2');
      expect(brand(await createAgent(stand.issuer).open(`${stand.issuer}/forgot`)), 'another browser').to.equal('Castellan');
      expect(brand(await agent.submit(forgot, { login: stand.person.login }))).to.equal('Acme 2');
      const entry = (await mails()).find(({ payload }) => payload.template === 'password-reset');
      const { text, html } = await stand.app.rooms.mail.render(entry?.payload as unknown as MailMessage);
      expect(text)
        .to.match(/^Acme 2\n/)
        .and.to.contain('for Acme 2.');
      expect(html).to.contain('<span>Acme 2</span>');
      const reset = await agent.open(/https?:\S*\/reset\?ticket=\S+/.exec(text)?.[0] ?? '');
      expect(brand(reset)).to.equal('Acme 2');
      const done = await agent.submit(reset, { password: 'another-passphrase-of-hers' });
      expect(done.body).to.contain('Continue to');
      const back = new URL(/<a class="button primary" href="([^"]+)"/.exec(done.body)?.[1] ?? '/', stand.issuer);
      expect(new URL(login.url).pathname).to.contain(back.pathname);
      const again = await agent.open(back.href);
      expect(brand(again)).to.equal('Acme 2');
      const person = { login: stand.person.login, password: 'another-passphrase-of-hers' };
      const consent = await agent.submit(again, person);
      expect(consent.body).to.contain('name="decision"');
      const notice = (await mails()).find(({ payload }) => payload.template === 'password-changed');
      expect(notice?.payload.house, 'a notice as well').to.deep.include({ name: 'Acme 2' });
      // The plain application's page ends it.
      await open('plain', {}, agent);
      expect(brand(await agent.open(`${stand.issuer}/forgot`))).to.equal('Castellan');
    });

    it('is not told by a cookie of somebody’s own making', async () => {
      const { json: acme } = await api('GET', `${base}/acme`, undefined, token);
      const sealed = stand.app.rooms.foundation.envelope.seal(JSON.stringify({ house: { name: 'Acme 2' } }), 'something else');
      for (const value of [acme.id, JSON.stringify({ house: { name: 'Acme 2' } }), sealed]) {
        const headers = { cookie: `castellan_house=${encodeURIComponent(value)}` };
        const body = await (await fetch(`${stand.issuer}/forgot`, { headers })).text();
        expect(brand({ body })).to.equal('Castellan');
      }
    });

    it('writes mails of its own in its own name: an invitation from another organization’s page, a notice to a member', async () => {
      const { authn, mail, accounts } = stand.app.rooms;
      const { json: made } = await api('POST', base, { name: 'Third', branding: { accentColor: '#00506b' } }, token);
      const inviter = { actor: { type: 'system' }, scope: 'all' } as const;
      await authn.invite({ email: 'third@example.test', organizationId: made.id }, inviter);
      const [letter] = await stand.app.rooms.foundation.outbox.list({ topic: 'mail', limit: 1 });
      const invitation = await mail.render({ ...(letter?.payload as unknown as MailMessage), house: { name: 'Acme 2' } });
      expect(invitation.html).to.contain('<span>Third</span>').and.to.contain('background: #00506b');
      await api('POST', '/identity/users', { email: 'member@example.test', password: 'the-passphrase-of-the-member' }, token);
      const userId = await accounts.idOf('member@example.test');
      const message = { to: 'member@example.test', template: 'security-notice', values: { notice: 'factor_added' } };
      expect((await mail.render(message)).html).to.not.contain('class="house"');
      expect((await api('POST', `${base}/third/members`, { userId }, token)).status).to.equal(201);
      expect((await mail.render(message)).html).to.contain('<span>Third</span>');
      const agent = createAgent(stand.issuer);
      const account = await agent.submit(await agent.open(`${stand.issuer}/account`), {
        login: 'member@example.test',
        password: 'the-passphrase-of-the-member',
      });
      expect(account.body).to.contain('Sign-in security');
      expect(brand(account), 'the account’s pages').to.equal('Third');
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
