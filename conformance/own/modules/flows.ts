import assert from 'node:assert/strict';
import { checkUserinfo, claimsFrom, claimsOfScope, leakedClaims } from '../claims.ts';
import { nonce, seconds, sha256 } from '../client.ts';
import type { Module, Parameters } from '../run.ts';

const succeeds =
  (parameters: Parameters): Module =>
  async (run) => {
    await run.signIn({ parameters });
  };

const userinfo =
  (how: 'get' | 'header' | 'body'): Module =>
  async (run) => {
    const signedIn = await run.signIn({ parameters: { scope: 'openid profile email' } });
    const answer = await run.userinfo(signedIn.accessToken, how);
    if (how === 'body' && answer.status !== 200) return run.warn(`a token in the body is refused (${answer.status})`);
    assert.equal(answer.status, 200, answer.body);
    checkUserinfo(answer.headers.get('content-type') ?? '', answer.json, signedIn);
  };

const scope =
  (names: string[], parameters: Parameters = {}): Module =>
  async (run) => {
    const missingScope = names.find((name) => !run.lists('scopes_supported', name));
    if (missingScope) run.skip(`scope ${missingScope} is not offered`);
    const signedIn = await run.signIn({ parameters: { scope: ['openid', ...names].join(' '), ...parameters } });
    const claims = await claimsFrom(run, signedIn);
    const wanted = names.flatMap((name) => claimsOfScope[name] ?? []);
    const missing = wanted.filter((name) => claims[name] === undefined);
    if (missing.length > 0) run.warn(`missing: ${missing.join(', ')}`);
    const unasked = Object.values(claimsOfScope).flat();
    const extra = unasked.filter((name) => claims[name] !== undefined && !wanted.includes(name));
    if (extra.length > 0) run.warn(`not asked for: ${extra.join(', ')}`);
    const leaked = leakedClaims(run, signedIn, unasked);
    if (leaked.length > 0) run.warn(`in an ID token beside an access token: ${leaked.join(', ')}`);
  };

const codeReuse =
  (wait: number): Module =>
  async (run) => {
    const { client, parameters, callback, accessToken } = await run.signIn();
    run.later(wait);
    const again = await run.token(client, run.codeFields(parameters, callback.parameters.get('code') ?? ''));
    run.tokenRefused(again, ['invalid_grant']);
    const after = await run.userinfo(accessToken);
    if (after.status < 400 || after.status > 499) run.warn('the access token of a reused code still works');
  };

const idTokenAlgorithm =
  (metadata: Record<string, unknown>): Module =>
  async (run) => {
    const { rawIdToken } = await run.signIn({ client: await run.client(metadata) });
    const header = JSON.parse(Buffer.from(rawIdToken.split('.')[0] ?? '', 'base64url').toString());
    assert.equal(header.alg, 'RS256');
    assert(header.kid, 'kid is there');
  };

/** OIDC Core §2, §3, §5: the flows themselves, and parameters that must do no harm. */
export const flowModules: Record<string, Module> = {
  'oidcc-server': async (run) => {
    const signedIn = await run.signIn();
    const leaked = leakedClaims(run, signedIn, Object.values(claimsOfScope).flat());
    if (leaked.length > 0) run.warn(`claims nobody asked for: ${leaked.join(', ')}`);
    if (signedIn.accessToken) await claimsFrom(run, signedIn);
  },
  'oidcc-response-type-missing': async (run) => {
    const client = await run.client();
    const parameters = run.parameters(client, { response_type: undefined });
    await run.refused(client, parameters, ['unsupported_response_type', 'invalid_request']);
  },
  'oidcc-idtoken-signature': idTokenAlgorithm({}),
  'oidcc-idtoken-rs256': idTokenAlgorithm({ id_token_signed_response_alg: 'RS256' }),
  'oidcc-idtoken-unsigned': async (run) => {
    assert(!run.lists('id_token_signing_alg_values_supported', 'none'));
    run.skip('oidc-provider removed the algorithm none in version 8; it stays off');
  },
  'oidcc-userinfo-get': userinfo('get'),
  'oidcc-userinfo-post-header': userinfo('header'),
  'oidcc-userinfo-post-body': userinfo('body'),
  'oidcc-ensure-request-without-nonce-succeeds-for-code-flow': async (run) => {
    const client = await run.client();
    const parameters = run.parameters(client, { nonce: undefined });
    const callback = run.callback(await run.browser().visit(run.authorizationUrl(parameters)), parameters);
    assert(callback.parameters.get('code'), 'a code is issued');
  },
  'oidcc-ensure-request-without-nonce-fails': async (run) => {
    const client = await run.client();
    await run.refused(client, run.parameters(client, { nonce: undefined }), ['invalid_request']);
  },
  'oidcc-scope-profile': scope(['profile']),
  'oidcc-scope-email': scope(['email']),
  'oidcc-scope-address': scope(['address']),
  'oidcc-scope-phone': scope(['phone']),
  'oidcc-scope-all': scope(['address', 'email', 'phone', 'profile']),
  'oidcc-alternate-happy-flow': scope(['email'], { scope: 'email openid' }),
  'oidcc-display-page': succeeds({ display: 'page' }),
  'oidcc-display-popup': succeeds({ display: 'popup' }),
  'oidcc-ensure-request-with-unknown-parameter-succeeds': succeeds({ extra: 'foobar' }),
  'oidcc-ui-locales': succeeds({ ui_locales: 'se' }),
  'oidcc-claims-locales': succeeds({ claims_locales: 'se' }),
  'oidcc-login-hint': succeeds({ login_hint: 'buffy@example.test' }),
  'oidcc-ensure-request-with-valid-pkce-succeeds': async (run) => {
    const client = await run.client();
    const verifier = nonce() + nonce();
    const parameters = run.parameters(client, { code_challenge: sha256(verifier), code_challenge_method: 'S256' });
    const callback = run.callback(await run.browser().visit(run.authorizationUrl(parameters)), parameters);
    await run.redeem(client, parameters, callback.parameters.get('code') ?? '', verifier);
  },
  'oidcc-ensure-post-request-succeeds': async (run) => {
    await run.signIn({ browser: run.browser(), post: true });
  },
  'oidcc-ensure-request-with-acr-values-succeeds': async (run) => {
    const offered = run.op.acr_values_supported;
    const wanted = Array.isArray(offered) ? offered : ['1', '2'];
    const { idToken } = await run.signIn({ parameters: { acr_values: wanted.join(' ') } });
    if (!wanted.includes(idToken.acr)) run.warn(`acr is ${idToken.acr}, not one of ${wanted.join(' ')}`);
  },
  'oidcc-claims-essential': async (run) => {
    const place = run.variant.response_type === 'id_token' ? 'id_token' : 'userinfo';
    const claims = JSON.stringify({ [place]: { name: { essential: true } } });
    const signedIn = await run.signIn({ parameters: { claims } });
    if ((await claimsFrom(run, signedIn)).name === undefined) run.warn(`name is not in ${place}`);
    if (leakedClaims(run, signedIn, ['name']).length > 0) run.warn('name is in the ID token as well');
  },
  'oidcc-codereuse': codeReuse(0),
  'oidcc-codereuse-30seconds': codeReuse(30),
  'oidcc-server-client-secret-post': async (run) => {
    await run.signIn();
  },
  'oidcc-refresh-token': async (run) => {
    const refreshOf = async () => {
      const grants = ['authorization_code', 'refresh_token', ...(run.variant.response_type === 'code' ? [] : ['implicit'])];
      const client = await run.client({ grant_types: grants });
      const signedIn = await run.signIn({ client, parameters: { scope: 'openid offline_access', prompt: 'consent' } });
      assert(signedIn.tokens.refresh_token, 'offline_access brings a refresh token');
      return signedIn;
    };
    const [first, second] = [await refreshOf(), await refreshOf()];
    run.later(1);
    const refresh = (token: unknown) => ({ grant_type: 'refresh_token', refresh_token: String(token) });
    for (const { client, tokens, idToken } of [first, second]) {
      const answer = await run.token(client, refresh(tokens.refresh_token));
      assert.equal(answer.status, 200, answer.body);
      run.checkTokenAnswer(answer);
      assert.notEqual(answer.json.access_token, tokens.access_token, 'a fresh access token');
      if (answer.json.id_token) {
        const unchanged = await run.idToken(String(answer.json.id_token), client, { nonce: String(idToken.nonce) }, {});
        for (const claim of ['iss', 'sub', 'aud', 'azp', 'auth_time']) assert.deepEqual(unchanged[claim], idToken[claim], claim);
        assert((unchanged.iat ?? 0) > (idToken.iat ?? seconds()), 'a new iat');
      }
      second.tokens = { ...second.tokens, rotated: answer.json.refresh_token ?? tokens.refresh_token };
    }
    run.tokenRefused(await run.token(first.client, refresh(second.tokens.rotated)), ['invalid_grant']);
    assert(run.lists('grant_types_supported', 'refresh_token'), 'discovery says so');
  },
};
