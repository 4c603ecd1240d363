import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { createRemoteJWKSet, decodeJwt, type JWTPayload, jwtVerify } from 'jose';
import { type Agent, createAgent } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { createFlows, webClient } from '../support/flows.ts';
import { eventually } from '../support/processes.ts';
import { type Stand, startStand } from '../support/stand.ts';

const secret = 'a-secret-of-at-least-thirty-two-characters';
const signedOut = 'https://app.example.test/signed-out';

interface Post {
  path: string;
  type: string;
  body: URLSearchParams;
}

/** Relying parties by path: `/good` answers, `/broken` fails once for each token it gets, `/hanging` never answers. */
const startRelyingParties = async (): Promise<{ server: Server; origin: string; posts: Post[] }> => {
  const posts: Post[] = [];
  let isBroken = true;
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      const path = request.url ?? '';
      posts.push({ path, type: request.headers['content-type'] ?? '', body: new URLSearchParams(text) });
      if (path === '/hanging') return;
      response.statusCode = path === '/broken' && isBroken ? 500 : 204;
      if (path === '/broken') isBroken = false;
      response.end();
    });
  }).listen(0, 'localhost');
  await once(server, 'listening');
  return { server, posts, origin: `http://localhost:${(server.address() as AddressInfo).port}` };
};

describe('SE-09 OpenID Connect Back-Channel Logout 1.0', () => {
  let stand: Stand;
  let parties: Awaited<ReturnType<typeof startRelyingParties>>;
  const clock = createTestClock();
  const api = createApi(() => stand.issuer);

  const clientOf = (id: string, uri: string) => ({
    ...webClient({ id, secret }),
    backchannel_logout_uri: uri,
    backchannel_logout_session_required: true,
    post_logout_redirect_uris: [signedOut],
  });
  const tokensOf = (id: string, agent: Agent) =>
    createFlows(stand.issuer, { id, secret }, stand.person).tokens({ scope: 'openid' }, agent);
  const delivered = (path: string, count = 1) =>
    eventually(
      async () => parties.posts.filter((post) => post.path === path),
      (found) => found.length >= count,
    );
  const claimsOf = async (post: Post | undefined, id: string): Promise<JWTPayload> => {
    const keys = createRemoteJWKSet(new URL(`${stand.issuer}/jwks`));
    const token = post?.body.get('logout_token') ?? '';
    const { payload } = await jwtVerify(token, keys, { audience: id, issuer: stand.issuer, typ: 'logout+jwt' });
    return payload;
  };
  const logOut = async (agent: Agent, hint: string): Promise<string | null> => {
    const query = new URLSearchParams({ id_token_hint: hint, post_logout_redirect_uri: signedOut, state: 'st' });
    const question = await agent.open(`${stand.issuer}/logout?${query}`);
    // Who is signed out already is asked nothing.
    if (question.status === 303) return question.headers.get('location');
    return (await agent.submit(question, { logout: 'yes' })).headers.get('location');
  };

  before(async () => {
    parties = await startRelyingParties();
    stand = await startStand({
      clock,
      env: { OUTBOUND_ALLOW: 'localhost' },
      bootstrap: {
        clients: [
          clientOf('good', `${parties.origin}/good`),
          clientOf('broken', `${parties.origin}/broken`),
          clientOf('hanging', `${parties.origin}/hanging`),
          clientOf('private', 'https://10.1.2.3/logout'),
        ],
      },
    });
  });
  beforeEach(() => {
    parties.posts.length = 0;
  });
  after(async () => {
    await stand.close();
    parties.server.closeAllConnections();
    parties.server.close();
  });

  it('§2.4 tells every client that had the session, each about itself; nobody waits for those who do not answer', async () => {
    const agent = createAgent(stand.issuer);
    const good = await tokensOf('good', agent);
    for (const id of ['broken', 'hanging', 'private']) await tokensOf(id, agent);
    const target = new URL((await logOut(agent, good.id)) ?? '');
    expect(target.origin + target.pathname).to.equal(signedOut);
    expect(target.searchParams.get('state')).to.equal('st');

    const [post] = await delivered('/good');
    expect(post?.type).to.match(/^application\/x-www-form-urlencoded/);
    const claims = await claimsOf(post, 'good');
    const idToken = decodeJwt(good.id);
    expect(claims).to.include({ sub: idToken.sub, sid: idToken.sid });
    expect(claims.events).to.deep.equal({ 'http://schemas.openid.net/event/backchannel-logout': {} });
    expect(claims).to.include.keys('jti', 'iat', 'exp').and.to.not.have.any.keys('nonce');
    await delivered('/hanging');
    await delivered('/broken');

    // §2.8 tried again later: the next work of the outbox finds it due.
    clock.advance(10);
    await logOut(agent, good.id);
    const other = createAgent(stand.issuer);
    await logOut(other, (await tokensOf('good', other)).id);
    const [first, second] = await delivered('/broken', 2);
    expect((await claimsOf(second, 'broken')).sid).to.equal((await claimsOf(first, 'broken')).sid);
    const rows = await stand.database.knex('outbox').where({ topic: 'backchannel-logout' });
    const waiting = rows.filter((row) => row.delivered_at === null);
    expect(waiting.length).to.be.at.least(1);
    const told = await eventually(
      async () => stand.database.knex('audit_events').where({ type: 'oidc.backchannel_logout' }),
      (found) => found.some(({ client_id: id }) => id === 'broken'),
    );
    expect(told.map(({ client_id: id }) => id))
      .to.include.members(['good', 'broken'])
      .and.not.include('private');
  });

  it('tells of a session that is ended at the API, once', async () => {
    const agent = createAgent(stand.issuer);
    const { id } = await tokensOf('good', agent);
    const { login: email, password } = stand.person;
    const { json } = await api('POST', '/auth/login', { email, password });
    expect((await api('DELETE', '/sessions?others=true', undefined, json.accessToken)).status).to.equal(204);
    const posts = await delivered('/good');
    const sids = await Promise.all(posts.map(async (post) => (await claimsOf(post, 'good')).sid));
    expect(sids.filter((sid) => sid === decodeJwt(id).sid)).to.have.length(1);
  });

  it('tells of a log-out everywhere', async () => {
    const { id } = await tokensOf('good', createAgent(stand.issuer));
    const { login: email, password } = stand.person;
    const { json } = await api('POST', '/auth/login', { email, password });
    expect((await api('POST', '/auth/logout', { everywhere: true }, json.accessToken)).status).to.equal(204);
    const [post] = await delivered('/good');
    expect((await claimsOf(post, 'good')).sid).to.equal(decodeJwt(id).sid);
  });

  it('RP-Initiated Logout §2 leaving only the application tells that application alone', async () => {
    const agent = createAgent(stand.issuer);
    const good = await tokensOf('good', agent);
    await tokensOf('broken', agent);
    const question = await agent.open(`${stand.issuer}/logout?${new URLSearchParams({ id_token_hint: good.id })}`);
    await agent.submit(question, { logout: '' });
    const [post] = await delivered('/good');
    expect((await claimsOf(post, 'good')).sid).to.equal(decodeJwt(good.id).sid);
    // The person is still signed in, at the other application as well.
    const silent = createFlows(stand.issuer, { id: 'broken', secret }, stand.person);
    expect((await silent.authorize(silent.request({ scope: 'openid', prompt: 'none' }).url, agent)).get('code')).to.be.a(
      'string',
    );
    expect(parties.posts.some(({ path }) => path === '/broken')).to.equal(false);
  });
});
