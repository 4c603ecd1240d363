import { expect } from 'chai';
import { type Agent, createAgent, passPages } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { everyTenant } from '../support/database.ts';
import { createFlows, webClient } from '../support/flows.ts';
import { type Mailbox, mailsLeft, openMailbox, type ReceivedMail } from '../support/mailbox.ts';
import { type Stand, startStand } from '../support/stand.ts';

const client = { id: 'app', secret: 'a-secret-of-at-least-thirty-two-characters' };
const password = 'correct horse battery';
const admin = { email: 'admin@localhost', password: 'the-passphrase-of-the-administrator' };

describe('A3 registration policies', function registration() {
  this.timeout(60_000);
  const clock = createTestClock();
  const stands: Stand[] = [];
  let mailbox: Mailbox;
  const start = async (env: Record<string, string>, users: Record<string, unknown>[] = []): Promise<Stand> => {
    const more = { BOOTSTRAP_ADMIN_PASSWORD: admin.password, SMTP_URL: mailbox.url, ...env };
    const stand = await startStand({ clock, env: more, bootstrap: { clients: [webClient(client)], users } });
    stands.push(stand);
    return stand;
  };
  const boss = async (stand: Stand): Promise<string> =>
    (await createApi(() => stand.issuer)('POST', '/auth/login', admin)).json.accessToken;
  const linkOf = ({ text }: ReceivedMail): string => /https?:\S+\/invitation\?ticket=[\w-]+/.exec(text)?.[0] ?? '';
  const types = async ({ app, database }: Stand): Promise<string[]> => {
    await app.rooms.foundation.audit.flush();
    return everyTenant(database, (trx) => trx('audit_events').pluck('type'));
  };

  before(async () => {
    mailbox = await openMailbox();
  });
  after(async () => {
    await Promise.all(stands.map((stand) => stand.close()));
    await mailbox.close();
  });

  describe('domains, approval and a confirmed address', () => {
    let stand: Stand;
    let api: ReturnType<typeof createApi>;
    before(async () => {
      stand = await start({
        REGISTRATION_DOMAINS: 'acme.test,*.acme.test',
        REGISTRATION_DENIED_DOMAINS: 'spam.acme.test',
        REGISTRATION_APPROVAL: 'required',
        EMAIL_VERIFICATION: 'required',
      });
      api = createApi(() => stand.issuer);
    });

    it('takes only addresses of the allowed domains, whoever has them', async () => {
      const answers = [];
      for (const email of ['a@other.test', 'a@notacme.test', 'a@spam.acme.test', 'A@HR.ACME.TEST', 'b@acme.test'])
        answers.push((await api('POST', '/auth/register', { email, password })).status);
      expect(answers).to.deep.equal([400, 400, 400, 201, 201]);
      const { json } = await api('POST', '/auth/register', { email: 'a@other.test', password });
      expect(json.errors).to.deep.equal([{ path: '/email', message: 'is of a domain that cannot be used here' }]);
    });

    it('PW-05 a new account waits for an administrator, and looks like any other refusal meanwhile', async () => {
      const email = 'carol@acme.test';
      const first = await api('POST', '/auth/register', { email, password });
      const again = await api('POST', '/auth/register', { email, password });
      expect([first.status, again.status]).to.deep.equal([201, 201]);
      expect(Object.keys(first.json)).to.deep.equal(Object.keys(again.json));
      const waiting = await api('POST', '/auth/login', { email, password });
      const unknown = await api('POST', '/auth/login', { email: 'nobody@acme.test', password });
      expect([waiting.status, waiting.json.type]).to.deep.equal([unknown.status, unknown.json.type]);
      const token = await boss(stand);
      const { json: list } = await api('GET', '/identity/registrations', undefined, token);
      const entry = list.items.find((item: { email: string }) => item.email === email);
      expect(entry).to.include({ emailVerified: false });
      expect((await api('POST', `/identity/registrations/${entry.id}/approve`)).status).to.equal(401);
      expect((await api('POST', `/identity/registrations/${entry.id}/approve`, undefined, token)).status).to.equal(204);
      expect((await api('POST', `/identity/registrations/${entry.id}/approve`, undefined, token)).status).to.equal(404);
      expect(await types(stand)).to.include('identity.registration_approved');
      await mailsLeft(stand.database);
      expect(
        mailbox.mails.filter(({ to, subject }) => to.includes(email) && subject === 'Your account is ready'),
      ).to.have.lengthOf(1);
    });

    it('the right password of an unconfirmed address gets a code by mail and nothing else; a wrong one the usual answer', async () => {
      const email = 'carol@acme.test';
      const refused = await api('POST', '/auth/login', { email, password });
      expect([refused.status, refused.json.type]).to.deep.equal([403, 'urn:castellan:error:email_unverified']);
      expect(refused.json).to.not.have.any.keys('accessToken', 'refreshToken');
      expect((await api('POST', '/auth/login', { email, password: 'something else' })).status).to.equal(401);
      await mailsLeft(stand.database);
      const mail = mailbox.mails.filter(({ to, subject }) => to.includes(email) && /confirm/i.test(subject)).at(-1);
      const code = /\b(\d{6})\b/.exec(mail?.text ?? '')?.[1];
      const { flow } = refused.json.verification;
      expect((await api('POST', '/auth/verify-email', { flow, code })).status).to.equal(204);
      expect((await api('POST', '/auth/login', { email, password })).status).to.equal(200);
    });

    it('the page asks for the code as well, and says that accounts are reviewed', async () => {
      const email = 'dave@acme.test';
      expect(await (await fetch(`${stand.issuer}/signup`)).text()).to.contain('New accounts are reviewed');
      await api('POST', '/auth/register', { email, password });
      const token = await boss(stand);
      const { json: list } = await api('GET', '/identity/registrations', undefined, token);
      const { id } = list.items.find((item: { email: string }) => item.email === email);
      await api('POST', `/identity/registrations/${id}/approve`, undefined, token);
      const agent = createAgent(stand.issuer);
      const flows = createFlows(stand.issuer, client, stand.person);
      const request = flows.request({ scope: 'openid' });
      const page = await agent.submit(await agent.open(request.url), { login: email, password });
      expect([page.status, /name="code"/.test(page.body)]).to.deep.equal([403, true]);
      await mailsLeft(stand.database);
      const mail = mailbox.mails.filter(({ to, subject }) => to.includes(email) && /confirm/i.test(subject)).at(-1);
      const confirmed = await agent.submit(page, { code: /\b(\d{6})\b/.exec(mail?.text ?? '')?.[1] ?? '' });
      expect(confirmed.status).to.equal(200);
      const answer = await passPages(agent, await agent.open(request.url), { login: email, password });
      expect(new URL(answer).searchParams.has('code')).to.equal(true);
    });

    it('the page takes no longer name than the interface', async () => {
      const agent = createAgent(stand.issuer);
      const email = 'long@acme.test';
      await agent.submit(await agent.open(`${stand.issuer}/signup`), { login: email, password, name: 'x'.repeat(300) });
      const { json: list } = await api('GET', '/identity/registrations', undefined, await boss(stand));
      const { name } = list.items.find((item: { email: string }) => item.email === email);
      expect(name).to.have.lengthOf(200);
    });

    it('a rejected account is gone, and its address free; the person is told in their language', async () => {
      const token = await boss(stand);
      const email = 'erin@acme.test';
      await api('POST', '/auth/register', { email, password, profile: { locale: 'vi' } });
      const { json: list } = await api('GET', '/identity/registrations', undefined, token);
      const { id } = list.items.find((item: { email: string }) => item.email === email);
      expect((await api('POST', `/identity/registrations/${id}/reject`, undefined, token)).status).to.equal(204);
      expect(await stand.database.knex('identifiers').where({ canonical: email })).to.have.lengthOf(0);
      await mailsLeft(stand.database);
      const subjects = mailbox.mails.filter(({ to }) => to.includes(email)).map(({ subject }) => subject);
      expect(subjects).to.include('Tài khoản của bạn không được duyệt');
    });
  });

  describe('RS-11 invitations', () => {
    let stand: Stand;
    let token: string;
    let api: ReturnType<typeof createApi>;
    const organization = '01900000-0000-7000-8000-00000000aaaa';
    const invite = (email: string, more: Record<string, unknown> = {}) =>
      api('POST', '/identity/invitations', { email, ...more }, token);
    const open = async (agent: Agent, email: string) => agent.open(linkOf(await mailbox.next(email)));

    before(async () => {
      stand = await start({ REGISTRATION: 'invite' }, [
        { email: 'desk@ex.test', password, email_verified: true, roles: ['ADMIN'] },
        { email: 'unproven@ex.test', password, email_verified: false },
      ]);
      api = createApi(() => stand.issuer);
      token = await boss(stand);
      await stand.database.transaction(async (trx) => {
        await trx.raw(`select set_config('app.tenants', '*', true)`);
        const times = { created_at: clock.now(), updated_at: clock.now() };
        await trx('organizations').insert({ id: organization, name: 'Acme', slug: 'acme', ...times });
      });
    });

    it('sign-up is closed without one', async () => {
      expect((await api('POST', '/auth/register', { email: 'x@ex.test', password })).status).to.equal(404);
      expect(await (await fetch(`${stand.issuer}/signup`)).status).to.equal(404);
      expect((await api('POST', '/identity/invitations', { email: 'x@ex.test' })).status).to.equal(401);
      expect((await invite('not an address')).status).to.equal(400);
      expect((await invite('x@ex.test', { organizationId: '01900000-0000-7000-8000-00000000bbbb' })).status).to.equal(404);
    });

    it('the mailed link makes the account, confirmed and a member, once; a scanner spends nothing', async () => {
      const email = 'frank@ex.test';
      const { status, json: invitation } = await invite(email, { organizationId: organization });
      expect(status).to.equal(201);
      expect(invitation).to.include({ email, status: 'open', organizationId: organization });
      const mail = await mailbox.next(email);
      expect(mail.text).to.contain('Acme');
      await fetch(linkOf(mail));
      const agent = createAgent(stand.issuer);
      const page = await agent.open(linkOf(mail));
      // RS-09
      expect(page.url).to.equal(`${stand.issuer}/invitation`);
      expect(page.body).to.contain(email);
      const done = await agent.submit(page, { password, name: 'Frank', email: 'evil@ex.test', organizationId: 'x' });
      expect(done.body).to.contain('Welcome');
      const { json } = await api('POST', '/auth/login', { email, password });
      expect(json.user).to.include({ email, emailVerified: true, name: 'Frank' });
      const { json: me } = await api('GET', '/auth/me', undefined, json.accessToken);
      expect(me.organizations.map(({ name }: { name: string }) => name)).to.deep.equal(['Acme']);
      const second = createAgent(stand.issuer);
      expect((await second.open(linkOf(mail))).status).to.equal(400);
      const { json: list } = await api('GET', '/identity/invitations', undefined, token);
      expect(list.items[0]).to.include({ email, status: 'accepted' });
      expect((await api('DELETE', `/identity/invitations/${invitation.id}`, undefined, token)).status).to.equal(409);
      expect(await types(stand)).to.include.members(['identity.invitation_created', 'identity.invitation_accepted']);
    });

    it('an address with an account is joined by its owner only', async () => {
      const email = stand.person.login;
      await invite(email, { organizationId: organization });
      const link = linkOf(await mailbox.next(email));
      const stranger = createAgent(stand.issuer);
      const asked = await stranger.submit(await stranger.open(link), { join: 'yes' });
      const wrong = await passPages(stranger, asked, { login: 'frank@ex.test', password }).catch(() => '');
      expect(wrong).to.equal('');
      const refused = await stranger.submit(await stranger.open(`${stand.issuer}/invitation`), { join: 'yes' });
      expect([refused.status, refused.body.includes('for another address')]).to.deep.equal([403, true]);
      const owner = createAgent(stand.issuer);
      const login = await owner.submit(await owner.open(link), { join: 'yes' });
      const back = await owner.submit(login, stand.person);
      expect(back.body).to.contain('Accept');
      expect((await owner.submit(back, { join: 'yes' })).body).to.contain('Welcome');
      const members = await stand.database.transaction(async (trx) => {
        await trx.raw(`select set_config('app.tenants', '*', true)`);
        return trx('organization_members').where({ organization_id: organization });
      });
      expect(members).to.have.lengthOf(2);
    });

    it('RS-11 an account that never proved the address joins nothing', async () => {
      const email = 'unproven@ex.test';
      await invite(email, { organizationId: organization });
      const agent = createAgent(stand.issuer);
      const login = await agent.submit(await open(agent, email), { join: 'yes' });
      const back = await agent.submit(login, { login: email, password });
      const refused = await agent.submit(back, { join: 'yes' });
      expect([refused.status, refused.body.includes('for another address')]).to.deep.equal([403, true]);
    });

    it('RS-11 gives the role it was made for, no other, and only what its maker may give', async () => {
      const email = 'heidi@ex.test';
      const made = await invite(email, { organizationId: organization, role: 'MODERATOR' });
      expect([made.status, made.json.role]).to.deep.equal([201, 'MODERATOR']);
      const agent = createAgent(stand.issuer);
      await agent.submit(await open(agent, email), { password, role: 'SUPER_ADMIN' });
      const { json: tokens } = await api('POST', '/auth/login', { email, password });
      const { json: me } = await api('GET', '/auth/me', undefined, tokens.accessToken);
      expect(me.roles).to.include('MODERATOR').and.not.include('SUPER_ADMIN');

      const desk = (await api('POST', '/auth/login', { email: 'desk@ex.test', password })).json.accessToken;
      const byDesk = (role: string, to = 'ivan@ex.test') => api('POST', '/identity/invitations', { email: to, role }, desk);
      expect((await byDesk('SUPER_ADMIN')).json.type).to.match(/grant_not_yours$/);
      expect((await byDesk('NO_SUCH_ROLE')).json.type).to.match(/role_not_found$/);
      expect(
        (await api('POST', '/identity/invitations', { email: 'x@ex.test', role: 'USER' }, tokens.accessToken)).status,
      ).to.equal(403);
      expect(mailbox.waiting('ivan@ex.test')).to.equal(0);
    });

    it('RS-11 is worth nothing once its maker may not give the role any more', async () => {
      const email = 'ivan@ex.test';
      const desk = (await api('POST', '/auth/login', { email: 'desk@ex.test', password })).json;
      expect((await api('POST', '/identity/invitations', { email, role: 'MODERATOR' }, desk.accessToken)).status).to.equal(201);
      const agent = createAgent(stand.issuer);
      const page = await open(agent, email);
      expect((await api('DELETE', `/rbac/users/${desk.user.id}/roles/ADMIN`, undefined, token)).status).to.equal(204);
      const gone = await agent.submit(page, { password });
      expect(gone.status).to.equal(400);
      expect(await stand.database.knex('identifiers').where({ canonical: email })).to.have.lengthOf(0);
    });

    it('RS-11 RC-06 of twenty at the same moment one is taken', async () => {
      const email = 'judy@ex.test';
      await invite(email, { organizationId: organization });
      const link = linkOf(await mailbox.next(email));
      const agents = await Promise.all(
        Array.from({ length: 20 }, async () => {
          const agent = createAgent(stand.issuer);
          return { agent, page: await agent.open(link) };
        }),
      );
      const answers = await Promise.all(agents.map(({ agent, page }) => agent.submit(page, { password })));
      expect(answers.filter(({ status }) => status === 200)).to.have.lengthOf(1);
      expect(answers.filter(({ status }) => status >= 500 && status !== 503)).to.have.lengthOf(0);
      expect(await stand.database.knex('identifiers').where({ canonical: email })).to.have.lengthOf(1);
    });

    it('is over when withdrawn, sent again or too old', async () => {
      const email = 'grace@ex.test';
      const { json: first } = await invite(email, { days: 1 });
      const old = linkOf(await mailbox.next(email));
      expect((await api('POST', `/identity/invitations/${first.id}/resend`, undefined, token)).status).to.equal(200);
      const renewed = linkOf(await mailbox.next(email));
      expect((await createAgent(stand.issuer).open(old)).status).to.equal(400);
      const agent = createAgent(stand.issuer);
      const page = await agent.open(renewed);
      expect(page.status).to.equal(200);
      expect((await api('DELETE', `/identity/invitations/${first.id}`, undefined, token)).status).to.equal(204);
      expect((await agent.submit(page, { password })).status).to.equal(400);
      await invite(email, { days: 1 });
      const late = createAgent(stand.issuer);
      const lastPage = await open(late, email);
      clock.advance(86_401);
      expect((await late.submit(lastPage, { password })).status).to.equal(400);
      expect(await stand.database.knex('identifiers').where({ canonical: email })).to.have.lengthOf(0);
    });
  });
});
