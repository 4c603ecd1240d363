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

  it('asks the database once for all origins, however many are made up, and a new registration counts at once', async () => {
    const statements: string[] = [];
    const count = (): number => statements.filter((sql) => sql.includes('redirect_uris')).length;
    const stop = stand.database.onStatement(({ sql }) => void statements.push(sql));
    await ask('/userinfo', spa);
    const before = count();
    for (let stranger = 0; stranger < 20; stranger += 1) await ask('/api/v1/auth/me', `https://stranger-${stranger}.example`);
    expect(count() - before).to.equal(0);
    const fresh = 'https://stranger-1.example';
    const metadata = { client_name: 'Fresh', redirect_uris: [`${fresh}/callback`], token_endpoint_auth_method: 'none' };
    const client = { client_id: 'fresh', ...metadata, grant_types: ['authorization_code'] };
    await stand.app.rooms.oidc.applyBootstrap({ clients: [client], resources: [] });
    expect((await ask('/userinfo', fresh)).headers.get('access-control-allow-origin')).to.equal(fresh);
    expect(count() - before).to.be.below(4);
    stop();
  });
});
