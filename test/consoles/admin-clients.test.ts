import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { uuidv7 } from '../../src/platform/crypto/index.ts';
import { setTenants } from '../../src/platform/db/index.ts';
import type { Agent } from '../support/agent.ts';
import { type Call, personCalls } from '../support/callers.ts';
import { launchChromium } from '../support/chromium.ts';
import { browserOf } from '../support/relying-party.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'correct horse battery staple';
const [root, bob, cleo] = ['root@example.test', 'bob@example.test', 'cleo@example.test'];
const callback = 'https://reports.example.test/callback';

describe('O8 P5 P6 applications, APIs and keys in the administration', function administration() {
  this.timeout(120_000);
  let stand: Stand;
  let browser: Browser;
  let page: Page;
  let asRoot: Call;

  const text = async (selector = 'main'): Promise<string> => (await page.locator(selector).first().textContent()) ?? '';
  const go = (path: string) => page.goto(`${stand.issuer}${path}`);
  const submit = () => page.click('main form[method=post] button[type=submit]');
  const factAfter = (term: string): Promise<string | null> => page.locator(`dt:has-text("${term}") + dd`).first().textContent();
  const tokenStatus = async (id: string, secret: string): Promise<number> => {
    const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
    const body = new URLSearchParams({ grant_type: 'client_credentials' });
    return (await fetch(`${stand.issuer}/token`, { method: 'POST', headers: { authorization }, body })).status;
  };
  const signedIn = async (login: string): Promise<Agent> => {
    const agent = browserOf(stand);
    await agent.submit(await agent.open(`${stand.issuer}/account`), { login, password });
    return agent;
  };

  before(async () => {
    stand = await startStand({
      env: { BOOTSTRAP_ADMIN_EMAIL: root, BOOTSTRAP_ADMIN_PASSWORD: password },
      bootstrap: { users: [bob, cleo].map((email) => ({ email, password, email_verified: true })) },
    });
    asRoot = await personCalls(stand, root, password);
    browser = await launchChromium();
    const context = await browser.newContext({ javaScriptEnabled: false });
    page = await context.newPage();
    await go('/admin/clients');
    await page.fill('input[name=login]', root);
    await page.fill('input[name=password]', password);
    await page.click('button[type=submit]');
  });
  after(async () => {
    await browser?.close();
    await stand?.close();
  });

  it('O8 P5 an application is registered, its secret shown once, replaced with an overlap, stopped, and removed', async () => {
    expect(page.url()).to.equal(`${stand.issuer}/admin/clients`);
    await page.click('a:has-text("New application")');
    await page.fill('input[name=client_name]', 'Báo cáo <b>quý</b>');
    await page.fill('textarea[name=redirect_uris]', 'javascript:alert(1)');
    await page.check('input[name=grant_client]');
    await submit();
    expect(await text('[role=alert]'), 'RU-03').to.contain('redirect_uris/0');
    expect(await page.inputValue('input[name=client_name]'), 'nothing typed is lost').to.equal('Báo cáo <b>quý</b>');
    await page.fill('textarea[name=redirect_uris]', callback);
    await page.fill('textarea[name=rest]', '{"logo_uri":"https://reports.example.test/logo.png","access_token_ttl_seconds":600}');
    await submit();
    expect(await text('h1')).to.contain('The application is registered');
    const id = (await factAfter('Client id'))?.trim() ?? '';
    const first = (await factAfter('Secret'))?.trim() ?? '';
    expect(await tokenStatus(id, first)).to.equal(200);
    await page.click('a:has-text("I have kept it")');
    expect(await text('h1')).to.contain('Báo cáo <b>quý</b>');
    expect(await page.content(), 'shown once').to.not.contain(first);
    expect(await factAfter('Live tokens')).to.equal('1');

    await page.fill('input[name=check]', `${callback}/`);
    await page.click('button:has-text("Check")');
    expect(await text())
      .to.contain('No. A request with this address')
      .and.contain('A slash at the end');
    await page.fill('input[name=check]', callback);
    await page.click('button:has-text("Check")');
    expect(await text()).to.contain('Yes, it is registered.');

    await page.click('a.button:has-text("New secret")');
    await page.selectOption('select[name=overlap]', '3600');
    await submit();
    const second = (await factAfter('Secret'))?.trim() ?? '';
    expect(second).to.not.equal(first);
    expect(await text()).to.contain('The secret before is good until');
    expect([await tokenStatus(id, first), await tokenStatus(id, second)], 'both for an hour').to.deep.equal([200, 200]);
    await page.click('a:has-text("I have kept it")');
    await page.locator('a:has-text("End now")').last().click();
    await submit();
    expect(await text('[role=status]')).to.contain('The secret has ended.');
    expect([await tokenStatus(id, first), await tokenStatus(id, second)]).to.deep.equal([401, 200]);

    await page.click('a:has-text("Edit")');
    expect(await page.inputValue('textarea[name=rest]')).to.contain('"access_token_ttl_seconds": 600');
    await page.fill('input[name=client_name]', 'Reports');
    await submit();
    expect(await text('[role=status]')).to.contain('The application was changed.');
    const { json } = await asRoot('GET', `/clients/${id}`);
    expect(json).to.include({
      client_name: 'Reports',
      logo_uri: 'https://reports.example.test/logo.png',
      access_token_ttl_seconds: 600,
    });
    expect(json.redirect_uris).to.deep.equal([callback]);
    expect(json.grant_types).to.include.members(['authorization_code', 'refresh_token', 'client_credentials']);

    await page.click('a:has-text("Disable this application")');
    expect(await text('dl.facts')).to.match(/Live tokens\s*\d/);
    await submit();
    expect(await text('[role=status]')).to.contain('The application is disabled');
    expect(await tokenStatus(id, second), 'TK-05').to.equal(401);
    await page.click('a:has-text("Enable this application")');
    await submit();
    expect(await tokenStatus(id, second)).to.equal(200);
    await page.click('a:has-text("Remove this application")');
    await page.fill('input[name=confirmation]', 'Another');
    await submit();
    expect(await text('[role=alert]')).to.contain('is not the name');
    await page.fill('input[name=confirmation]', 'Reports');
    await submit();
    expect(page.url()).to.contain('/admin/clients?done=client_deleted');
    expect((await asRoot('GET', `/clients/${id}`)).status).to.equal(404);
    await page.click('a:has-text("See what was recorded")');
    expect(await text('table')).to.contain('removed the application Reports');
  });

  it('O8 P5 an API is registered, changed and removed', async () => {
    await go('/admin/resources');
    await page.click('a:has-text("New API")');
    await page.fill('input[name=name]', 'Orders');
    await page.fill('input[name=identifier]', 'https://orders.example.test');
    await page.fill('textarea[name=scopes]', 'orders:read Read your orders\norders:write');
    await submit();
    expect(await text())
      .to.contain('Read your orders')
      .and.contain('The API was registered.');
    await page.click('a:has-text("Edit")');
    await page.fill('input[name=accessTokenTtlSeconds]', '60');
    await submit();
    expect(await text()).to.contain('60 seconds');
    const { json } = await asRoot('GET', '/resources');
    const made = json.items.find(({ name }: { name: string }) => name === 'Orders');
    expect(made.scopes).to.deep.equal([{ name: 'orders:read', description: 'Read your orders' }, { name: 'orders:write' }]);
    await page.click('a:has-text("Remove this API")');
    await submit();
    expect(page.url()).to.contain('done=resource_deleted');
  });

  it('O8 P6 OP-08 keys are replaced, and one that somebody else has is withdrawn', async () => {
    const kids = async (): Promise<string[]> =>
      ((await (await fetch(`${stand.issuer}/jwks`)).json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
    await go('/admin/keys');
    const before = await kids();
    await page.locator('a[aria-label="Replace the ES256 key that signs"]').click();
    expect(await text('h1')).to.equal('Replace the ES256 key?');
    await submit();
    expect(await text('[role=status]')).to.contain('The keys were replaced.');
    expect(await kids()).to.have.length(before.length + 1);
    await page.locator('tr:has-text("ES256"):has-text("Retired") a:has-text("Withdraw")').click();
    const withdrawn = (await factAfter('Key id'))?.trim() ?? '';
    expect(await kids()).to.include(withdrawn);
    await page.fill('input[name=confirmation]', 'ES256');
    await submit();
    expect(await text('[role=status]')).to.contain('withdrawn');
    expect(await kids()).to.not.include(withdrawn);
  });

  it('CL-07 TN-01 the manager of one organization sees and manages its applications, and knows of no others', async () => {
    // The tokens from before were signed with the key that is withdrawn.
    asRoot = await personCalls(stand, root, password);
    const [home, foreign] = [uuidv7(new Date()), uuidv7(new Date())];
    const { user_id: userId } = await stand.database.knex('identifiers').where({ value: cleo }).first('user_id');
    await stand.database.transaction(async (trx) => {
      await setTenants(trx, 'all');
      const times = { created_at: new Date(), updated_at: new Date() };
      for (const [id, slug] of [
        [home, 'home'],
        [foreign, 'foreign'],
      ])
        await trx('organizations').insert({ id, name: slug, slug, ...times });
      await trx('organization_members').insert({ organization_id: home, user_id: userId, created_at: new Date() });
    });
    await stand.app.rooms.foundation.caches.invalidate([`user:${userId}`]);
    const permissions = ['read', 'create', 'update', 'delete'].map((action) => `client:${action}:organization`);
    await asRoot('POST', '/rbac/roles', { name: 'client-manager', permissions, createPermissions: true });
    await asRoot('POST', `/rbac/users/${userId}/roles`, { role: 'client-manager', organizationId: home });
    for (const [id, organization] of [
      ['of-home', home],
      ['of-foreign', foreign],
      ['of-nobody', null],
    ]) {
      const body = { client_id: id, client_name: id, redirect_uris: [callback], organization_id: organization };
      expect((await asRoot('POST', '/clients', body)).status).to.equal(201);
    }
    const agent = await signedIn(cleo);
    const list = await agent.open(`${stand.issuer}/admin/clients`);
    expect(list.status).to.equal(200);
    expect(list.body).to.contain('of-home').and.not.contain('of-foreign').and.not.contain('of-nobody');
    const other = await agent.open(`${stand.issuer}/admin/clients?organizationId=${foreign}`);
    expect(other.body).to.not.contain('of-foreign');
    for (const id of ['of-foreign', 'of-nobody']) {
      for (const page of ['', '/edit', '/secrets', '/disable', '/delete']) {
        expect((await agent.open(`${stand.issuer}/admin/clients/${id}${page}`)).status, id + page).to.equal(404);
      }
    }
    const form = await agent.open(`${stand.issuer}/admin/clients/of-home/edit`);
    // What this browser without eyes does not read of a form: areas and choices.
    const rest = { redirect_uris: callback, application_type: 'web', token_endpoint_auth_method: 'client_secret_basic' };
    const moved = await agent.submit(form, { ...rest, organization_id: foreign });
    expect(moved.status, 'moved away').to.equal(403);
    const renamed = await agent.submit(form, { ...rest, client_name: 'Renamed' });
    expect(renamed.body).to.contain('The application was changed.');
    for (const page of ['resources/new', 'keys'])
      expect((await agent.open(`${stand.issuer}/admin/${page}`)).status, page).to.equal(403);
  });

  it('O8 refuses who has no right there, an application that is not there, and Castellan’s own', async () => {
    const agent = await signedIn(bob);
    for (const path of ['clients', 'clients/new', 'clients/castellan', 'resources', 'resources/new', 'keys', 'keys/rotate']) {
      expect((await agent.open(`${stand.issuer}/admin/${path}`)).status, path).to.equal(403);
    }
    const administrator = await signedIn(root);
    expect((await administrator.open(`${stand.issuer}/admin/clients/nobody`)).status).to.equal(404);
    expect((await administrator.open(`${stand.issuer}/admin/keys/nothing/withdraw`)).status).to.equal(404);
    const own = await administrator.open(`${stand.issuer}/admin/clients/castellan`);
    expect(own.status).to.equal(200);
    expect(own.body).to.contain('Built in').and.not.contain('/edit"');
    const deletion = await administrator.open(`${stand.issuer}/admin/clients/castellan/delete`);
    const refused = await administrator.submit(deletion, { confirmation: /“([^”]+)”/.exec(deletion.body)?.[1] ?? '' });
    expect(refused.status).to.equal(409);
    expect(refused.body).to.contain('belongs to Castellan itself');
  });
});
