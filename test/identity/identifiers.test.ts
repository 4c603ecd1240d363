import { expect } from 'chai';
import { userNameOf } from '../../src/identity/index.ts';
import type { Page } from '../support/agent.ts';
import { type Api, createApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { type Mailbox, mailsLeft, openMailbox, type ReceivedMail } from '../support/mailbox.ts';
import { browserOf } from '../support/relying-party.ts';
import { openSmsWebhook, type SmsWebhook } from '../support/sms-webhook.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'the-passphrase-of-everybody';
const clock = createTestClock();
const linkIn = ({ text }: { text: string }): string => /https?:\/\/\S+\?\S*ticket=\S+/.exec(text)?.[0] ?? '';
const codeIn = ({ text }: { text: string }): string => /(?:^ {4}|^|with )(\d{6})\b/m.exec(text)?.[1] ?? '';

describe('A3 several identifiers per person', function identifiers() {
  this.timeout(60_000);
  let stand: Stand;
  let mailbox: Mailbox;
  let sms: SmsWebhook;
  let call: Api;
  let count = 0;
  let token = '';
  let email = '';
  const path = '/identity/identifiers';
  const login = (name: string) => call('POST', '/auth/login', { email: name, password });
  const rows = (table: string) => stand.database.knex(table);
  /** Somebody new whose address is proven, signed in by the API. */
  const person = async (): Promise<{ email: string; token: string; id: string }> => {
    const address = `person${++count}@example.test`;
    await call('POST', '/auth/register', { email: address, password });
    await mailbox.next(address);
    await rows('identifiers').where({ value: address }).update({ verified_at: clock.now() });
    const { json } = await login(address);
    return { email: address, token: json.accessToken, id: json.user.id };
  };
  const add = (type: string, value: string, bearer = token) => call('POST', path, { type, value }, bearer);
  const list = async (bearer = token) => (await call('GET', path, undefined, bearer)).json.items;
  const addEmail = async (value: string, bearer = token) => {
    const { json } = await add('email', value, bearer);
    const mail = await mailbox.next(value);
    return call('POST', `${path}/confirm`, { type: 'email', code: codeIn(mail), flow: json.flow }, bearer);
  };
  const addPhone = async (value: string, bearer = token) => {
    const { json } = await add('phone', value, bearer);
    return call('POST', `${path}/confirm`, { type: 'phone', code: codeIn(await sms.next()), flow: json.flow }, bearer);
  };
  /** The newest with a link, whatever came before. */
  const lastMail = async (to: string): Promise<ReceivedMail> => {
    await mailsLeft(stand.database);
    let mail = await mailbox.next(to);
    while (mailbox.waiting(to) > 0) mail = await mailbox.next(to);
    return mail;
  };
  const errorOf = ({ status, json }: { status: number; json: { type?: string } }) => [status, json?.type?.split(':').at(-1)];

  before(async () => {
    mailbox = await openMailbox();
    sms = await openSmsWebhook();
    stand = await startStand({ env: { SMTP_URL: mailbox.url, ...sms.env }, clock });
    call = createApi(() => stand.issuer);
  });
  beforeEach(async () => {
    ({ email, token } = await person());
  });
  after(async () => {
    await stand.close();
    await mailbox.close();
    await sms.close();
  });

  it('counts an address once its code is entered: it signs in, the account is told, the event is written', async () => {
    const asked = await add('email', ` Second.${email} `);
    expect([asked.status, Object.keys(asked.json).sort()]).to.deep.equal([202, ['confirmationCode', 'expiresAt', 'flow']]);
    expect(await list(), 'not before').to.have.length(1);
    const second = `Second.${email}`;
    expect((await login(second)).status).to.equal(401);
    const mail = await mailbox.next(second);
    const confirm = (code: string, flow = asked.json.flow, bearer = token) =>
      call('POST', `${path}/confirm`, { type: 'email', code, flow }, bearer);
    expect(errorOf(await confirm('000000'))).to.deep.equal([400, 'confirmation_code_refused']);
    const stranger = await person();
    expect(errorOf(await confirm(codeIn(mail), asked.json.flow, stranger.token)), 'another account').to.deep.equal([
      400,
      'ticket_gone',
    ]);
    expect(errorOf(await confirm(codeIn(mail), 'x'.repeat(43))), 'another browser').to.deep.equal([400, 'ticket_gone']);
    const { status, json } = await confirm(codeIn(mail));
    expect([status, json.type, json.verified, json.primary, json.signsIn]).to.deep.equal([200, 'email', true, false, true]);
    expect((await add('email', second)).status, 'no code for what is there').to.equal(201);
    expect(errorOf(await confirm(codeIn(mail))), 'once').to.deep.equal([400, 'ticket_gone']);
    const { json: tokens } = await login(second.toLowerCase());
    expect(tokens.user.email, 'the primary one is what applications see').to.equal(email);
    expect((await mailbox.next(email)).text).to.contain(second);
    const events = await rows('audit_events').where({ subject_id: tokens.user.id, type: 'identity.identifier_added' });
    expect(events).to.have.length(1);
  });

  it('PW-05 answers the same for somebody else’s address and number, and sends nothing there', async () => {
    const other = await person();
    await addPhone('+84 912 000 111', other.token);
    const sentBefore = sms.texts.length;
    for (const [type, taken, free] of [
      ['email', other.email, 'free-one@example.test'],
      ['phone', '0084912000111', '+84 912 000 222'],
    ] as const) {
      const [one, two] = [await add(type, taken), await add(type, free)];
      expect([one.status, Object.keys(one.json)]).to.deep.equal([two.status, Object.keys(two.json)]);
    }
    await mailsLeft(stand.database);
    expect(mailbox.waiting(other.email), 'only what told them of their own').to.equal(1);
    expect((await sms.next()).to).to.equal('+84912000222');
    expect(sms.texts.length - sentBefore).to.equal(1);
  });

  it('RS-08 an address that somebody took meanwhile stays theirs', async () => {
    const [first, second] = [await add('email', 'raced@example.test'), await person()];
    const mine = codeIn(await mailbox.next('raced@example.test'));
    expect((await addEmail('raced@example.test', second.token)).status).to.equal(200);
    const late = await call('POST', `${path}/confirm`, { type: 'email', code: mine, flow: first.json.flow }, token);
    expect(errorOf(late)).to.deep.equal([400, 'ticket_gone']);
    expect((await login('raced@example.test')).json.user.email).to.equal(second.email);
  });

  it('RS-07 another primary address needs the word of the present one, which can undo it; meanwhile it cannot be removed', async () => {
    const next = `next-${email}`;
    const { json: added } = await addEmail(next);
    await mailbox.next(email);
    const own = await list();
    const [primary] = own;
    expect(errorOf(await call('DELETE', `${path}/${primary.id}`, undefined, token))).to.deep.equal([
      409,
      'identifier_is_primary',
    ]);
    const asked = await call('POST', `${path}/${added.id}/primary`, undefined, token);
    expect(asked.status).to.equal(202);
    expect((await list()).find(({ primary: isIt }: { primary: boolean }) => isIt).value, 'not yet').to.equal(email);
    const letter = await mailbox.next(email);
    const ticket = new URL(linkIn(letter)).searchParams.get('ticket');
    const agreed = await call('POST', '/auth/change-email/confirm', { end: 'old', token: ticket, flow: asked.json.flow });
    expect(agreed.json).to.deep.equal({ status: 'applied' });
    expect((await login(email)).json.user.email, 'the old one signs in still').to.equal(next);
    expect(errorOf(await call('DELETE', `${path}/${primary.id}`, undefined, token))).to.deep.equal([409, 'identifier_held']);
    const told = await mailbox.next(email);
    expect(told.text).to.contain('You can still sign in with this one');
    const later = `later-${email}`;
    const { json: third } = await addEmail(later);
    const again = await call('POST', `${path}/${third.id}/primary`, undefined, token);
    const agree = new URL(linkIn(await lastMail(next))).searchParams.get('ticket');
    const flow = again.json.flow;
    expect((await call('POST', '/auth/change-email/confirm', { end: 'old', token: agree, flow })).json.status).to.equal(
      'applied',
    );
    const undone = await call('POST', '/auth/change-email/undo', { token: new URL(linkIn(told)).searchParams.get('ticket') });
    expect(undone.status).to.equal(204);
    expect((await call('GET', path, undefined, token)).status, 'sessions end').to.equal(401);
    expect((await login(email)).json.user.email).to.equal(email);
    for (const gone of [next, later]) expect((await login(gone)).status, 'what came since goes with it').to.equal(401);
  });

  it('a number counts by a code of SMS, signs in however it is written, and changes by the word of the present one', async () => {
    const first = await addPhone('+84 912 (345) 678');
    expect([first.status, first.json.value, first.json.primary]).to.deep.equal([200, '+84912345678', true]);
    for (const typed of ['+84912345678', '+84 912-345-678', '0084 912 345 678'])
      expect((await login(typed)).status, typed).to.equal(200);
    clock.advance(3600);
    ({ accessToken: token } = (await login(email)).json);
    const second = await addPhone('+84 987 654 321');
    expect(second.json.primary).to.equal(false);
    const asked = await call('POST', `${path}/${second.json.id}/primary`, undefined, token);
    const text = await sms.next();
    expect([asked.status, text.to]).to.deep.equal([202, '+84912345678']);
    const confirm = (code: string) => call('POST', `${path}/confirm-primary`, { code, flow: asked.json.flow }, token);
    expect(errorOf(await confirm('000000'))).to.deep.equal([400, 'confirmation_code_refused']);
    const [stored] = await rows('tickets').where({ purpose: 'phone-old' }).orderBy('id', 'desc').limit(1);
    await rows('tickets').where({ id: stored.id }).update({ address: '+84900000000' });
    expect(errorOf(await confirm(codeIn(text))), 'RS-08 of a number that is not the primary one').to.deep.equal([
      400,
      'ticket_gone',
    ]);
    await rows('tickets').where({ id: stored.id }).update({ address: text.to });
    expect((await confirm(codeIn(text))).status).to.equal(204);
    expect((await sms.next()).to, 'told').to.equal('+84912345678');
    const phones = (await list()).filter(({ type }: { type: string }) => type === 'phone');
    expect(phones.map(({ value, primary }: { value: string; primary: boolean }) => [value, primary])).to.deep.equal([
      ['+84987654321', true],
      ['+84912345678', false],
    ]);
    const remove = () => call('DELETE', `${path}/${first.json.id}`, undefined, token);
    expect(errorOf(await remove()), 'RS-07 while it can undo that').to.deep.equal([409, 'identifier_held']);
    clock.advance(7 * 86_400 + 1);
    ({ accessToken: token } = (await login(email)).json);
    expect((await remove()).status).to.equal(204);
    expect((await login('+84912345678')).status).to.equal(401);
  });

  it('RS-07 the number that was the primary one takes its replacement back within seven days, by text message or by mail', async () => {
    const first = await addPhone('+84912000001');
    const second = await addPhone('+84912000002');
    const { json: asked } = await call('POST', `${path}/${second.json.id}/primary`, undefined, token);
    const code = codeIn(await sms.next());
    expect((await call('POST', `${path}/confirm-primary`, { code, flow: asked.flow }, token)).status).to.equal(204);
    const text = await sms.next();
    expect([text.to, text.text.includes('no longer the main one')]).to.deep.equal(['+84912000001', true]);
    const link = linkIn(text);
    expect(linkIn(await lastMail(email)), 'the mail has it too').to.equal(link);
    clock.advance(6 * 86_400);
    ({ accessToken: token } = (await login(email)).json);
    await addEmail(`late.${email}`);
    const browser = browserOf(stand);
    const page = await browser.open(link);
    expect(page.body).to.contain('Take back the change of number');
    expect((await list()).find(({ id }: { id: string }) => id === second.json.id).primary, 'opening changes nothing').to.equal(
      true,
    );
    expect((await browser.submit(page, {})).body).to.contain('The old number is back');
    expect((await call('GET', path, undefined, token)).status, 'sessions end').to.equal(401);
    for (const gone of ['+84912000002', `late.${email}`]) expect((await login(gone)).status, gone).to.equal(401);
    ({ accessToken: token } = (await login('+84912000001')).json);
    const phones = (await list()).filter(({ type }: { type: string }) => type === 'phone');
    expect(phones.map(({ id, primary }: { id: string; primary: boolean }) => [id, primary])).to.deep.equal([
      [first.json.id, true],
    ]);
    expect((await browser.open(link)).status, 'once').to.equal(400);
    const { id } = (await login(email)).json.user;
    expect(await rows('audit_events').where({ subject_id: id, type: 'identity.phone_change_undone' })).to.have.length(1);
  });

  it('RS-07 a number that was removed comes back as well, by JSON, in the reader’s language, and not after seven days', async () => {
    const { json: user } = await call('GET', '/auth/me', undefined, token);
    await rows('user_profiles')
      .where({ user_id: user.user.id })
      .update({ claims: JSON.stringify({ locale: 'vi' }) });
    const drop = async (value: string) => {
      const { json } = await addPhone(value);
      expect((await call('DELETE', `${path}/${json.id}`, undefined, token)).status).to.equal(204);
      const text = await sms.next();
      expect(text.text).to.contain('Số này không còn là số chính');
      return new URL(linkIn(text)).searchParams.get('ticket') ?? '';
    };
    const undo = (secret: string) => call('POST', `${path}/undo`, { token: secret });
    const taken = await drop('+84912000011');
    const { token: stranger } = await person();
    expect((await addPhone('+84912000011', stranger)).status).to.equal(200);
    expect(errorOf(await undo(taken)), 'somebody else’s by now').to.deep.equal([400, 'ticket_gone']);
    expect((await call('GET', path, undefined, token)).status, 'and nothing of it stays').to.equal(200);
    const kept = await drop('+84912000012');
    expect(errorOf(await undo('x'.repeat(43)))).to.deep.equal([400, 'ticket_gone']);
    expect((await undo(kept)).status).to.equal(204);
    expect((await login('+84912000012')).json.user.email).to.equal(email);
    ({ accessToken: token } = (await login(email)).json);
    const [phone] = (await list()).filter(({ type }: { type: string }) => type === 'phone');
    expect((await call('DELETE', `${path}/${phone.id}`, undefined, token)).status).to.equal(204);
    const late = new URL(linkIn(await sms.next())).searchParams.get('ticket') ?? '';
    clock.advance(7 * 86_400 + 1);
    expect(errorOf(await undo(late)), 'too late').to.deep.equal([400, 'ticket_gone']);
  });

  it('PW-10 a user name signs in in any case; names that look alike, speak for the site or are somebody’s have one answer', async () => {
    const added = await add('username', 'Alice.Nguyễn');
    expect([added.status, added.json.value]).to.deep.equal([201, 'alice.nguyễn']);
    expect((await login('ALICE.NGUYỄN')).json.user.email).to.equal(email);
    const stranger = await person();
    for (const name of ['alice.nguyễn', 'ａｌｉｃｅ.nguyễn', 'alice_nguyen', 'a1ice.nguyen', 'Admin', 'supp0rt'])
      expect(errorOf(await add('username', name, stranger.token)), name).to.deep.equal([409, 'identifier_unusable']);
    for (const name of [
      'al',
      'a'.repeat(33),
      '12345678',
      'a@b.c',
      'аlice',
      'a..b',
      '.abc',
      'a b c',
      'al\u200bice',
      '+84912345678',
    ])
      expect((await add('username', name, token)).status, name).to.equal(400);
    expect((await add('username', 'alice2')).status, 'another takes its place').to.equal(201);
    expect((await login('alice.nguyễn')).status).to.equal(401);
    expect(userNameOf('rnary')?.skeleton).to.equal(userNameOf('mary')?.skeleton);
    expect(userNameOf('lan')?.skeleton).not.to.equal(userNameOf('ian')?.skeleton);
  });

  it('asks for a recent sign-in (RS-07), a proven address first (SO-02), and stops who asks too often (RS-04)', async () => {
    await rows('identifiers').where({ value: email }).update({ verified_at: null });
    expect(errorOf(await add('username', 'somebody-new'))).to.deep.equal([409, 'identifier_unproven']);
    await rows('identifiers').where({ value: email }).update({ verified_at: clock.now() });
    for (let asked = 0; asked < 10; asked += 1) expect((await add('email', `many${asked}@example.test`)).status).to.equal(202);
    const stopped = await add('email', 'many10@example.test');
    expect(stopped.status).to.equal(429);
    expect(Number(stopped.headers.get('retry-after'))).to.be.greaterThan(60);
    clock.advance(601);
    const old = await add('email', 'late@example.test');
    expect([old.status, old.json.type]).to.deep.equal([401, 'urn:castellan:error:insufficient_user_authentication']);
    expect((await call('GET', path)).status).to.equal(401);
  });

  it('lets go of the last one by nobody’s hand, keeps five addresses at most, and reaches nobody else’s', async () => {
    for (let more = 1; more < 5; more += 1) expect((await addEmail(`more${more}-${email}`)).status).to.equal(200);
    expect(errorOf(await add('email', `sixth-${email}`))).to.deep.equal([409, 'identifier_limit_reached']);
    const [, second] = await list();
    const stranger = await person();
    for (const [method, more] of [
      ['DELETE', ''],
      ['POST', '/primary'],
    ] as const)
      expect((await call(method, `${path}/${second.id}${more}`, undefined, stranger.token)).status).to.equal(404);
    expect((await call('DELETE', `${path}/${second.id}`, undefined, token)).status).to.equal(204);
    expect((await mailbox.next(second.value)).text, 'the one that goes is told').to.contain('removed');
    expect((await list()).map(({ id }: { id: string }) => id)).not.to.include(second.id);
  });

  it('RS-11 an invitation to any confirmed address of a person is theirs, and to no other', async () => {
    const second = `asked-${email}`;
    await addEmail(second);
    const { invite, invitations } = stand.app.rooms.authn;
    const row = await invite({ email: second.toUpperCase() }, { actor: { type: 'system' }, scope: 'all' });
    const secret = new URL(linkIn(await lastMail(row.email.replace(/@.*/, '@example.test')))).searchParams.get('ticket') ?? '';
    const stranger = await person();
    expect(await invitations.join(secret, stranger.id)).to.deep.equal({ kind: 'not_yours' });
    const { id } = (await call('GET', '/auth/me', undefined, token)).json.user;
    expect(await invitations.join(secret, id)).to.deep.equal({ kind: 'accepted' });
  });

  describe('in the account', () => {
    const browse = async () => {
      const agent = browserOf(stand);
      const at = (more = ''): Promise<Page> => agent.open(`${stand.issuer}/account/identifiers${more}`);
      const start = await agent.submit(await at(), { login: email, password });
      expect(new URL(start.url).pathname).to.equal('/account/identifiers');
      return { agent, at };
    };

    it('adds an address by its code or by its link, and removes it, without script', async () => {
      const { agent, at } = await browse();
      expect((await agent.submit(await at('/new/email'), { value: 'nothing' })).status).to.equal(400);
      for (const by of ['code', 'link'] as const) {
        const next = `${by}-${email}`;
        const waiting = await agent.submit(await at('/new/email'), { value: next });
        expect(new URL(waiting.url).pathname).to.equal('/account/identifiers/confirm/email');
        const mail = await mailbox.next(next);
        if (by === 'code') {
          expect((await agent.submit(waiting, { code: '111111' })).body).to.contain('not right');
          const done = await agent.submit(waiting, { code: codeIn(mail) });
          expect(done.body).to.contain('It is added').and.contain(next);
        } else {
          const done = await agent.submit(await agent.open(linkIn(mail)), {});
          expect(done.body).to.contain('The address is confirmed');
        }
        expect((await login(next)).status).to.equal(200);
      }
      const item = /\/account\/identifiers(\/[0-9a-f-]{36})"><span><strong>code-/.exec((await at()).body)?.[1] ?? '';
      const primary = await agent.submit(await at(item), { primary: 'yes' });
      expect(primary.body).to.contain('Check your e-mail');
      const removed = await agent.submit(await at(item), { remove: 'yes' });
      expect(removed.body).to.contain('It is removed').and.not.contain(`code-${email}`);
    });

    it('says what is wrong with a user name, and keeps the one that is right', async () => {
      const { agent, at } = await browse();
      expect((await agent.submit(await at('/new/username'), { value: 'root' })).body).to.contain('is not available');
      const done = await agent.submit(await at('/new/username'), { value: `someone${count}` });
      expect(done.body).to.contain(`<strong>someone${count}</strong>`);
    });
  });
});
