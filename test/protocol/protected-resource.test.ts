import { expect } from 'chai';
import { createApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { ask, createFlows, type Flows, webClient } from '../support/flows.ts';
import { type Stand, startStand } from '../support/stand.ts';

const web = { id: 'web', secret: 'a-secret-of-at-least-thirty-two-characters' };

describe('P2 our API as a protected resource', () => {
  const clock = createTestClock();
  let stand: Stand;
  let flows: Flows;
  const api = createApi(() => stand.issuer);
  const metadataPath = '/.well-known/oauth-protected-resource';

  before(async () => {
    stand = await startStand({ clock, bootstrap: { clients: [webClient(web)] } });
    flows = createFlows(stand.issuer, web, stand.person);
  });
  after(() => stand?.close());

  const login = async () => {
    const { login: email, password } = stand.person;
    return (await api('POST', '/auth/login', { email, password })).json.accessToken as string;
  };
  const challengeOf = (headers: Headers): string => headers.get('www-authenticate') ?? '';

  it('RFC 9728 §3.2 describes itself: resource, authorization server, scopes, how tokens come', async () => {
    const { status, headers, body } = await ask(`${stand.issuer}${metadataPath}`);
    expect(status).to.equal(200);
    expect(headers.get('content-type')).to.match(/^application\/json/);
    expect(body).to.deep.include({ resource: stand.issuer, authorization_servers: [stand.issuer] });
    expect(body.scopes_supported).to.include.members(['api', 'authz']);
    expect(body.bearer_methods_supported).to.deep.equal(['header']);
  });

  it('RFC 9728 §3.1 knows no other resource under this issuer, and takes GET only', async () => {
    expect((await ask(`${stand.issuer}${metadataPath}/api/v1/other`)).status).to.equal(404);
    expect((await ask(`${stand.issuer}${metadataPath}`, { method: 'POST' })).status).to.equal(405);
  });

  it('RFC 9728 §5.1 points there without a token, with a broken one and with a revoked one', async () => {
    const pointer = `resource_metadata="${stand.issuer}${metadataPath}"`;
    const without = await api('GET', '/auth/me');
    expect(without.status).to.equal(401);
    expect(challengeOf(without.headers)).to.include(pointer).and.not.include('error=');
    const token = await login();
    expect((await api('POST', '/auth/logout', {}, token)).status).to.equal(204);
    for (const bad of ['broken', `${token}x`, token]) {
      const { status, headers } = await api('GET', '/auth/me', undefined, bad);
      expect(status).to.equal(401);
      expect(challengeOf(headers)).to.include('error="invalid_token"').and.include(pointer);
    }
  });

  it('RFC 6750 §3.1 names the scope that a token of another purpose lacks', async () => {
    const { access } = await flows.tokens();
    const { status, headers } = await api('GET', '/auth/me', undefined, access);
    expect(status).to.be.oneOf([401, 403]);
    expect(challengeOf(headers)).to.match(/error="(insufficient_scope|invalid_token)"/);
  });

  it('RFC 9470 §3 an old sign-in is told what to ask for; a new one does', async () => {
    const token = await login();
    const enable = (bearer: string) => api('POST', '/mfa/totp/enable', {}, bearer);
    expect((await enable(token)).status, 'fresh').to.equal(200);
    clock.advance(700);
    const late = await enable(token);
    expect(late.status).to.equal(401);
    expect(late.json.type).to.match(/insufficient_user_authentication$/);
    expect(challengeOf(late.headers))
      .to.include('error="insufficient_user_authentication"')
      .and.match(/max_age="600"/)
      .and.include(`resource_metadata="${stand.issuer}`);
    expect((await enable(await login())).status, 'signed in anew').to.equal(200);
  });

  it('RFC 9470 §3 neither a refreshed token nor the header of a stranger makes a sign-in younger', async () => {
    const { login: email, password } = stand.person;
    const { json } = await api('POST', '/auth/login', { email, password });
    clock.advance(700);
    const refreshed = await api('POST', '/auth/refresh', { refreshToken: json.refreshToken });
    expect(refreshed.status).to.equal(200);
    const headers = { 'x-auth-time': String(Math.floor(clock.now().getTime() / 1000)) };
    for (const token of [json.accessToken, refreshed.json.accessToken]) {
      const { status, headers: answered } = await api('POST', '/mfa/totp/enable', {}, token, headers);
      expect(status).to.equal(401);
      expect(challengeOf(answered)).to.include('insufficient_user_authentication');
    }
  });
});
