import assert from 'node:assert/strict';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { Page } from '../../../test/support/agent.ts';
import { checkUserinfo } from '../claims.ts';
import { createSigningKey, nonce, sharedSigningKey, signJwt } from '../client.ts';
import { send } from '../http.ts';
import type { Module, Parameters, Run } from '../run.ts';

const refusedRegistration = (codes: string[], metadata: (run: Run) => Record<string, unknown>): Module => {
  return async (run) => {
    const answer = await run.register(metadata(run));
    assert.equal(answer.status, 400, answer.body);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
    if (!codes.includes(String(answer.json.error))) run.warn(`error is ${answer.json.error}, not ${codes.join(' or ')}`);
  };
};

/** The registered address differs from the requested one: a page, never a redirect. */
const wrongRedirect =
  (registered: (base: string) => string[], requested: (base: string) => string | undefined): Module =>
  async (run) => {
    const base = `${run.target.relyingParty.origin}/callback/${nonce()}`;
    const client = await run.client({ redirect_uris: registered(base) });
    const parameters: Parameters = run.parameters(client, { redirect_uri: requested(base) });
    run.errorPage(await run.browser().visit(run.authorizationUrl(parameters)));
  };

const onePixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg==';

const signInPage = async (run: Run, metadata: Record<string, unknown>): Promise<Page> => {
  const client = await run.client(metadata);
  const visit = await run.browser().visit(run.authorizationUrl(run.parameters(client)), { stop: 'sign-in' });
  assert.deepEqual(visit.shown, ['sign-in']);
  const [page] = visit.pages.slice(-1);
  assert(page);
  return page;
};

/** The sign-in page itself shows what the client registered. */
const shows =
  (name: string, value: string): Module =>
  async (run) => {
    const page = await signInPage(run, { [name]: value });
    assert(page.body.includes(value), `the sign-in page shows ${name}`);
    run.reviewed = true;
  };

const sectorMetadata = (run: Run, listed: (redirect: string) => string[]): Record<string, unknown> => {
  if (!run.lists('subject_types_supported', 'pairwise')) run.skip('pairwise subjects are not offered');
  const redirect = `${run.target.relyingParty.origin}/callback/${nonce()}`;
  const sector = run.target.relyingParty.publish('sector', listed(redirect));
  return { subject_type: 'pairwise', redirect_uris: [redirect], sector_identifier_uri: sector.url };
};

/** OIDC Dynamic Client Registration 1.0 §2, §3 */
export const registrationModules: Record<string, Module> = {
  'oidcc-userinfo-rs256': async (run) => {
    assert(run.lists('userinfo_signing_alg_values_supported', 'RS256'));
    const signedIn = await run.signIn({ client: await run.client({ userinfo_signed_response_alg: 'RS256' }) });
    const answer = await run.userinfo(signedIn.accessToken);
    assert.equal(answer.status, 200, answer.body);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/jwt/);
    const { payload, protectedHeader } = await jwtVerify(answer.body, createLocalJWKSet(await run.keys()));
    assert.equal(protectedHeader.alg, 'RS256');
    assert.equal(payload.nonce, undefined);
    checkUserinfo('application/json', payload, signedIn);
    if (payload.iss !== run.target.issuer || payload.aud !== signedIn.client.clientId) run.warn('iss or aud is missing');
  },
  'oidcc-ensure-registered-redirect-uri': wrongRedirect(
    (base) => [base],
    (base) => `${base}/${nonce()}`,
  ),
  'oidcc-ensure-redirect-uri-in-authorization-request': wrongRedirect(
    (base) => [base],
    () => undefined,
  ),
  'oidcc-redirect-uri-query-mismatch': wrongRedirect(
    (base) => [`${base}?foo=bar`],
    (base) => `${base}?foo=baz`,
  ),
  'oidcc-redirect-uri-query-added': wrongRedirect(
    (base) => [base],
    (base) => `${base}?foo=bar`,
  ),
  'oidcc-redirect-uri-query-OK': async (run) => {
    const address = `${run.target.relyingParty.origin}/callback/${nonce()}?foo=bar`;
    const { callback } = await run.signIn({ client: await run.client({ redirect_uris: [address] }) });
    assert.equal(callback.url.searchParams.get('foo'), 'bar', 'the query comes back');
  },
  'oidcc-redirect-uri-regfrag': refusedRegistration(['invalid_redirect_uri', 'invalid_client_metadata'], (run) => ({
    redirect_uris: [`${run.target.relyingParty.origin}/callback#fragment`],
  })),
  'oidcc-registration-logo-uri': async (run) => {
    const logo = run.target.relyingParty.publish('logo', onePixel, 'image/png');
    const page = await signInPage(run, { logo_uri: logo.url });
    const source = /<img\b[^>]*\ssrc="([^"]+)"/i.exec(page.body)?.[1]?.replaceAll('&amp;', '&');
    assert(source, 'the sign-in page shows a picture');
    const picture = await send(new URL(source, page.url).href);
    assert.match(picture.headers.get('content-type') ?? '', /^image\/png/);
    assert.equal(logo.fetched(), 1, 'it is the client’s');
    run.reviewed = true;
  },
  'oidcc-registration-policy-uri': shows('policy_uri', 'https://openid.net/policies/'),
  'oidcc-registration-tos-uri': shows('tos_uri', 'https://openid.net/terms-of-use/'),
  'oidcc-registration-jwks-uri': async (run) => {
    const published = run.target.relyingParty.publish('jwks', { keys: [(await sharedSigningKey('RS256')).publicJwk] });
    await run.signIn({ client: await run.client({ jwks: undefined, jwks_uri: published.url }) });
    assert(published.fetched() > 0, 'the provider fetched the keys');
  },
  'oidcc-registration-sector-uri': async (run) => {
    const { sub } = (await run.signIn({ client: await run.client(sectorMetadata(run, (redirect) => [redirect])) })).idToken;
    assert(sub, 'a pairwise subject');
  },
  'oidcc-registration-sector-bad': refusedRegistration(['invalid_client_metadata'], (run) =>
    sectorMetadata(run, (redirect) => [`${redirect}/other`]),
  ),
  'oidcc-refresh-token-rp-key-rotation': async (run) => {
    const before = await createSigningKey('ES256');
    const after = await createSigningKey('ES256');
    const published = run.target.relyingParty.publish('jwks', { keys: [before.publicJwk] });
    const client = await run.client({
      jwks: undefined,
      jwks_uri: published.url,
      token_endpoint_auth_signing_alg: 'ES256',
      grant_types: ['authorization_code', 'refresh_token', ...(run.variant.response_type === 'code' ? [] : ['implicit'])],
    });
    client.key = before;
    const { tokens } = await run.signIn({ client, parameters: { scope: 'openid offline_access', prompt: 'consent' } });
    assert(tokens.refresh_token, 'offline_access brings a refresh token');
    published.replace({ keys: [after.publicJwk] });
    client.key = after;
    run.later(61);
    const answer = await run.token(client, { grant_type: 'refresh_token', refresh_token: String(tokens.refresh_token) });
    assert.equal(answer.status, 200, answer.body);
  },
  'oidcc-ensure-client-assertion-with-iss-aud-succeeds': async (run) => {
    // Without a code nothing is asked of the token endpoint.
    if (!run.has('code')) return void (await run.signIn());
    const client = await run.client();
    const parameters = run.parameters(client);
    const callback = run.callback(await run.browser().visit(run.authorizationUrl(parameters)), parameters);
    const code = callback.parameters.get('code') ?? '';
    const answer = await run.tokenWithAudience(client, run.codeFields(parameters, code), run.target.issuer);
    if (answer.status === 200) return;
    run.tokenRefused(answer, ['invalid_client'], [400, 401]);
    run.warn('an assertion with the issuer as audience is refused');
  },
  'oidcc-server-rotate-keys': async (run) => {
    const before = (await run.keys()).keys.map(({ kid }) => kid);
    await run.target.rotateKeys();
    const after = (await run.keys()).keys.map(({ kid }) => kid);
    assert(
      after.some((kid) => !before.includes(kid)),
      'a new signing key is published',
    );
    const { rawIdToken } = await run.signIn();
    assert(rawIdToken);
    if (!before.every((kid) => after.includes(kid))) run.warn('an old key is gone already');
  },
  'oidcc-request-uri-unsigned': async (run) => {
    assert.equal(run.op.request_uri_parameter_supported, true);
    assert(!run.lists('request_object_signing_alg_values_supported', 'none'));
    run.skip('oidc-provider removed the algorithm none for request objects in version 8; it stays off');
  },
  'oidcc-request-uri-signed-rs256': async (run) => {
    assert.equal(run.op.request_uri_parameter_supported, true);
    assert(run.lists('request_object_signing_alg_values_supported', 'RS256'));
    const published = run.target.relyingParty.publish('request', '');
    const key = await sharedSigningKey('RS256');
    const client = await run.client({
      jwks: { keys: [key.publicJwk] },
      request_object_signing_alg: 'RS256',
      request_uris: [published.url],
    });
    const parameters = run.parameters(client);
    published.replace(await signJwt(key, { ...parameters, iss: client.clientId, aud: run.target.issuer }));
    const outer = { client_id: client.clientId, scope: 'openid', response_type: parameters.response_type };
    const url = run.authorizationUrl({ ...outer, request_uri: published.url });
    const callback = run.callback(await run.browser().visit(url), parameters);
    assert.equal(callback.parameters.get('error'), null, callback.url.href);
    assert(published.fetched() > 0, 'the provider fetched the request object');
  },
  'oidcc-3rd_party-init-login': async (run) => {
    const address = `${run.target.relyingParty.origin}/initiate`;
    const { metadata } = await run.client({ initiate_login_uri: address });
    assert.equal(metadata.initiate_login_uri, address);
    const authorization = `Bearer ${metadata.registration_access_token}`;
    const read = await send(String(metadata.registration_client_uri), { headers: { authorization } });
    assert.equal(read.status, 200, read.body);
    assert.equal(read.json.initiate_login_uri, address);
  },
  'oidcc-3rd_party-init-login-nohttps': refusedRegistration(['invalid_client_metadata'], () => ({
    initiate_login_uri: 'http://client.example.test/initiate',
  })),
};

/** Modules about alg none: refused here as everywhere, which the suite counts as skipped (README of the suite, §2.6). */
const unsigned =
  (names: readonly ['request' | 'request_uri', string]): Module =>
  async (run) => {
    assert(!run.lists('request_object_signing_alg_values_supported', 'none'), 'none is not advertised');
    const client = await run.client();
    const parameters = run.parameters(client);
    const header = Buffer.from('{"alg":"none"}').toString('base64url');
    const object = `${header}.${Buffer.from(JSON.stringify(parameters)).toString('base64url')}.`;
    const value = names[0] === 'request' ? object : run.target.relyingParty.publish('request', object).url;
    const visit = await run.browser().visit(run.authorizationUrl({ ...parameters, [names[0]]: value }));
    assert(!visit.callback?.parameters.get('code') && !visit.callback?.parameters.get('id_token'), 'it is never honoured');
    run.skip(`oidc-provider removed the algorithm none for request objects in version 8; ${names[1]}`);
  };

export const unsignedModules: Record<string, Module> = {
  'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported': unsigned(['request_uri', 'seen refused']),
  'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported': unsigned(['request', 'seen refused']),
  'oidcc-ensure-request-object-with-redirect-uri': unsigned(['request', 'seen refused']),
};
