import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../support/chromium.ts';
import { type Stand, startStand } from '../support/stand.ts';

const library = readFileSync(new URL('../browser/oidc-client-ts.min.js', import.meta.resolve('oidc-client-ts')));

/** A single-page application with no server of its own: everything it does at the provider is cross-origin. */
const page = (
  issuer: string,
  origin: string,
): string => `<!doctype html><title>spa</title><script src="/library.js"></script><script>
const manager = new oidc.UserManager({
  authority: ${JSON.stringify(issuer)}, client_id: 'spa', redirect_uri: ${JSON.stringify(`${origin}/callback`)},
  post_logout_redirect_uri: ${JSON.stringify(`${origin}/out`)}, scope: 'openid email', loadUserInfo: true, monitorSession: false,
});
const show = (text) => { document.body.innerHTML = '<pre id="result"></pre>'; document.getElementById('result').textContent = text; };
window.addEventListener('load', async () => {
  try {
    if (location.pathname === '/callback') show(JSON.stringify((await manager.signinCallback()).profile));
    else if (location.pathname === '/out') show('out');
    else if (location.pathname === '/renew') show((await manager.revokeTokens(), 'revoked'));
    else if (location.pathname === '/leave') await manager.signoutRedirect();
    else await manager.signinRedirect();
  } catch (error) { show('failed: ' + error.message); }
});
</script>`;

describe('INTEROP oidc-client-ts in Chromium', () => {
  let server: Server;
  let stand: Stand;
  let browser: Browser;
  let origin: string;

  before(async function start() {
    this.timeout(60_000);
    server = createServer((request, response) => {
      const isLibrary = request.url === '/library.js';
      response.writeHead(200, { 'content-type': isLibrary ? 'text/javascript' : 'text/html' });
      response.end(isLibrary ? library : page(stand.issuer, origin));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://localhost:${(server.address() as AddressInfo).port}`;
    stand = await startStand({
      bootstrap: {
        clients: [
          {
            client_id: 'spa',
            redirect_uris: [`${origin}/callback`],
            post_logout_redirect_uris: [`${origin}/out`],
            response_types: ['code'],
            grant_types: ['authorization_code', 'refresh_token'],
            token_endpoint_auth_method: 'none',
          },
        ],
      },
    });
    browser = await launchChromium();
  });
  after(async () => {
    await browser.close();
    server.closeAllConnections();
    server.close();
    await stand.close();
  });

  it('signs in, reads userinfo, revokes and signs out, all across origins', async function signIn() {
    this.timeout(60_000);
    const context = await browser.newContext();
    const tab = await context.newPage();
    const result = () => tab.locator('#result').textContent({ timeout: 20_000 });
    await tab.goto(`${origin}/`);
    await tab.fill('input[name=login]', stand.person.login);
    await tab.fill('input[name=password]', stand.person.password);
    await tab.click('form[method=post] button[type=submit]:not([name])');
    await tab.click('button[name=decision][value=allow]');
    await tab.waitForURL(`${origin}/callback*`);
    expect(JSON.parse((await result()) ?? '')).to.have.property('email');
    await tab.goto(`${origin}/renew`);
    expect(await result()).to.equal('revoked');
    await tab.goto(`${origin}/leave`);
    await tab.click('button[name=logout][value=yes]');
    await tab.waitForURL(`${origin}/out*`);
    expect(await result()).to.equal('out');
    await context.close();
  });
});
