import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { decodeJwt, SignJWT } from 'jose';
import type { BrowserContext, Browser as Chromium, Page } from 'playwright-core';
import { createCertificate } from '../../conformance/own/certificate.ts';
import { type Client, clientAssertion, createSigningKey, nonce, sha256 } from '../../conformance/own/client.ts';
import { formType, jsonType, send } from '../../conformance/own/http.ts';
import type { Script } from '../../conformance/suite/browser-scripts.ts';
import { planFiles } from '../../conformance/suite/configurations.ts';
import { fill } from '../../conformance/suite/drive.ts';
import { type RunningTarget, startTarget } from '../../conformance/target.ts';
import { launchChromium } from '../support/chromium.ts';
import { type Played, play } from './script-browser.ts';

interface Arrival {
  path: string;
  parameters: URLSearchParams;
}

/** The pages that the suite shows to a browser, as far as its scripts wait for something on them. */
const startPages = async (frame: () => string) => {
  const arrivals: Arrival[] = [];
  const answers = { message: '' };
  const sent = (path: string, parameters: URLSearchParams): string => {
    arrivals.push({ path, parameters });
    return '<!doctype html><p id="submission_complete">sent</p>';
  };
  const fragmentPage = `<!doctype html><script>
    fetch(location.pathname + '/implicit', { method: 'POST', body: location.hash.slice(1) }).then(() => {
      document.body.innerHTML = '<p id="submission_complete">sent</p>'; });</script>`;
  const sessionPage = (path: string): string => `<!doctype html><iframe id="op_iframe" src="${frame()}" hidden></iframe>
    <iframe src="${path.replace('session_verify', 'rp_session_iframe')}" hidden></iframe>`;
  const sessionFrame = (path: string): string => `<!doctype html><script>
    addEventListener('message', (e) => { parent.location.href = '${path.replace('rp_session_iframe', 'session_result')}?state=' + e.data; });
    setTimeout(() => parent.document.getElementById('op_iframe').contentWindow.postMessage('${answers.message}', '*'), 500);</script>`;
  const page = (url: URL, body: string): string => {
    const path = url.pathname;
    if (path.endsWith('session_verify')) return sessionPage(path);
    if (path.endsWith('rp_session_iframe')) return sessionFrame(path);
    if (body !== '') return sent(path, new URLSearchParams(body));
    return url.search === '' && path.endsWith('/callback') ? fragmentPage : sent(path, url.searchParams);
  };
  const server = createServer(createCertificate(`suite ${nonce()}`), (request, response) => {
    const url = new URL(request.url ?? '/', 'https://suite');
    void text(request).then((body) => response.writeHead(200, { 'content-type': 'text/html' }).end(page(url, body)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { origin, arrivals, answers, close };
};

describe('P11 the browser scripts of conformance/plans on our pages, in Chromium', function scripts() {
  this.timeout(120_000);
  let suite: Awaited<ReturnType<typeof startPages>>;
  let target: RunningTarget;
  let chromium: Chromium;
  let context: BrowserContext;
  let page: Page;

  before(async () => {
    suite = await startPages(() => `${target.issuer}/session/check`);
    target = await startTarget({ suite: { host: '127.0.0.1', origin: suite.origin } });
    chromium = await launchChromium();
  });
  after(async () => {
    await chromium?.close();
    await target?.close();
    suite?.close();
  });
  beforeEach(async () => {
    suite.arrivals.length = 0;
    context = await chromium.newContext({ ignoreHTTPSErrors: true, locale: 'en-US' });
    // HtmlUnit runs no modules: the pages have to work without.
    await context.route(/\.js$/, (route) => (/leave|session/.test(route.request().url()) ? route.continue() : route.abort()));
    page = await context.newPage();
  });
  afterEach(() => context.close());

  /** The scripts as the driver gives them to the suite. */
  const scriptsFor = (plan: string, module: string): Script[] => {
    const file = planFiles.find((one) => one.plan === `${plan}-test-plan`);
    const { browser, override = {} } = fill(file?.configuration, target.placeholders) as {
      browser: Script[];
      override?: Record<string, { browser: Script[] }>;
    };
    return override[module]?.browser ?? browser;
  };
  const oidc = (plan: string): string => `oidcc-${plan}-certification`;
  const visit = (plan: string, module: string, url: string, hasPlaceholder = false): Promise<Played> =>
    play(page, scriptsFor(plan, module), url, hasPlaceholder);

  const register = async (
    over: Record<string, unknown> = {},
  ): Promise<{ clientId: string; secret: string; callback: string }> => {
    const base = `${suite.origin}/test/${nonce()}`;
    const body = {
      client_name: 'conformance',
      redirect_uris: [`${base}/callback`],
      post_logout_redirect_uris: [`${base}/post_logout_redirect`],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      ...over,
    };
    const { status, json } = await send(`${target.issuer}/register`, {
      method: 'POST',
      headers: jsonType,
      body: JSON.stringify(body),
    });
    expect(status).to.equal(201);
    return { clientId: String(json.client_id), secret: String(json.client_secret), callback: `${base}/callback` };
  };
  type Registered = Awaited<ReturnType<typeof register>>;
  const authorization = ({ clientId, callback }: Registered, over: Record<string, string> = {}): string => {
    const base = { client_id: clientId, redirect_uri: callback, response_type: 'code', scope: 'openid', state: 's', nonce: 'n' };
    return `${target.issuer}/authorize?${new URLSearchParams({ ...base, ...over })}`;
  };
  const last = (): Arrival => suite.arrivals.at(-1) ?? { path: '', parameters: new URLSearchParams() };
  const redeem = async ({ clientId, secret, callback }: Registered): Promise<string> => {
    const fields = { grant_type: 'authorization_code', code: last().parameters.get('code') ?? '', redirect_uri: callback };
    const authorization = `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`;
    const headers = { ...formType, authorization };
    const { json } = await send(`${target.issuer}/token`, { method: 'POST', headers, body: `${new URLSearchParams(fields)}` });
    return String(json.id_token);
  };
  const signIn = async (plan: string, registered: Registered, over: Record<string, string> = {}): Promise<void> => {
    await visit(plan, 'oidcc-server', authorization(registered, over));
    expect(last().parameters.get('state')).to.equal('s');
  };

  it('sign in, consent and arrive, by query, fragment and form post; silently the second time', async () => {
    const registered = await register({
      response_types: ['code', 'code id_token'],
      grant_types: ['authorization_code', 'implicit'],
    });
    await signIn(oidc('basic'), registered);
    expect(last().parameters.get('code')).to.match(/^[\w-]{22,}$/);
    await signIn(oidc('basic'), registered, { prompt: 'none' });
    await signIn(oidc('hybrid'), registered, { response_type: 'code id_token' });
    expect(last().parameters.get('id_token')).to.match(/^ey/);
    await signIn(oidc('formpost-basic'), registered, { response_mode: 'form_post' });
    expect(last().path).to.match(/\/callback$/);
  });

  it('oidcc-prompt-login, oidcc-max-age-1: a picture of the sign-in page the second time', async () => {
    const registered = await register();
    for (const [module, over] of [
      ['oidcc-prompt-login', { prompt: 'login' }],
      ['oidcc-max-age-1', { max_age: '0' }],
    ] as const) {
      await visit(oidc('basic'), module, authorization(registered));
      const { pictures } = await visit(oidc('basic'), module, authorization(registered, over), true);
      expect(pictures).to.have.length(1);
      expect(last().parameters.get('code')).to.not.equal(null);
    }
  });

  it('pages instead of redirects are found by their headline', async () => {
    const registered = await register();
    const wrong = `${registered.callback}/more`;
    for (const [plan, module, over] of [
      ['basic', 'oidcc-ensure-registered-redirect-uri', { redirect_uri: wrong }],
      ['dynamic', 'oidcc-ensure-redirect-uri-in-authorization-request', { redirect_uri: '' }],
      ['dynamic', 'oidcc-redirect-uri-query-added', { redirect_uri: `${registered.callback}?a=b` }],
    ] as const) {
      const url = authorization(registered, over).replace('redirect_uri=&', '');
      expect((await visit(oidc(plan), module, url, true)).pictures, module).to.have.length(1);
    }
    expect(suite.arrivals).to.deep.equal([]);
  });

  it('logo, policy and terms stand on the sign-in page itself', async () => {
    const logo = `${suite.origin}/logo.png`;
    const [policy, terms] = [`${suite.origin}/policy`, `${suite.origin}/terms`];
    const registered = await register({ logo_uri: logo, policy_uri: policy, tos_uri: terms });
    for (const name of ['logo', 'policy', 'tos']) {
      const { pictures } = await visit(oidc('dynamic'), `oidcc-registration-${name}-uri`, authorization(registered), true);
      expect(pictures[0])
        .to.include(`href="${policy}"`)
        .and.include(`href="${terms}"`)
        .and.match(/<img[^>]+class="[^"]*logo|<img[^>]+logo/);
    }
  });

  describe('log-out', () => {
    const plan = oidc('rp-initiated-logout');
    const endSession = (parameters: Record<string, string>): string =>
      `${target.issuer}/logout?${new URLSearchParams(parameters)}`;
    const target2 = ({ callback }: Registered): string => callback.replace(/callback$/, 'post_logout_redirect');

    it('with hint, target and state leads back; a second time as well, without a session', async () => {
      const registered = await register();
      await signIn(plan, registered);
      const hint = {
        id_token_hint: await redeem(registered),
        post_logout_redirect_uri: target2(registered),
        state: 'x'.repeat(128),
      };
      for (let time = 0; time < 2; time += 1) {
        await visit(plan, 'oidcc-rp-initiated-logout', endSession(hint));
        expect([...last().parameters]).to.deep.equal([['state', 'x'.repeat(128)]]);
      }
    });

    /** Each asked in turn, in one session as long as it lasts. */
    const endOnPages = async (modules: Record<string, Record<string, string>>): Promise<void> => {
      const registered = await register();
      for (const [module, parameters] of Object.entries(modules)) {
        await signIn(plan, registered);
        const hint = await redeem(registered);
        const { privateKey } = await createSigningKey('RS256');
        const claims = { iss: registered.clientId, sub: 'SubjectID', aud: target.issuer };
        const foreign = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(privateKey);
        const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${hint.split('.')[1]}.`;
        const words: Record<string, string> = { HINT: hint, BAD: foreign, NONE: none };
        const given = Object.entries(parameters).map(([name, value]) => [
          name,
          words[value] ?? value.replace('TARGET', target2(registered)),
        ]);
        suite.arrivals.length = 0;
        const { pictures } = await visit(plan, module, endSession(Object.fromEntries(given)), true);
        expect([pictures.length, suite.arrivals.length], module).to.deep.equal([1, 0]);
      }
    };
    const prefix = 'oidcc-rp-initiated-logout';

    it('without a target ends on a page that says so', () =>
      endOnPages({
        [`${prefix}-no-params`]: {},
        [`${prefix}-only-state`]: { state: 's' },
        [`${prefix}-no-post-logout-redirect-uri`]: { id_token_hint: 'HINT', state: 's' },
      }));

    it('with a wrong target or hint ends on an error page', () =>
      endOnPages({
        [`${prefix}-no-id-token-hint`]: { post_logout_redirect_uri: 'TARGET', state: 's' },
        [`${prefix}-bad-post-logout-redirect-uri`]: { id_token_hint: 'HINT', post_logout_redirect_uri: 'TARGETx' },
        [`${prefix}-query-added-to-post-logout-redirect-uri`]: { id_token_hint: 'HINT', post_logout_redirect_uri: 'TARGET?a=b' },
        [`${prefix}-bad-id-token-hint`]: { id_token_hint: 'BAD', post_logout_redirect_uri: 'TARGET' },
        [`${prefix}-modified-id-token-hint`]: { id_token_hint: 'NONE', post_logout_redirect_uri: 'TARGET' },
      }));

    it('front channel: the frame first, then back', async () => {
      const address = `${suite.origin}/test/x/frontchannel_logout`;
      const over = { frontchannel_logout_uri: address, frontchannel_logout_session_required: true };
      const registered = await register(over);
      await signIn(plan, registered);
      const hint = await redeem(registered);
      const parameters = { id_token_hint: hint, post_logout_redirect_uri: target2(registered), state: 's' };
      await visit(oidc('frontchannel-rp-initiated-logout'), 'oidcc-frontchannel-rp-initiated-logout', endSession(parameters));
      const [frame, back] = suite.arrivals.slice(-2);
      expect(frame?.parameters.get('sid')).to.equal(decodeJwt(hint).sid);
      expect(back?.path).to.match(/post_logout_redirect$/);
    });

    it('session management: unchanged before, changed after', async () => {
      const management = oidc('session-management');
      const module = 'oidcc-session-management-rp-initiated-logout';
      // One site with the provider: browsers of today keep the cookies of a frame of another site back.
      const base = `${suite.origin.replace('127.0.0.1', 'localhost')}/test/${nonce()}/`;
      const addresses = { redirect_uris: [`${base}callback`], post_logout_redirect_uris: [`${base}post_logout_redirect`] };
      const registered = { ...(await register(addresses)), callback: `${base}callback` };
      await signIn(management, registered);
      suite.answers.message = `${registered.clientId} ${last().parameters.get('session_state')}`;
      const hint = await redeem(registered);
      await visit(management, module, `${base}session_verify`);
      expect(last().parameters.get('state')).to.equal('unchanged');
      await visit(management, module, endSession({ id_token_hint: hint, post_logout_redirect_uri: target2(registered) }));
      await visit(management, module, `${base}second_session_verify`);
      expect(last().parameters.get('state')).to.equal('changed');
    });
  });

  describe('FAPI 2.0', () => {
    const plan = 'fapi2-security-profile-final';
    const push = async (which: 1 | 2 = 1): Promise<string> => {
      const client = target.clients[`conformance-fapi2-private-key-jwt-dpop-${which}`] as Client;
      const fields = {
        client_id: client.clientId,
        redirect_uri: client.redirectUri,
        response_type: 'code',
        scope: 'openid',
        state: 's',
        code_challenge: sha256(nonce()),
        code_challenge_method: 'S256',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await clientAssertion(client, target.issuer),
      };
      const { json } = await send(`${target.issuer}/par`, {
        method: 'POST',
        headers: formType,
        body: `${new URLSearchParams(fields)}`,
      });
      return `${target.issuer}/authorize?${new URLSearchParams({ client_id: client.clientId, request_uri: String(json.request_uri) })}`;
    };

    it('happy flow: the alias of the configuration is where the registered clients come back to, the second with its query', async () => {
      const { configuration } = planFiles.find((file) => file.plan === `${plan}-test-plan`) ?? { configuration: {} };
      const { alias } = fill(configuration, { AUTH: 'private-key-jwt', BIND: 'dpop' }) as { alias: string };
      for (const which of [1, 2] as const) {
        await visit(plan, `${plan}-happy-flow`, await push(which));
        expect(last().path).to.equal(`/test/a/${alias}/callback`);
        expect(last().parameters.get('dummy1')).to.equal(which === 2 ? 'lorem' : null);
        expect(last().parameters.get('iss')).to.equal(target.issuer);
      }
    });

    it('user-rejects-authentication, a request opened twice, and one used again, which ends on a page', async () => {
      await visit(plan, `${plan}-user-rejects-authentication`, await push());
      expect(last().parameters.get('error')).to.equal('access_denied');
      const url = await push();
      const twice = scriptsFor(plan, `${plan}-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds`);
      expect(twice[0]).to.include({ 'match-limit': 1 });
      await play(page, twice, url);
      await play(page, twice.slice(1), url);
      expect(last().parameters.get('code')).to.not.equal(null);
      expect((await visit(plan, `${plan}-par-attempt-reuse-request_uri`, url, true)).pictures).to.have.length(1);
    });

    it('repeats the redirect URI as the suite does: used again it ends at the client, by another client on a page', async () => {
      const [one, two] = ([1, 2] as const).map((which) => target.clients[`conformance-fapi2-private-key-jwt-dpop-${which}`]);
      const repeated = `&response_type=code&scope=openid&redirect_uri=${one?.redirectUri}`;
      const url = `${await push()}${repeated}`;
      await visit(plan, `${plan}-happy-flow`, url);
      const again = await visit(plan, `${plan}-par-attempt-reuse-request_uri`, url, true);
      expect([again.pictures.length, last().parameters.get('error')]).to.deep.equal([0, 'invalid_request_uri']);
      const arrivals = suite.arrivals.length;
      const other = `${await push()}${repeated}`.replace(/client_id=[^&]+/, `client_id=${two?.clientId}`);
      const refused = await visit(plan, `${plan}-par-attempt-to-use-request_uri-for-different-client`, other, true);
      expect([refused.pictures.length, suite.arrivals.length]).to.deep.equal([1, arrivals]);
    });
  });
});
