import { request } from 'node:http';
import { expect } from 'chai';
import { type Stand, startStand } from '../support/stand.ts';

const paths = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/jwks'];

describe('P5 discovery and keys out of memory', () => {
  let stand: Stand;
  before(async () => {
    stand = await startStand();
  });
  after(() => stand.close());

  const open = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${stand.issuer}${path}`, init);
    return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
  };
  const keyIds = async (): Promise<string[]> =>
    (JSON.parse((await open('/jwks')).body) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);

  for (const path of paths) {
    it(`${path}: the first answer and the kept one are alike`, async () => {
      const [first, second] = [await open(path), await open(path)];
      expect(second.body).to.equal(first.body);
      for (const name of ['content-type', 'cache-control', 'etag', 'content-security-policy', 'x-content-type-options'])
        expect(second.headers[name], name).to.be.a('string').and.equal(first.headers[name]);
      expect(second.headers).to.include({ 'access-control-allow-origin': '*', 'cache-control': 'public, max-age=300' });
      expect(second.headers['x-correlation-id']).to.not.equal(first.headers['x-correlation-id']);
    });
  }

  it('RFC 9110 §13.1.2: 304 to who has it already, HEAD without a body, the given correlation id echoed', async () => {
    const { headers } = await open('/jwks');
    const again = await open('/jwks', { headers: { 'if-none-match': headers.etag ?? '', 'x-correlation-id': 'mine' } });
    expect(again).to.include({ status: 304, body: '' });
    expect(again.headers['x-correlation-id']).to.equal('mine');
    const head = await open('/jwks', { method: 'HEAD' });
    expect(head).to.include({ status: 200, body: '' });
    expect(Number(head.headers['content-length'])).to.be.above(100);
  });

  for (const path of ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']) {
    it(`RFC 8414 §3, §3.1 ${path}: no document of an issuer that we are not, and none to POST`, async () => {
      for (const other of [`${path}/tenant`, `/tenant${path}`]) expect((await open(other)).status, other).to.equal(404);
      expect((await open(path, { method: 'POST' })).status).to.be.oneOf([404, 405]);
    });
  }

  it('OP-09: a foreign Host gets nothing of it', async () => {
    await open('/jwks');
    const status = await new Promise((resolve) => {
      const { port } = new URL(stand.issuer);
      request({ host: '127.0.0.1', port, path: '/jwks', headers: { host: 'elsewhere.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end();
    });
    expect(status).to.equal(421);
  });

  it('P6: shows new keys as soon as they sign', async () => {
    const [before, { headers }] = [await keyIds(), await open('/jwks')];
    await stand.app.rotateKeys();
    const after = await keyIds();
    expect(after.filter((kid) => !before.includes(kid))).to.have.length.above(0);
    expect((await open('/jwks', { headers: { 'if-none-match': headers.etag ?? '' } })).status).to.equal(200);
  });

  it('O2: is counted like everything else', async () => {
    await open('/jwks');
    expect((await open('/metrics')).body).to.match(/http_requests_total\{method="GET",route="\/jwks",status="200"\} [1-9]/);
  });
});
