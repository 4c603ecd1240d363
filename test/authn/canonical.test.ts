import { expect } from 'chai';
import { createAgent } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { type Mailbox, mailsLeft, openMailbox } from '../support/mailbox.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'correct horse battery';
const victim = 'victim@ex.test';
const root = { email: 'root@ex.test', password: 'the-passphrase-of-the-administrator' };
/** One address, written in other ways. */
const same = ['victim＠ex.test', 'ｖictim@ex.test', 'VICTIM@EX.TEST', ' victim@ex.test. ', 'victim@ｅｘ.test'];
/** Drawn alike, and nobody's: each is an account of its own. */
const others = ['vıctim@ex.test', 'victím@ex.test', 'victim@ех.test', 'vi\u0301ctim@ex.test'];
/** What only deceives: letters of two scripts in one label, invisible and turning characters. */
const refused = [
  'vict\u0456m@ex.test',
  'victim@e\u0445.test',
  'victim@ex.t\u0435st',
  'victim\u200b@ex.test',
  'vic\u2060tim@ex.test',
  'vic\u00adtim@ex.test',
  '\u202emitciv@ex.test',
  'victim@ex\u200d.test',
  'victim@ex.test\u2066',
];

describe('RS-10 canonical form first, then validation', function canonical() {
  this.timeout(60_000);
  let stand: Stand;
  let mailbox: Mailbox;
  const clock = createTestClock();
  const api = createApi(() => stand.issuer);
  const accounts = async (): Promise<string[]> => stand.database.knex('identifiers').where({ type: 'email' }).pluck('value');
  /** Envelopes of the mails that left because of this. */
  const mailed = async (work: () => Promise<unknown>): Promise<string[][]> => {
    const before = mailbox.mails.length;
    await work();
    await mailsLeft(stand.database);
    return mailbox.mails.slice(before).map(({ to }) => to);
  };
  const invite = async (email: string) =>
    api('POST', '/identity/invitations', { email }, (await api('POST', '/auth/login', root)).json.accessToken);
  const forgot = async (login: string): Promise<number> => {
    const agent = createAgent(stand.issuer);
    return (await agent.submit(await agent.open(`${stand.issuer}/forgot`), { login })).status;
  };

  before(async () => {
    mailbox = await openMailbox();
    const boss = { BOOTSTRAP_ADMIN_EMAIL: root.email, BOOTSTRAP_ADMIN_PASSWORD: root.password };
    const users = [victim, 'kim@ex.test', 'rené@ex.test'].map((email) => ({ email, password, email_verified: true }));
    stand = await startStand({ clock, env: { SMTP_URL: mailbox.url, ...boss }, bootstrap: { users } });
  });
  after(async () => {
    await stand?.close();
    await mailbox?.close();
  });

  it('RS-10 another way of writing is the same account: at sign-up, at sign-in, and its owner is told at the stored address', async () => {
    const before = await accounts();
    const envelopes = await mailed(async () => {
      for (const email of same.slice(0, 4)) {
        const { status } = await api('POST', '/auth/register', { email, password: 'another long passphrase' });
        expect(status, email).to.equal(201);
      }
    });
    expect(await accounts()).to.deep.equal(before);
    expect(new Set(envelopes.flat())).to.deep.equal(new Set([victim]));
    // Kelvin sign; letters with a mark as one character and as two
    for (const email of [...same, '\u212aim@ex.test', 'rene\u0301@ex.test'])
      expect((await api('POST', '/auth/login', { email, password })).status, email).to.equal(200);
  });

  it('RC-05 of twenty sign-ups at the same moment with one address in several spellings one makes the account', async () => {
    const spellings = ['crowd@ex.test', 'CROWD@ex.test', 'crowd＠ex.test', ' crowd@EX.test. ', 'ｃrowd@ex.test'];
    const people = async () => Number((await stand.database.knex('users').count('id as count').first())?.count);
    const before = await people();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => api('POST', '/auth/register', { email: spellings[n % 5], password })),
    );
    expect(answers.map(({ status }) => status)).to.deep.equal(Array(20).fill(201));
    expect(await people()).to.equal(before + 1);
    const { json } = await api('POST', '/auth/login', { email: 'crowd@ex.test', password });
    expect(answers.filter(({ json: { user } }) => user.id === json.user.id)).to.have.length(1);
    expect((await accounts()).filter((value) => value.normalize('NFKC').trim().toLowerCase().startsWith('crowd'))).to.have.length(
      1,
    );
  });

  it('RS-10 what only looks alike is an account of its own, and gets its own mail', async () => {
    for (const email of others) {
      const envelopes = await mailed(async () => {
        const { status } = await api('POST', '/auth/register', { email, password: 'another long passphrase' });
        expect(status, email).to.equal(201);
      });
      expect(envelopes.flat(), email).to.not.include(victim);
      expect(await accounts()).to.include(email.normalize('NFKC'));
      expect((await api('POST', '/auth/login', { email, password })).status, `${email} opens the victim’s account`).to.equal(401);
    }
  });

  it('RS-10 what deceives is refused wherever an address is taken', async () => {
    const before = await accounts();
    for (const email of refused) {
      const named = JSON.stringify(email);
      const signUp = await api('POST', '/auth/register', { email, password });
      expect([signUp.status, signUp.json.errors?.[0].path], named).to.deep.equal([400, '/email']);
      const invited = await invite(email);
      expect([invited.status, invited.json.errors?.[0].path], named).to.deep.equal([400, '/email']);
    }
    expect(await accounts()).to.deep.equal(before);
  });

  it('RS-10 recovery writes to the stored address for every way of writing it, and to nobody for a look-alike', async () => {
    // RS-04: five mails an hour for one address, however it is written.
    clock.advance(3601);
    for (const login of [same[0] ?? '', same[1] ?? '', same[4] ?? ''])
      expect(await mailed(() => forgot(login)), login).to.deep.equal([[victim]]);
    for (const login of [...refused.slice(0, 4), '\u202emitciv@ex.test', 'victim@ex.test,evil@ex.test'])
      expect(await mailed(() => forgot(login)), JSON.stringify(login)).to.deep.equal([]);
  });

  it('RS-10 a mailed sign-in goes to the stored address only', async () => {
    const asked = (email: string) => api('POST', '/auth/link', { email });
    expect(await mailed(() => asked('ＶＩＣＴＩＭ@ex.test'))).to.deep.equal([[victim]]);
    expect(await mailed(() => asked('vict\u0456m@ex.test'))).to.deep.equal([]);
    // Unproven, as everybody’s who has just signed up.
    expect(await mailed(() => asked('vıctim@ex.test'))).to.deep.equal([]);
  });

  it('RS-10 an invitation is for the account of the canonical address and is mailed to what is stored', async () => {
    const envelopes = await mailed(async () => {
      const { status, json } = await invite(' ｖictim＠ex.test ');
      expect([status, json.email]).to.deep.equal([201, victim]);
    });
    expect(envelopes).to.deep.equal([[victim]]);
    const link = /https?:\S+\/invitation\?ticket=[\w-]+/.exec(mailbox.mails.at(-1)?.text ?? '')?.[0] ?? '';
    expect((await createAgent(stand.issuer).open(link)).body, 'its owner joins').to.match(/name="join"/);
  });
});
