import { expect } from 'chai';
import { codeAt, stepAt } from '../../src/authn/totp/arithmetic.ts';
import { type Agent, createAgent, type Page } from '../support/agent.ts';
import { type Answer, createRelyingParty, secret } from '../support/client.ts';
import { createTestClock } from '../support/clock.ts';
import { sayFactorRule, withdrawFactorRule } from '../support/factor-policy.ts';
import { deviceClient } from '../support/flows.ts';
import { type Stand, startStand } from '../support/stand.ts';

const ciba = 'urn:openid:params:grant-type:ciba';
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const mfa = 'urn:castellan:acr:mfa';
const names = ['ann', 'bob', 'cleo', 'dan', 'eve', 'fay'];
const personOf = (name: string) => ({ login: `${name}@example.test`, password: `the-passphrase-of-${name}` });

describe('MF-04 A9 who approves for another device passes what a sign-in there would ask', function approvals() {
  this.timeout(120_000);
  const clock = createTestClock();
  let stand: Stand;

  before(async () => {
    const till = {
      client_secret: secret,
      token_endpoint_auth_method: 'client_secret_basic',
      redirect_uris: [],
      response_types: [],
    };
    const users = names.map((name) => ({ email: personOf(name).login, password: personOf(name).password, email_verified: true }));
    const clients = [
      { ...till, client_id: 'till', client_name: 'The till', grant_types: [ciba], backchannel_token_delivery_mode: 'poll' },
      deviceClient({ id: 'tv' }),
    ];
    stand = await startStand({ clock, bootstrap: { users, clients } });
  });
  after(() => stand?.close());

  const claimsOf = ({ json }: Answer) => JSON.parse(Buffer.from(json.id_token.split('.')[1], 'base64url').toString());
  /** A browser that is signed in with a password. */
  const browser = async (name: string): Promise<Agent> => {
    const agent = createAgent(stand.issuer);
    const page = await agent.submit(await agent.open(`${stand.issuer}/account`), personOf(name));
    expect(new URL(page.url).pathname).to.equal('/account');
    return agent;
  };
  /** Sets up an app on the page of a sign-in, and goes on. */
  const enrol = async (agent: Agent, page: Page): Promise<Page> => {
    const key = /<code[^>]*>([A-Z2-7 ]+)<\/code>/.exec(page.body)?.[1]?.replaceAll(' ', '') ?? '';
    expect(key, `a page that sets up an app: ${page.url}`).to.not.equal('');
    clock.advance(60);
    return agent.submit(await agent.submit(page, { code: codeAt(key, stepAt(clock.now())) }), {});
  };

  describe('CIBA Core 1.0', () => {
    const ask = async (name: string, fields: Record<string, string> = {}): Promise<() => Promise<Answer>> => {
      const party = createRelyingParty(stand, 'till');
      const { json } = await party.post('/backchannel', { scope: 'openid', login_hint: personOf(name).login, ...fields });
      return async () => {
        clock.advance(6);
        return party.post('/token', { grant_type: ciba, auth_req_id: json.auth_req_id });
      };
    };
    const waits = async (poll: () => Promise<Answer>) => expect((await poll()).json.error).to.equal('authorization_pending');
    const open = (agent: Agent) => agent.open(`${stand.issuer}/approvals`);
    const allow = async (agent: Agent): Promise<Page> => agent.submit(await open(agent), { decision: 'allow' });

    it('a rule for the application: a factor is set up before anything is allowed, and the tokens say so', async () => {
      await sayFactorRule(stand, { scope: 'client', target: 'till', requirement: 'required' });
      const poll = await ask('ann');
      const agent = await browser('ann');
      const led = await allow(agent);
      expect(new URL(led.url).pathname).to.match(/^\/interaction\//);
      await waits(poll);
      const back = await enrol(agent, led);
      expect(back.body, 'the same question again').to.contain('The till');
      await waits(poll);
      await agent.submit(back, { decision: 'allow' });
      const answer = await poll();
      expect(claimsOf(answer)).to.deep.include({ acr: mfa, amr: ['pwd', 'otp', 'mfa'] });
      await withdrawFactorRule(stand, 'client', 'till');
    });

    it('the wish of the application (acr_values), and a refusal needs nothing more', async () => {
      const poll = await ask('bob', { acr_values: mfa });
      const agent = await browser('bob');
      const cancelled = await agent.submit(await allow(agent), { cancel: 'yes' });
      expect(cancelled.body).to.contain('That was not enough');
      await waits(poll);
      await agent.submit(await enrol(agent, await allow(agent)), { decision: 'allow' });
      expect(claimsOf(await poll())).to.include({ acr: mfa });

      const other = await ask('cleo', { acr_values: mfa });
      const weak = await browser('cleo');
      await weak.submit(await open(weak), { decision: 'deny' });
      expect((await other()).json.error).to.equal('access_denied');
    });

    it('TK-05 somebody who is deactivated neither answers nor has answered', async () => {
      const [before, after] = [await ask('cleo'), await ask('cleo')];
      const agent = await browser('cleo');
      const list = await open(agent);
      const [first] = [...list.body.matchAll(/href="(\/approvals\/[0-9a-f-]{36})"/g)].map(([, href]) => href);
      await agent.submit(await agent.open(`${stand.issuer}${first}`), { decision: 'allow' });
      const id = await stand.app.rooms.accounts.idOf(personOf('cleo').login);
      await stand.database.knex('users').where({ id }).update({ status: 'deactivated' });
      for (const poll of [before, after])
        expect((await poll()).json.error).to.be.oneOf(['invalid_grant', 'authorization_pending']);
      const page = await open(agent);
      expect(page.body, 'no session any more').to.match(/name="password"/);
    });
  });

  describe('RFC 8628 device flow', () => {
    const start = async () => {
      const party = createRelyingParty(stand, 'tv');
      const { json } = await party.post('/device/code', { client_id: 'tv', scope: 'openid' }, {});
      const poll = async () => {
        clock.advance(6);
        return party.post('/token', { client_id: 'tv', grant_type: deviceGrant, device_code: json.device_code }, {});
      };
      return { userCode: json.user_code as string, poll };
    };
    const enter = async (agent: Agent, userCode: string): Promise<Page> => {
      const page = await agent.submit(await agent.open(`${stand.issuer}/device`), { user_code: userCode });
      return /name="decision"/.test(page.body) ? agent.submit(page, { decision: 'allow' }) : page;
    };

    it('a rule for the device’s application asks who is signed in for a factor, and then only for consent', async () => {
      await sayFactorRule(stand, { scope: 'client', target: 'tv', requirement: 'required' });
      const { userCode, poll } = await start();
      const agent = await browser('dan');
      const led = await enter(agent, userCode);
      expect((await poll()).json.error).to.equal('authorization_pending');
      const consent = await enrol(agent, led);
      expect((await poll()).json.error).to.equal('authorization_pending');
      await agent.submit(consent, { decision: 'allow' });
      expect(claimsOf(await poll())).to.include({ acr: mfa });
      await withdrawFactorRule(stand, 'client', 'tv');
    });

    it('TK-05 SO-06 a deactivated person’s device gets nothing', async () => {
      const { userCode, poll } = await start();
      const agent = await browser('eve');
      const consent = await enter(agent, userCode);
      if (/name="decision"/.test(consent.body)) await agent.submit(consent, { decision: 'allow' });
      const id = await stand.app.rooms.accounts.idOf(personOf('eve').login);
      await stand.database.knex('users').where({ id }).update({ status: 'deactivated' });
      expect((await poll()).json.error).to.equal('invalid_grant');
    });
  });

  describe('A3 terms', () => {
    it('new terms are accepted before anything is allowed', async () => {
      const party = createRelyingParty(stand, 'till');
      const { json } = await party.post('/backchannel', { scope: 'openid', login_hint: personOf('fay').login });
      const poll = () => party.post('/token', { grant_type: ciba, auth_req_id: json.auth_req_id });
      const agent = await browser('fay');
      const text = { locale: 'en', title: 'Terms of use', url: 'https://example.test/terms' };
      await stand.app.rooms.authn.terms.publish('2', [text], { type: 'client', id: 'till' });
      const asked = await agent.submit(await agent.open(`${stand.issuer}/approvals`), { decision: 'allow' });
      expect(asked.body).to.contain('https://example.test/terms');
      const back = await agent.submit(asked, { decision: 'allow' });
      expect((await poll()).json.error).to.equal('authorization_pending');
      await agent.submit(back, { decision: 'allow' });
      clock.advance(6);
      expect((await poll()).status).to.equal(200);
    });
  });
});
