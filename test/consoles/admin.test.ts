import { expect } from 'chai';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { setTenants } from '../../src/platform/db/index.ts';
import type { Agent } from '../support/agent.ts';
import { type Call, personCalls } from '../support/callers.ts';
import { launchChromium } from '../support/chromium.ts';
import { browserOf } from '../support/relying-party.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'correct horse battery staple';
const root = 'root@example.test';
const [ann, bob] = ['ann@example.test', 'bob@example.test'];
const organizations = { home: '01939d6e-0000-7000-8000-000000000001', foreign: '01939d6e-0000-7000-8000-000000000002' };

describe('O8 administration', function administration() {
  this.timeout(120_000);
  let stand: Stand;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let asRoot: Call;
  const ids: Record<string, string> = {};

  const signedIn = async (login: string): Promise<Agent> => {
    const agent = browserOf(stand);
    await agent.submit(await agent.open(`${stand.issuer}/account`), { login, password });
    return agent;
  };
  const text = async (selector = 'main'): Promise<string> => (await page.locator(selector).first().textContent()) ?? '';
  const go = (path: string) => page.goto(`${stand.issuer}${path}`);
  const submit = () => page.click('main form[method=post] button[type=submit]');

  before(async () => {
    stand = await startStand({
      env: { BOOTSTRAP_ADMIN_EMAIL: root, BOOTSTRAP_ADMIN_PASSWORD: password },
      bootstrap: { users: [ann, bob].map((email) => ({ email, password, email_verified: true })) },
    });
    asRoot = await personCalls(stand, root, password);
    for (const email of [ann, bob]) {
      const { user_id: userId } = await stand.database.knex('identifiers').where({ value: email }).first('user_id');
      ids[email] = userId;
    }
    await stand.database.transaction(async (trx) => {
      await setTenants(trx, 'all');
      const now = new Date();
      for (const [name, id] of Object.entries(organizations))
        await trx('organizations').insert({ id, name, slug: name, created_at: now, updated_at: now });
      await trx('organization_members').insert({ organization_id: organizations.home, user_id: ids[ann], created_at: now });
    });
    await asRoot('POST', `/rbac/users/${ids[ann]}/roles`, { role: 'ADMIN', organizationId: organizations.home });
    browser = await launchChromium();
    // It all works without script.
    context = await browser.newContext({ javaScriptEnabled: false });
    page = await context.newPage();
    await go('/admin/roles?search=MOD');
    await page.fill('input[name=login]', root);
    await page.fill('input[name=password]', password);
    await page.click('button[type=submit]');
  });
  after(async () => {
    await browser?.close();
    await stand?.close();
  });

  it('O8 leads through the sign-in back to the list that was asked for, filters and all', async () => {
    expect(page.url()).to.equal(`${stand.issuer}/admin/roles?search=MOD`);
    expect(await text('table'))
      .to.contain('MODERATOR')
      .and.not.contain('SUPER_ADMIN');
    await page.click('.chip');
    expect(page.url()).to.equal(`${stand.issuer}/admin/roles`);
    expect(await text('table')).to.contain('SUPER_ADMIN');
  });

  it('O8 refuses who has no right there with 403, on every page, and says so in the log', async () => {
    const agent = await signedIn(bob);
    for (const path of ['', '/users', '/roles', '/roles/new', `/users/${ids[ann]}`]) {
      const answer = await agent.open(`${stand.issuer}/admin${path}`);
      expect(answer.status, path).to.equal(403);
      expect(answer.body, path).to.contain('You may not see this page');
    }
    const { json } = await asRoot('GET', `/audit/events?type=api.denied&actor=${ids[bob]}`);
    expect(json.items[0].details).to.deep.include({ permission: 'entitlement:read', route: '/admin/users/:id' });
  });

  it('O8 shows a manager of one organization its people, and nothing of another', async () => {
    const foreign = await asRoot('POST', '/rbac/roles', {
      name: 'Foreign',
      permissions: [],
      organizationId: organizations.foreign,
    });
    const agent = await signedIn(ann);
    const at = (path: string) => agent.open(`${stand.issuer}/admin${path}`);
    const overview = await at('');
    expect(overview.status).to.equal(200);
    expect(overview.body).to.contain('Is anything wrong?').and.not.contain('Signing keys');
    expect((await at('/users')).body)
      .to.contain(ann)
      .and.not.contain(bob);
    expect((await at('/roles')).body).to.not.contain('Foreign');
    for (const path of [`/roles/${foreign.json.id}`, `/users/${ids[bob]}`, '/users/nobody']) {
      expect((await at(path)).status, path).to.equal(404);
    }
  });

  it('Z1 makes a role, tells mistakes where they are, and assigns it for a time', async () => {
    await go('/admin/roles');
    await page.click('text=New role');
    await page.fill('#name', 'Order clerk');
    await page.fill('#permissions', 'orders:read:any\norders:update:own');
    await page.fill('#parents', 'USER');
    await submit();
    expect(await text('[role=alert]'))
      .to.contain('/permissions/0')
      .and.contain('is not registered');
    expect(await page.inputValue('#permissions')).to.contain('orders:update:own');
    await page.check('input[name=createPermissions]');
    await submit();
    expect(await text('[role=status]')).to.contain('The role was created');
    expect(await text())
      .to.contain('orders:update:own')
      .and.contain('Nobody has this role directly');
    await page.click('main >> text=Assign');
    await page.fill('#people', `${bob}\nnobody@example.test`);
    await submit();
    expect(await text('[role=alert]')).to.contain('There is no such person');
    await page.fill('#people', bob);
    await page.fill('#startsAt', '2999-01-02T00:00');
    await page.fill('#expiresAt', '2999-01-01T00:00');
    await submit();
    expect(await text('[role=alert]'))
      .to.contain('/expiresAt')
      .and.contain('is not after startsAt');
    await page.fill('#expiresAt', '2999-02-01T00:00');
    await page.fill('#reason', 'stands in for Ann');
    await submit();
    expect(await text('table'))
      .to.contain(bob)
      .and.contain('stands in for Ann');
    const { json } = await asRoot('GET', `/rbac/users/${ids[bob]}/roles`);
    expect(json.items[0]).to.deep.include({ startsAt: '2999-01-02T00:00:00.000Z', expiresAt: '2999-02-01T00:00:00.000Z' });
  });

  it('O8 tells a mistake at its field, in the language of the page, and leads there', async () => {
    await go('/language?to=vi&back=/admin/roles/new');
    await page.fill('#name', '***');
    await submit();
    expect(await text('[role=alert]'))
      .to.contain('Có chỗ thiếu hoặc chưa đúng')
      .and.contain('Cách viết chưa đúng')
      .and.not.contain('must match');
    expect(await text('#name-error')).to.contain('Cách viết chưa đúng');
    expect(await page.getAttribute('#name', 'aria-invalid')).to.equal('true');
    expect(await page.getAttribute('[role=alert] a', 'href')).to.equal('#name');
    await go('/language?to=en&back=/admin/roles');
  });

  it('Z1 changes a role only as it was seen, and takes it away after saying what that means', async () => {
    await go('/admin/roles?search=Order');
    await page.click('table a >> text=Order clerk');
    await page.click('main >> text=Edit');
    const role = (await asRoot('GET', '/rbac/roles/Order clerk')).json;
    await asRoot('PUT', `/rbac/roles/${role.id}`, { name: role.name, permissions: role.permissions }, { 'if-match': '*' });
    await submit();
    expect(await text('[role=alert]')).to.contain('Somebody else has changed this meanwhile');
    await go(`/admin/roles/${role.id}/edit`);
    await page.fill('#description', 'Looks after orders');
    await submit();
    expect(await text()).to.contain('Looks after orders');
    await page.click('table a >> text=Take away');
    expect(await text('h1')).to.equal('Take Order clerk away?');
    await submit();
    expect(await text('[role=status]')).to.contain('It was taken away');
    expect((await asRoot('GET', `/rbac/users/${ids[bob]}/roles`)).json.items).to.deep.equal([]);
    await go(`/admin/roles/${role.id}/delete`);
    await submit();
    expect(page.url()).to.match(/\/admin\/roles\?done=role_deleted/);
    expect((await asRoot('GET', `/rbac/roles/${role.id}`)).status).to.equal(404);
  });

  it('Z3 denies a person something directly, and shows by what they may do the rest', async () => {
    await go(`/admin/users/${ids[bob]}`);
    await page.click('.tabs >> text=Access');
    await page.click('main >> text=Allow or deny directly');
    await page.fill('#permission', 'user:read:own');
    await page.selectOption('#effect', 'deny');
    await submit();
    const row = page.locator('#direct ~ .table-wrap tr').nth(1);
    expect(await row.textContent())
      .to.contain('user:read:own')
      .and.contain('Deny');
    expect(await text())
      .to.contain('session:read:own')
      .and.contain('role USER');
    await row.locator('a').click();
    await submit();
    expect((await asRoot('GET', `/rbac/users/${ids[bob]}/permissions`)).json.items).to.deep.equal([]);
  });

  it('I5 Z3 makes a group, gives it a role and a member, and takes both away', async () => {
    await go('/admin/groups/new');
    await page.fill('#name', 'Night shift');
    await submit();
    await page.click('main >> text=Give a role');
    await page.fill('#role', 'MODERATOR');
    await submit();
    await page.click('main >> text=Add somebody');
    await page.fill('#person', 'nobody@example.test');
    await submit();
    expect(await text('[role=alert]')).to.contain('There is no such person');
    await page.fill('#person', bob);
    await submit();
    expect(await text('table')).to.contain(bob);
    await page.click(`table a >> text=${bob}`);
    await page.click('.tabs >> text=Access');
    expect(await text()).to.contain('group Night shift MODERATOR');
    await page.click('dl a >> text=Night shift');
    await page.click('table a >> text=Take out');
    expect(await text('h1')).to.equal(`Take ${bob} out of Night shift?`);
    await submit();
    expect((await asRoot('GET', `/rbac/users/${ids[bob]}/effective`)).json.roles).to.deep.equal(['USER']);
    await page.click('#roles ~ ul >> text=Take away');
    await submit();
    await page.click('main >> text=Remove this group');
    await submit();
    expect(page.url()).to.contain('/admin/groups?done=group_deleted');
  });

  it('I4 I7 makes an organization, finds people by state, ends an account’s access and gives it back', async () => {
    await go('/admin/organizations/new');
    await page.fill('#name', 'Công ty Hải Phòng');
    await page.fill('#accentColor', '#0b5c6b');
    await submit();
    expect(await text())
      .to.contain('cong-ty-hai-phong')
      .and.contain('#0b5c6b')
      .and.contain('Nobody belongs to this organization yet');
    await go(`/admin/users/${ids[bob]}`);
    await page.click('main >> text=End this account’s access');
    await page.fill('#reason', 'left');
    await submit();
    expect(await text()).to.contain('Deactivated');
    await go('/admin/users?status=deactivated');
    expect(await text('table'))
      .to.contain(bob)
      .and.not.contain(ann);
    await page.click('table a');
    await page.click('main >> text=Let this account in again');
    await submit();
    expect(await text('[role=status]')).to.contain('can sign in again');
  });

  it('I4 adds a member by login name with a role that counts there, and removes both after saying so', async () => {
    const home = `/admin/organizations/${organizations.home}`;
    await go(home);
    await page.click('main >> text=Add somebody');
    await page.fill('#person', 'nobody@example.test');
    await page.fill('#role', 'MANAGER');
    await submit();
    expect(await text('[role=alert]')).to.contain('There is no such person');
    await page.fill('#person', bob);
    await page.fill('#role', 'NO SUCH ROLE');
    await submit();
    expect(await text('[role=alert]')).to.contain('There is no such role');
    expect((await asRoot('GET', `/identity/organizations/${organizations.home}/members`)).json.items).to.have.length(1);
    await page.fill('#role', 'MANAGER');
    await submit();
    expect(await text('[role=status]')).to.contain('The person was added');
    expect(await text(`tr:has-text("${bob}")`)).to.contain('MANAGER');
    await go(`${home}/members/add`);
    await page.fill('#person', bob);
    await submit();
    expect(await text('[role=alert]')).to.contain('This person is a member already');
    await go(home);
    await page.click(`tr:has-text("${bob}") >> text=Remove`);
    expect(await text('h1')).to.equal(`Remove ${bob} from home?`);
    expect(await text('dl')).to.contain('MANAGER');
    await submit();
    expect(await text('[role=status]')).to.contain('The person was removed');
    expect((await asRoot('GET', `/rbac/users/${ids[bob]}/roles`)).json.items).to.deep.equal([]);
    await page.click('[role=status] a');
    expect(await text('table')).to.contain(`${root} removed ${bob} from home`);
  });

  it('I4 TN-06 changes how an organization looks as it was seen; colors that cannot be read are refused', async () => {
    const home = `/admin/organizations/${organizations.home}`;
    await go(`${home}/edit`);
    await page.fill('#displayName', 'Cảng Hải Phòng');
    await page.fill('#accentColor', '#ffee00');
    await submit();
    expect(await text('[role=alert]')).to.contain('contrast with white');
    await page.fill('#accentColor', '#0B5C6B');
    await page.fill('#logoUri', 'http://plain.example/logo.png');
    await submit();
    expect(await page.inputValue('#displayName')).to.equal('Cảng Hải Phòng');
    await page.fill('#logoUri', 'https://logo.example/logo.png');
    await submit();
    expect(await text())
      .to.contain('Cảng Hải Phòng')
      .and.contain('contrast with white 7.');
    const { branding } = (await asRoot('GET', `/identity/organizations/${organizations.home}`)).json;
    const shown = { displayName: 'Cảng Hải Phòng', accentColor: '#0b5c6b', logoUri: 'https://logo.example/logo.png' };
    expect(branding).to.deep.equal(shown);
    await go(`${home}/edit`);
    await asRoot('PUT', `/identity/organizations/${organizations.home}`, { name: 'home' }, { 'if-match': '*' });
    await submit();
    expect(await text('[role=alert]')).to.contain('Somebody else has changed this meanwhile');
  });

  it('I4 TN-02 lets an organization’s own administrator change its looks, not its place, and nobody else’s', async () => {
    const agent = await signedIn(ann);
    const edit = `${stand.issuer}/admin/organizations/${organizations.home}/edit`;
    const form = await agent.open(edit);
    expect(form.body).to.contain('name="accentColor"').and.not.contain('name="slug"');
    expect((await agent.submit(form, { name: 'home', slug: 'elsewhere', displayName: 'Ours' })).body).to.contain('Ours');
    expect((await asRoot('GET', `/identity/organizations/${organizations.home}`)).json.slug).to.equal('home');
    for (const step of ['edit', 'members/add', 'suspend']) {
      const { status } = await agent.open(`${stand.issuer}/admin/organizations/${organizations.foreign}/${step}`);
      expect(status, step).to.equal(step === 'suspend' ? 403 : 404);
    }
  });

  it('I4 suspends an organization once its name was typed, and lets it work again', async () => {
    const home = `/admin/organizations/${organizations.foreign}`;
    await go(home);
    await page.click('main >> text=Suspend this organization');
    await page.fill('#confirmation', 'another');
    await submit();
    expect(await text('[role=alert]')).to.contain('/confirmation');
    await page.fill('#confirmation', 'foreign');
    await submit();
    expect(await text()).to.contain('Suspended');
    await page.click('main >> text=Let this organization work again');
    await submit();
    expect(await text('[role=status]')).to.contain('The organization works again');
  });

  it('O8 answers of a person at a glance: how and where they sign in, what happened last; the rest by tabs', async () => {
    await signedIn(bob);
    await go(`/admin/users/${ids[bob]}`);
    expect(await text('#factors ~ p')).to.contain('a password or passkey alone');
    expect(await text('#sessions ~ ul')).to.contain('127.0.0.1');
    expect(await text('#happened ~ .table-wrap')).to.contain(`${bob} signed in (password)`);
    await page.click('.tabs >> text=Activity');
    expect(page.url()).to.contain('tab=activity');
    expect(await text('#happened ~ .table-wrap')).to.contain(`${root} gave ${bob} the role`);
    const agent = await signedIn(ann);
    const { body } = await agent.open(`${stand.issuer}/admin/users/${ids[ann]}`);
    expect(body).to.contain(ann).and.not.contain('id="sessions"').and.not.contain('id="factors"');
  });

  it('O8 Z1 gives several people a role and ends their access, after naming them; nobody ends their own', async () => {
    const listed = (await (await signedIn(root)).open(`${stand.issuer}/admin/users`)).body;
    const rootId = /name="person-([^"]+)"[^>]*><span class="sr-only">Choose root@/.exec(listed)?.[1];
    await go('/admin/users');
    await page.click('.bulk >> text=Assign a role');
    expect(await text('.empty')).to.contain('Nobody was chosen');
    await page.click('main >> text=Back to the list');
    await page.check(`input[name="person-${ids[ann]}"]`);
    await page.check(`input[name="person-${ids[bob]}"]`);
    await page.click('.bulk >> text=Assign a role');
    expect(await text('.columns'))
      .to.contain(ann)
      .and.contain(bob)
      .and.not.contain(root);
    await page.fill('#role', 'NO SUCH ROLE');
    await submit();
    expect(await text('[role=alert]')).to.contain('There is no such role');
    await page.fill('#role', 'MODERATOR');
    await submit();
    expect(await text('[role=status]')).to.contain('They have the role');
    for (const person of [ann, bob]) {
      const held = (await asRoot('GET', `/rbac/users/${ids[person]}/roles`)).json.items;
      const given = held.find((one: { role: { name: string } }) => one.role.name === 'MODERATOR');
      expect(given, person).to.not.equal(undefined);
      await asRoot('DELETE', `/rbac/users/${ids[person]}/roles/MODERATOR`);
    }
    for (const id of [rootId, ids[bob]]) await page.check(`input[name="person-${id}"]`);
    await page.click('.bulk >> text=End access');
    await page.fill('#reason', 'left');
    await submit();
    expect(await text('[role=alert]'))
      .to.contain('Not done for 1 person')
      .and.contain(`${root}: This is your own account`);
    const answer = await asRoot('POST', `/identity/users/${ids[bob]}/reactivate`, {});
    expect(answer.status).to.equal(200);
    expect(answer.json.status).to.equal('active');
    expect((await asRoot('GET', '/auth/me')).status).to.equal(200);
  });

  it('O8 TN-01 shows and changes only chosen people whom the caller may see', async () => {
    const agent = await signedIn(ann);
    const list = await agent.open(`${stand.issuer}/admin/users`);
    expect(list.body).to.contain('chosen/assign').and.not.contain('chosen/deactivate');
    const chosen = await agent.submit(list, { [`person-${ids[bob]}`]: 'yes' });
    expect(chosen.body).to.contain('Nobody was chosen').and.not.contain(bob);
  });

  it('Z4 drafts a policy, tries it, shows what it would have changed, and puts it in force', async () => {
    await asRoot('POST', '/authz/check', { action: 'close', resource: { type: 'orders', attributes: { status: 'closed' } } });
    await asRoot('GET', '/audit/events');
    await go('/admin/policies/new');
    await page.fill('#name', 'Closed orders stay');
    await page.fill('#resources', 'orders');
    await page.fill('#condition', '{"and": [{"equals": 1}]}');
    await submit();
    expect(await text('[role=alert]'))
      .to.contain('/condition/and/0/equals')
      .and.contain('is not an operator of conditions');
    await page.fill('#condition', 'closed');
    await submit();
    expect(await text('[role=alert]'))
      .to.contain('/condition')
      .and.contain('is not valid JSON');
    await page.fill('#condition', '{"==": [{"var": "resource.status"}, "closed"]}');
    const asked = { name: 'closed', action: 'close', resource: { type: 'orders', attributes: { status: 'closed' } } };
    await page.fill('#tests', JSON.stringify([{ ...asked, expected: false }]));
    await submit();
    expect(await text())
      .to.contain('Not in force')
      .and.contain('Draft 1')
      .and.contain('Failed');
    await page.click('main >> text=Try it');
    await page.fill('#type', 'orders');
    await page.fill('#action', 'close');
    await page.fill('#attributes', '{"status": "open"}');
    await submit();
    expect(await text('[role=status]'))
      .to.contain('does not apply')
      .and.contain('resource.status');
    await page.fill('#attributes', '{"status": "closed"}');
    await submit();
    expect(await text('[role=status]')).to.contain('it would deny this');
    await page.click('main >> text=Back');
    await page.click('main >> text=Put in force');
    expect(await text()).to.contain('1 of the last');
    await submit();
    expect(await text('[role=alert]')).to.contain('A test case of the policy does not pass');
    await page.click('main >> text=Cancel');
    await page.click('main >> text=Edit');
    await page.fill('#tests', JSON.stringify([{ ...asked, expected: true }]));
    await submit();
    await page.click('main >> text=Put in force');
    await submit();
    expect(await text()).to.contain('Version 1 in force');
    const answer = await asRoot('POST', '/authz/check', { ...asked, name: undefined });
    expect(answer.json).to.deep.equal({ allowed: false });
  });

  it('Z6 says why somebody can’t, and what would allow it; the question is the address', async () => {
    await go('/admin/decisions');
    await page.fill('#subject', root);
    await page.fill('#action', 'close');
    await page.fill('#type', 'orders');
    await page.fill('#attributes', '{"status": "closed"}');
    await page.click('main form button[type=submit]');
    expect(page.url()).to.contain('subject=root%40example.test');
    expect(await text())
      .to.contain('No, denied')
      .and.contain('A policy denies it');
    expect(await text('#deciding ~ .table-wrap')).to.contain('Closed orders stay');
    expect(await text('#considered ~ .table-wrap')).to.contain('SUPER_ADMIN');
    expect(await text('#remedies ~ ul'))
      .to.contain('Take away Closed orders stay')
      .and.contain('Enough by itself');
    await page.fill('#attributes', '{"status": ');
    await page.click('main form button[type=submit]');
    expect(await text('[role=alert]'))
      .to.contain('/attributes')
      .and.contain('is not valid JSON');
    await go('/admin/policies');
    await page.click('table a >> text=Closed orders stay');
    await page.click('main >> text=Take out of force');
    await submit();
    expect(await text())
      .to.contain('Not in force')
      .and.contain('Archived');
  });

  it('Z7 keeps roles apart, lets them meet for a reason only, and lists who holds both', async () => {
    await go('/admin/duties/new');
    await page.fill('#name', 'Look and manage');
    await page.fill('#roles', 'MODERATOR\nNOBODY');
    await submit();
    expect(await text('[role=alert]')).to.contain('/roles/1');
    await page.fill('#roles', 'MODERATOR\nMANAGER');
    await submit();
    expect(await text('table'))
      .to.contain('Look and manage')
      .and.contain('MANAGER, MODERATOR');
    await asRoot('POST', `/rbac/users/${ids[bob]}/roles`, { role: 'MODERATOR' });
    await go(`/admin/users/${ids[bob]}/assign?role=MANAGER`);
    await submit();
    expect(await text('[role=alert]'))
      .to.contain('Rights would meet that are kept apart')
      .and.contain('Look and manage');
    await page.fill('#override', 'Tet is near');
    await submit();
    expect(await text('[role=status]')).to.contain('The role was assigned');
    await page.click('[role=status] a');
    expect(await text('table'))
      .to.contain(`${root} gave ${bob} the role MANAGER`)
      .and.contain(`${root} let rights of ${bob} meet that Look and manage keeps apart (Tet is near)`);
    await go('/admin/duties/conflicts');
    expect(await text('table'))
      .to.contain(bob)
      .and.contain('Tet is near');
    await go('/admin/duties');
    await page.click('table a >> text=Look and manage');
    await page.click('main >> text=Remove this rule');
    await submit();
    expect(await text('[role=status]')).to.contain('The rule was removed');
  });

  it('C8 filters the log by its address, and shows an event in words and as it is stored', async () => {
    await go('/admin/audit?type=rbac.sod_rule_created&outcome=success');
    expect(await page.locator('.chip').count()).to.equal(2);
    expect(await page.locator('tbody tr').count()).to.equal(1);
    await page.click('tbody a');
    expect(await text('h1')).to.equal(`${root} created the rule Look and manage`);
    expect(await text('pre')).to.contain('"maxHeld": 1');
    expect((await go('/admin/audit?from=yesterday'))?.status()).to.equal(400);
  });

  it('C8 shows what matters first, with names that lead to their pages; the rest by its chip', async () => {
    await asRoot('POST', '/authz/check', { action: 'audit', resource: { type: 'orders' } });
    const made = await asRoot('POST', '/clients', { client_name: 'Acme Reports', redirect_uris: ['https://acme.example/cb'] });
    await go('/admin/audit');
    expect(await text('table'))
      .to.contain(`${root} created the application Acme Reports`)
      .and.not.contain('asked to audit orders');
    await page.click('.tabs >> text=Decisions');
    expect(page.url()).to.contain('show=decisions');
    expect(await text('table'))
      .to.contain(`${root} asked to audit orders: allowed`)
      .and.not.contain('Acme Reports');
    await page.click('.tabs >> text=Sign-ins');
    expect(await text('table'))
      .to.contain(`${root} signed in (password)`)
      .and.not.contain('Acme Reports');
    await page.click('.tabs >> text=Changes');
    await page.fill('#filter-client', made.json.client_id);
    await page.fill('#filter-to', '2999-01-01T00:00');
    await page.click('main form button');
    expect(page.url()).to.contain('show=changes');
    expect(await page.locator('tbody tr').count()).to.equal(1);
    await page.click('tbody a >> text=Acme Reports');
    expect(await text('h1')).to.contain('Acme Reports');
  });

  it('C8 finds what a person did or what was done to them by login name; nobody’s name finds nothing', async () => {
    await go(`/admin/audit?show=changes&person=${bob}`);
    expect(await text('table')).to.contain(`${root} gave ${bob} the role`);
    expect(await text('.chip')).to.contain(bob);
    const subject = await page.locator('tbody td:nth-child(2) a').first().getAttribute('title');
    expect([ids[bob], (await asRoot('GET', '/auth/me')).json.user.id]).to.include(subject);
    await go('/admin/audit?person=nobody@example.test');
    expect(await text('.empty')).to.contain('No event fits these filters');
    expect((await go('/admin/audit?show=anything'))?.status()).to.equal(404);
  });

  it('TN-03 names nobody in the log whom its reader may not know', async () => {
    const home = organizations.home;
    await asRoot('POST', '/identity/groups', { name: 'Harbor', organizationId: home });
    const agent = await signedIn(ann);
    const { status, body } = await agent.open(`${stand.issuer}/admin/audit?show=changes&search=group.created`);
    expect(status).to.equal(200);
    expect(body).to.contain('created the group').and.contain('Harbor').and.not.contain(root);
  });

  it('O8 lets a form that is under way not be sent again', async () => {
    const scripted = await browser.newContext({ storageState: await context.storageState() });
    const tab = await scripted.newPage();
    await tab.goto(`${stand.issuer}/admin/clients/new`);
    await tab.fill('#client_name', 'Made once');
    await tab.fill('#redirect_uris', 'https://once.example/cb');
    const sent = await tab.evaluate(`(() => {
      const form = document.querySelector('main form');
      let count = 0;
      form.addEventListener('submit', (event) => { if (!event.defaultPrevented) count += 1; event.preventDefault(); });
      form.requestSubmit();
      form.requestSubmit();
      return count;
    })()`);
    expect(sent).to.equal(1);
    await scripted.close();
  });

  it('IN-05 shows names and reasons that hold markup as text, on every page', async () => {
    const evil = `"><img src=x onerror=alert(1)>'{{7777*7}}`;
    const made = async (path: string, body: object): Promise<string> => {
      const { status, json } = await asRoot('POST', path, body);
      expect(status, `${path} ${JSON.stringify(json)}`).to.equal(201);
      return json.id ?? json.client_id;
    };
    const role = await made('/rbac/roles', { name: 'evil', description: evil, permissions: [] });
    const group = await made('/identity/groups', { name: 'Evil', description: evil });
    const organization = await made('/identity/organizations', { name: evil });
    const client = await made('/clients', { client_name: evil, redirect_uris: ['https://app.example/cb'] });
    const person = await made('/identity/users', { email: 'evil@example.test', name: evil, password });
    await made(`/rbac/users/${person}/roles`, { role, reason: evil });
    const pages = [
      ...['roles', 'groups', 'organizations', 'clients', 'users', 'audit'].map((list) => `/admin/${list}`),
      ...Object.entries({ roles: role, groups: group, organizations: organization, clients: client, users: person }).map(
        ([list, id]) => `/admin/${list}/${id}`,
      ),
    ];
    const agent = await signedIn(root);
    const event = /href="(\/admin\/audit\/[^"]+)"/.exec(
      (await agent.open(`${stand.issuer}/admin/audit?type=identity.organization_created`)).body,
    );
    for (const path of [...pages, event?.[1] ?? '']) {
      const { status, body } = await agent.open(`${stand.issuer}${path}`);
      expect(status, path).to.equal(200);
      expect(body, path).not.to.contain('<img src=x').and.not.to.contain('54439');
      if (!path.endsWith('audit')) expect(body, path).to.contain('&lt;img src=x');
    }
  });

  it('SE-08 changes nothing without the sign of our own page', async () => {
    const agent = await signedIn(root);
    const init = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'name=Sneaked' };
    expect((await agent.request(`${stand.issuer}/admin/roles/new`, init)).status).to.equal(403);
    expect((await asRoot('GET', '/rbac/roles/Sneaked')).status).to.equal(404);
  });
});
