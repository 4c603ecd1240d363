import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { Browser, Visit } from '../browser.ts';
import { createSigningKey, nonce, seconds, signJwt } from '../client.ts';
import { send } from '../http.ts';
import { runIframe } from '../iframe.ts';
import type { Module, Parameters, Run, SignedIn } from '../run.ts';

const noSession = ['login_required', 'interaction_required', 'consent_required', 'account_selection_required'];

interface Session extends SignedIn {
  browser: Browser;
  target: string;
}

const signInWithLogout = async (run: Run, metadata: Record<string, unknown> = {}): Promise<Session> => {
  const target = `${run.target.relyingParty.origin}/logged-out/${nonce()}`;
  const browser = run.browser();
  const client = await run.client({ post_logout_redirect_uris: [target], ...metadata });
  return { ...(await run.signIn({ client, browser })), browser, target };
};

/** What a browser does by itself on a page that leads on: loads the frames, then follows the link as `leave.js` does. */
const leave = async (browser: Browser, visit: Visit): Promise<URL | undefined> => {
  if (visit.callback) return visit.callback.url;
  const body = visit.pages.at(-1)?.body ?? '';
  const plain = (text: string): string => text.replaceAll('&amp;', '&').replaceAll('&#x2F;', '/').replaceAll('&#47;', '/');
  for (const [, source = ''] of body.matchAll(/<iframe\b[^>]*\ssrc="([^"]+)"/gi)) await send(plain(source));
  const next = /<a id="leave"[^>]*\shref="([^"]+)"/i.exec(body)?.[1];
  assert(browser);
  return next === undefined ? undefined : new URL(plain(next));
};

const logout = async (
  run: Run,
  { browser }: Session,
  parameters: Parameters,
): Promise<{ visit: Visit; url: URL | undefined }> => {
  const url = new URL(run.endpoint('end_session_endpoint'));
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  const visit = await browser.visit(url.href);
  return { visit, url: await leave(browser, visit) };
};

const signedOut = async (run: Run, { client, browser }: Session): Promise<void> => {
  await run.refused(client, run.parameters(client, { prompt: 'none' }), noSession, browser);
};

const arrives = async (run: Run, session: Session, state: string | undefined): Promise<void> => {
  const { rawIdToken, target } = session;
  const { url, visit } = await logout(run, session, { id_token_hint: rawIdToken, post_logout_redirect_uri: target, state });
  assert(url, `the browser goes back to the client: ${visit.pages.at(-1)?.body.slice(0, 400)}`);
  assert.equal(`${url.origin}${url.pathname}`, target);
  assert.equal(url.searchParams.get('state') ?? undefined, state, 'state comes back unchanged');
  if (url.searchParams.size > (state === undefined ? 0 : 1)) run.warn('more than state comes back');
  await signedOut(run, session);
};

/** The provider keeps the browser: an error, a question or a page that says it is done. */
const staysHere =
  (ends: boolean, parameters: (session: Session) => Parameters | Promise<Parameters>): Module =>
  async (run) => {
    const session = await signInWithLogout(run);
    const { url, visit } = await logout(run, session, await parameters(session));
    assert.equal(url, undefined, `no redirect to ${url?.href}`);
    run.reviewed = true;
    if (!ends) return;
    assert.equal(visit.pages.at(-1)?.status, 200, 'a page says that it is done');
    await signedOut(run, session);
  };

const longState = (): string => randomBytes(64).toString('hex');

/** OpenID Connect Session Management 1.0 §3.2: the RP iframe's question, put to the script of the OP iframe. */
const askIframe = async (run: Run, { browser, client }: Session, state: string): Promise<string> => {
  const { agent } = browser;
  const page = await agent.open(run.endpoint('check_session_iframe'));
  assert.equal(page.status, 200);
  assert.equal(page.headers.get('x-frame-options'), null, 'may be framed by clients');
  const cookies = [...agent.cookies].map(([key, { value }]) => `${key.slice(0, key.indexOf(';'))}=${value}`).join('; ');
  const load = async (address: string): Promise<string> => (await agent.open(new URL(address, page.url).href)).body;
  return runIframe(page, { cookies, load, origin: new URL(client.redirectUri).origin, message: `${client.clientId} ${state}` });
};

export const logoutModules: Record<string, Module> = {
  'oidcc-rp-initiated-logout': async (run) => arrives(run, await signInWithLogout(run), longState()),
  'oidcc-rp-initiated-logout-no-state': async (run) => arrives(run, await signInWithLogout(run), undefined),
  'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri': staysHere(false, ({ rawIdToken, target }) => ({
    id_token_hint: rawIdToken,
    post_logout_redirect_uri: `${target}/unregistered`,
    state: longState(),
  })),
  'oidcc-rp-initiated-logout-modified-id-token-hint': staysHere(false, ({ rawIdToken, target }) => ({
    id_token_hint: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${rawIdToken.split('.')[1]}.`,
    post_logout_redirect_uri: target,
    state: longState(),
  })),
  'oidcc-rp-initiated-logout-bad-id-token-hint': staysHere(false, async ({ idToken, target }) => ({
    id_token_hint: await signJwt(await createSigningKey('ES256'), { ...idToken }),
    post_logout_redirect_uri: target,
    state: longState(),
  })),
  'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri': staysHere(false, ({ rawIdToken, target }) => ({
    id_token_hint: rawIdToken,
    post_logout_redirect_uri: `${target}?foo=bar`,
    state: longState(),
  })),
  'oidcc-rp-initiated-logout-no-id-token-hint': staysHere(false, ({ target }) => ({
    post_logout_redirect_uri: target,
    state: longState(),
  })),
  'oidcc-rp-initiated-logout-no-params': staysHere(true, () => ({})),
  'oidcc-rp-initiated-logout-no-post-logout-redirect-uri': staysHere(true, ({ rawIdToken }) => ({
    id_token_hint: rawIdToken,
    state: longState(),
  })),
  'oidcc-rp-initiated-logout-only-state': staysHere(true, () => ({ state: longState() })),
  'oidcc-backchannel-rp-initiated-logout': async (run) => {
    const inbox = run.target.relyingParty.inbox('backchannel');
    const metadata = { backchannel_logout_uri: inbox.url, backchannel_logout_session_required: true };
    const session = await signInWithLogout(run, metadata);
    await arrives(run, session, longState());
    const [delivery] = await run.target.delivered(inbox.deliveries);
    assert.equal(delivery?.method, 'POST');
    const token = new URLSearchParams(delivery?.body).get('logout_token') ?? '';
    const { payload } = await jwtVerify(token, createLocalJWKSet(await run.keys()), {
      issuer: run.target.issuer,
      audience: session.client.clientId,
    });
    assert(payload.jti && payload.iat && payload.iat <= seconds());
    assert.deepEqual(payload.events, { 'http://schemas.openid.net/event/backchannel-logout': {} });
    assert.equal(payload.nonce, undefined, 'no nonce');
    assert(session.idToken.sid, 'the ID token has a sid');
    assert.equal(payload.sid, session.idToken.sid);
    if (payload.sub !== undefined) assert.equal(payload.sub, session.idToken.sub);
    if (payload.exp === undefined) run.warn('exp is missing (OpenID Connect Back-Channel Logout 1.0 §2.4)');
  },
  'oidcc-frontchannel-rp-initiated-logout': async (run) => {
    const inbox = run.target.relyingParty.inbox('frontchannel');
    const metadata = { frontchannel_logout_uri: inbox.url, frontchannel_logout_session_required: true };
    const session = await signInWithLogout(run, metadata);
    await arrives(run, session, longState());
    const [delivery] = inbox.deliveries;
    assert.equal(delivery?.method, 'GET', 'the page loads the client’s address');
    assert.equal(delivery.url.searchParams.get('iss'), run.target.issuer);
    assert(session.idToken.sid, 'the ID token has a sid');
    assert.equal(delivery.url.searchParams.get('sid'), session.idToken.sid);
  },
  'oidcc-session-management-rp-initiated-logout': async (run) => {
    const session = await signInWithLogout(run);
    const state = session.callback.parameters.get('session_state');
    assert(state, 'session_state is in the answer');
    assert.equal(await askIframe(run, session, state), 'unchanged');
    await arrives(run, session, longState());
    assert.equal(await askIframe(run, session, state), 'changed');
  },
};
