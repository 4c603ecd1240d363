import { expect } from 'chai';
import { createAgent } from '../support/agent.ts';
import { createApi } from '../support/api.ts';
import { createFlows, webClient } from '../support/flows.ts';
import { type Stand, startStand } from '../support/stand.ts';

const client = { id: 'app', secret: 'a-secret-of-at-least-thirty-two-characters' };
const plain = { id: 'plain', secret: client.secret };
const admin = { email: 'admin@localhost', password: 'the-passphrase-of-the-administrator' };

describe('A12 branding of the pages that lead to an application', function branding() {
  this.timeout(60_000);
  let stand: Stand;
  before(async () => {
    stand = await startStand({
      env: { BOOTSTRAP_ADMIN_PASSWORD: admin.password },
      bootstrap: { clients: [{ ...webClient(client), accent_color: '#8a1c5c' }, webClient(plain)] },
    });
  });
  after(() => stand.close());

  it('shows its colour, by a style that the policy of the page allows, and no other application’s', async () => {
    const page = async (one: typeof client) =>
      createAgent(stand.issuer).open(createFlows(stand.issuer, one, stand.person).request().url);
    const branded = await page(client);
    const nonce = /<style nonce="([^"]+)">:root\{--accent:light-dark\(#8a1c5c,/.exec(branded.body)?.[1];
    expect(branded.headers.get('content-security-policy')).to.contain(`style-src 'self' 'nonce-${nonce}'`);
    expect((await page(plain)).body).to.not.contain('<style');
  });

  it('takes only a colour that white words can be read on, and nothing else', async () => {
    const api = createApi(() => stand.issuer);
    const { accessToken } = (await api('POST', '/auth/login', admin)).json;
    const put = async (accent_color: string, id: string) =>
      api('POST', '/clients', { ...webClient({ ...client, id }), client_secret: undefined, accent_color }, accessToken);
    expect((await put('#123456', 'dark')).status).to.equal(201);
    const light = await put('#ffcc00', 'light');
    expect([light.status, light.json.errors?.[0]?.path]).to.deep.equal([400, '/accent_color']);
    for (const evil of ['red', '#fff', '#000;}body{display:none', 'url(//evil.example)'])
      expect((await put(evil, 'evil')).status, evil).to.equal(400);
  });
});
