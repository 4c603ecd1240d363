import { expect } from 'chai';
import { type Stand, startStand } from '../support/stand.ts';

const spa = 'https://spa.example.test';

describe('SE-08 CORS', () => {
  let stand: Stand;
  before(async () => {
    const client = { client_id: 'spa', token_endpoint_auth_method: 'none', redirect_uris: [`${spa}/callback`] };
    stand = await startStand({ bootstrap: { clients: [{ ...client, grant_types: ['authorization_code'] }] } });
  });
  after(() => stand.close());

  const ask = (path: string, origin: string, init: RequestInit = {}) =>
    fetch(`${stand.issuer}${path}`, { ...init, headers: { origin, ...(init.headers as Record<string, string>) } });
  const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'client_id=spa' };

  for (const origin of ['https://evil.example', 'null', 'https://spa.example.test.evil.example', 'http://spa.example.test']) {
    it(`${origin} reads nothing but metadata`, async () => {
      for (const path of ['/userinfo', '/api/v1/auth/me', '/health']) {
        const { headers } = await ask(path, origin);
        expect(headers.get('access-control-allow-origin'), path).to.equal(null);
      }
      for (const path of ['/token', '/introspect', '/revoke']) {
        const { headers } = await ask(path, origin, form);
        expect(headers.get('access-control-allow-origin'), path).to.equal(null);
        const preflight = { method: 'OPTIONS', headers: { 'access-control-request-method': 'POST' } };
        const answer = await ask(path, origin, preflight);
        expect(answer.headers.get('access-control-allow-origin'), `OPTIONS ${path}`).to.equal(null);
      }
      for (const path of ['/.well-known/openid-configuration', '/jwks']) {
        const { headers } = await ask(path, origin);
        expect(headers.get('access-control-allow-origin'), path).to.equal('*');
      }
    });
  }

  it('an origin of a registered redirect URI reads answers and refusals, without credentials', async () => {
    for (const path of ['/userinfo', '/api/v1/auth/me']) {
      const { headers } = await ask(path, spa);
      expect(headers.get('access-control-allow-origin'), path).to.equal(spa);
      expect(headers.get('access-control-allow-credentials'), path).to.equal(null);
      expect(headers.get('access-control-expose-headers'), path).to.contain('WWW-Authenticate');
    }
    const { headers } = await ask('/token', spa, form);
    expect(headers.get('access-control-allow-origin')).to.equal(spa);
  });

  it('answers its preflight with the headers that clients send', async () => {
    const headers = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,dpop' };
    const answer = await ask('/token', spa, { method: 'OPTIONS', headers });
    expect(answer.status).to.equal(204);
    expect(answer.headers.get('access-control-allow-origin')).to.equal(spa);
    expect(answer.headers.get('access-control-allow-headers')?.toLowerCase()).to.contain('dpop').and.contain('authorization');
  });
});
