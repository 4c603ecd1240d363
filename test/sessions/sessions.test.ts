import { expect } from 'chai';
import { createAgent, passPages } from '../support/agent.ts';
import { createApi, type Tokens } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { createFlows, webClient } from '../support/flows.ts';
import { type Stand, startStand } from '../support/stand.ts';

const password = 'correct horse battery';
const client = { id: 'app', secret: 'a-secret-of-at-least-thirty-two-characters' };
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
const phone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';

describe('A10 sessions', () => {
  let stand: Stand;
  let names = 0;
  const clock = createTestClock();
  const api = createApi(() => stand.issuer);
  const flows = () => createFlows(stand.issuer, client, stand.person);

  const newPerson = async (): Promise<string> => {
    const email = `person${++names}@example.test`;
    await api('POST', '/auth/register', { email, password });
    return email;
  };
  const signIn = async (email: string, userAgent = firefox): Promise<Tokens> =>
    (await api('POST', '/auth/login', { email, password }, undefined, { 'user-agent': userAgent })).json;
  const list = async (token: string) => (await api('GET', '/sessions', undefined, token)).json.items;
  const isIn = async (token: string): Promise<boolean> => (await api('GET', '/auth/me', undefined, token)).status === 200;

  before(async () => {
    stand = await startStand({ clock, bootstrap: { clients: [webClient(client)] } });
  });
  after(() => stand.close());

  it('lists mine with device, browser and system, and says which one asks', async () => {
    const email = await newPerson();
    await signIn(email, phone);
    const { accessToken } = await signIn(email);
    const items = await list(accessToken);
    expect(items).to.have.length(2);
    const [current] = items.filter((item: { current: boolean }) => item.current);
    expect(current).to.include({ browser: 'Firefox 128', device: 'Computer', ip: '127.0.0.1' });
    expect(current.os).to.match(/Linux/);
    const [other] = items.filter((item: { current: boolean }) => !item.current);
    expect(other).to.include({ browser: 'Mobile Safari 17', device: 'Apple iPhone', os: 'iOS 17.5' });
    expect(current).to.not.have.any.keys('sessionUid', 'session_uid', 'userId');
  });

  it('TK-06 ends one: its tokens are dead at once', async () => {
    const email = await newPerson();
    const [here, there] = [await signIn(email), await signIn(email, phone)];
    const [other] = (await list(here.accessToken)).filter((item: { current: boolean }) => !item.current);
    expect((await api('DELETE', `/sessions/${other.id}`, undefined, here.accessToken)).status).to.equal(204);
    expect(await isIn(there.accessToken)).to.equal(false);
    expect((await api('POST', '/auth/refresh', { refreshToken: there.refreshToken })).status).to.equal(401);
    expect(await isIn(here.accessToken)).to.equal(true);
    expect(await list(here.accessToken)).to.have.length(1);
  });

  it('ends all others', async () => {
    const email = await newPerson();
    const [one, two, here] = [await signIn(email), await signIn(email), await signIn(email)];
    expect((await api('DELETE', '/sessions?others=true', undefined, here.accessToken)).status).to.equal(204);
    expect([await isIn(one.accessToken), await isIn(two.accessToken), await isIn(here.accessToken)]).to.deep.equal([
      false,
      false,
      true,
    ]);
    expect((await api('DELETE', '/sessions', undefined, here.accessToken)).status).to.equal(400);
  });

  it('SE-06 neither shows nor ends those of somebody else', async () => {
    const [mine, theirs] = [await signIn(await newPerson()), await signIn(await newPerson())];
    const [session] = await list(theirs.accessToken);
    expect((await api('DELETE', `/sessions/${session.id}`, undefined, mine.accessToken)).status).to.equal(404);
    const { json: me } = await api('GET', '/auth/me', undefined, theirs.accessToken);
    for (const [method, path, permission] of [
      ['GET', `/sessions?userId=${me.user.id}`, 'session:read'],
      ['DELETE', `/sessions?userId=${me.user.id}`, 'session:delete'],
    ] as const) {
      const { status, json } = await api(method, path, undefined, mine.accessToken);
      expect([status, json.permission]).to.deep.equal([403, permission]);
    }
    expect(await isIn(theirs.accessToken)).to.equal(true);
  });

  it('has the browser’s sign-ins as well, kept up while they are used', async () => {
    const email = await newPerson();
    const agent = createAgent(stand.issuer);
    const browser = createFlows(stand.issuer, client, { login: email, password });
    await browser.tokens({ scope: 'openid', prompt: 'login' }, agent);
    const { accessToken } = await signIn(email);
    const find = async () => (await list(accessToken)).filter((item: { current: boolean }) => !item.current);
    const [before] = await find();
    expect(before.acr).to.be.a('string');
    expect(before.amr).to.deep.equal(['pwd']);
    clock.advance(300);
    await browser.tokens({ scope: 'openid', prompt: 'login' }, createAgent(stand.issuer));
    await browser.code({ scope: 'openid', prompt: 'none' }, agent);
    const sessions = await find();
    expect(sessions).to.have.length(2);
    const after = sessions.find((item: { id: string }) => item.id === before.id);
    expect(Date.parse(after.lastSeenAt) - Date.parse(before.lastSeenAt)).to.be.at.least(299_000);
    expect(Date.parse(after.expiresAt)).to.be.above(Date.parse(before.expiresAt));
  });

  it('TK-06 ending a browser’s session ends what applications got under it, offline access too', async () => {
    const email = await newPerson();
    const agent = createAgent(stand.issuer);
    const relying = createFlows(stand.issuer, client, { login: email, password });
    const tokens = await relying.tokens({}, agent);
    expect((await relying.introspect(tokens.access)).body.active).to.equal(true);
    const { accessToken } = await signIn(email);
    await api('DELETE', '/sessions?others=true', undefined, accessToken);
    expect((await relying.introspect(tokens.access)).body).to.deep.equal({ active: false });
    expect((await relying.refresh(tokens.refresh)).body.error).to.equal('invalid_grant');
    expect((await relying.userinfo(tokens.access)).status).to.equal(401);
    // SE-05: the cookie is worth nothing any more.
    const silent = await relying.authorize(relying.request({ prompt: 'none' }).url, agent);
    expect(silent.get('error')).to.equal('login_required');
  });

  it('SE-01 the cookie of before the sign-in, and of before a new one, is dead', async () => {
    const agent = createAgent(stand.issuer);
    const cookie = () => [...agent.cookies].find(([key]) => key.startsWith('castellan_session;'))?.[1].value;
    await flows().code({ scope: 'openid' }, agent);
    const first = cookie();
    await flows().code({ scope: 'openid', prompt: 'login' }, agent);
    expect(first).to.be.a('string');
    expect(cookie()).to.not.equal(first);
    const thief = createAgent(stand.issuer);
    for (const [key, kept] of agent.cookies) thief.cookies.set(key, { ...kept });
    for (const [key, kept] of thief.cookies) if (key.startsWith('castellan_session;')) kept.value = String(first);
    const answer = await flows().authorize(flows().request({ scope: 'openid', prompt: 'none' }).url, thief);
    expect(answer.get('error')).to.equal('login_required');
  });

  it('SE-07 another person in the same browser gets a session and grants of their own', async () => {
    const [ann, bob] = [await newPerson(), await newPerson()];
    const agent = createAgent(stand.issuer);
    const as = (login: string) => createFlows(stand.issuer, client, { login, password });
    const first = await as(ann).tokens({}, agent);
    const switching = as(bob).request({ prompt: 'login consent' });
    // Without script the person presses the button of a page that ends Ann's session first.
    const handover = await agent.submit(await agent.open(switching.url), { login: bob, password });
    const answer = new URL(await passPages(agent, await agent.submit(handover, {}), { login: bob, password }));
    const grant = { code: answer.searchParams.get('code') ?? '', verifier: switching.verifier };
    const { body } = await as(bob).redeem(grant);
    const subject = async (token: string) => (await flows().introspect(token)).body.sub;
    expect(await subject(String(body.access_token))).to.be.a('string');
    expect((await as(ann).refresh(first.refresh)).body.error).to.equal('invalid_grant');
    expect(await subject(first.access)).to.equal(undefined);
    const { accessToken } = await signIn(bob);
    const sessions = (await list(accessToken)).filter((item: { current: boolean }) => !item.current);
    expect(sessions).to.have.length(1);
  });

  it('TK-04 an API session ends with its refresh token, seven days after the sign-in, however often it is refreshed', async () => {
    let tokens = await signIn(await newPerson());
    for (let day = 0; day < 6; day += 1) {
      clock.advance(86_400);
      const { status, json } = await api('POST', '/auth/refresh', { refreshToken: tokens.refreshToken });
      expect(status).to.equal(200);
      tokens = json;
    }
    expect(await isIn(tokens.accessToken)).to.equal(true);
    clock.advance(86_500);
    expect((await api('POST', '/auth/refresh', { refreshToken: tokens.refreshToken })).status).to.equal(401);
  });

  it('active_sessions tells how many there are', async () => {
    const read = async (): Promise<number> => {
      const text = await (await fetch(`${stand.issuer}/metrics`)).text();
      return Number(/^active_sessions (\d+)/m.exec(text)?.[1]);
    };
    const before = await read();
    const { accessToken } = await signIn(await newPerson());
    expect(await read()).to.equal(before + 1);
    await api('POST', '/auth/logout', {}, accessToken);
    expect(await read()).to.equal(before);
  });
});
