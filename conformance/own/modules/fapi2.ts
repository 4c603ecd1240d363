import assert from 'node:assert/strict';
import { nonce, seconds } from '../client.ts';
import { type Changes, Fapi } from '../fapi.ts';
import { send } from '../http.ts';
import type { Module, Parameters, Run } from '../run.ts';
import { objectModules } from './fapi2-objects.ts';
import { proofModules } from './fapi2-proofs.ts';
import {
  clientErrors,
  notHere,
  outside,
  pushRefused,
  requestErrors,
  rs256,
  succeeds,
  tokenRefused,
  verifierRefused,
} from './fapi2-steps.ts';

const prefix = 'fapi2-security-profile-final-';

/** What OAuth asks for in the address (RFC 6749 §3.1.2.3, §4.1.1), which the suite repeats beside `request_uri`. */
const repeated = ({ response_type, scope, redirect_uri }: Parameters): Parameters => ({ response_type, scope, redirect_uri });

export const pushModules: Record<string, Module> = {
  'ensure-request-object-without-redirect-uri-fails': pushRefused(requestErrors, { redirect_uri: undefined }),
  'ensure-redirect-uri-in-authorization-request': pushRefused(requestErrors, { redirect_uri: undefined }),
  'plain-fapi-tolerate-unregistered-redirect-uri': pushRefused(requestErrors, {
    redirect_uri: 'https://other.example.test/callback',
  }),
  'ensure-unsigned-authorization-request-without-using-par-fails': async (run) => {
    const fapi = await Fapi.create(run);
    const visit = await run.browser().visit(run.authorizationUrl(fapi.parameters().parameters));
    await fapi.refusedVisit(visit, ['invalid_request', 'invalid_request_object']);
  },
  'ensure-response-type-code-idtoken-fails': pushRefused(
    ['unsupported_response_type', 'invalid_request', 'unauthorized_client'],
    { response_type: 'code id_token' },
  ),
  'ensure-response-type-token-fails': pushRefused(['unsupported_response_type', 'invalid_request', 'unauthorized_client'], {
    response_type: 'token',
  }),
  'par-authorization-request-containing-request_uri-form-param': async (run) => {
    const fapi = await Fapi.create(run);
    const { answer } = await fapi.push({ request_uri: `urn:ietf:params:oauth:request_uri:${nonce()}` });
    run.tokenRefused(answer, [...requestErrors, 'request_uri_not_supported'], [400]);
  },
  'par-attempt-invalid-http-method': async (run) => {
    const fapi = await Fapi.create(run);
    const { answer } = await fapi.push({}, { method: 'PUT' });
    assert(answer.status >= 400, 'PUT is refused');
  },
  'par-ensure-pkce-required': pushRefused(['invalid_request'], { code_challenge: undefined, code_challenge_method: undefined }),
  'par-plain-pkce-rejected': pushRefused(['invalid_request'], { code_challenge_method: 'plain' }),
  'par-without-duplicate-parameters': succeeds({}),
  'par-test-array-as-audience-fails': pushRefused(clientErrors, {}, (run) => ({ assertion: { audience: [run.target.issuer] } })),
  'par-test-par-endpoint-url-as-audience-fails': pushRefused(clientErrors, {}, (run) => ({
    assertion: { audience: run.endpoint('pushed_authorization_request_endpoint') },
  })),
  'par-test-token-endpoint-url-as-audience-fails': pushRefused(clientErrors, {}, (run) => ({
    assertion: { audience: run.endpoint('token_endpoint') },
  })),
  'par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted': async (run) => {
    const later = seconds() + 8;
    const { answer } = await (await Fapi.create(run)).push({}, { assertion: { claims: { iat: later, nbf: later } } });
    if (answer.status !== 201) run.warn('an assertion from a clock 8 s ahead is refused');
  },
  'par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails': pushRefused(clientErrors, {}, () => ({
    assertion: { claims: { iat: seconds() + 65, nbf: seconds() + 65, exp: seconds() + 120 } },
  })),
  'par-attempt-to-use-expired-request_uri': async (run) => {
    const fapi = await Fapi.create(run);
    const { answer, parameters } = await fapi.push();
    assert(Number(answer.json.expires_in) >= 5 && Number(answer.json.expires_in) < 600);
    run.later(Number(answer.json.expires_in) + 16);
    const url = fapi.authorizationUrl(answer.json.request_uri, repeated(parameters));
    await fapi.refusedVisit(await run.browser().visit(url), ['invalid_request_uri']);
  },
  'par-attempt-reuse-request_uri': async (run) => {
    const fapi = await Fapi.create(run);
    const { answer, parameters } = await fapi.code();
    const url = fapi.authorizationUrl(answer.json.request_uri, repeated(parameters));
    await fapi.refusedVisit(await run.browser().visit(url), ['invalid_request_uri']);
  },
  'par-ensure-reused-request-uri-prior-to-auth-completion-succeeds': async (run) => {
    const fapi = await Fapi.create(run);
    const { answer } = await fapi.push();
    const url = fapi.authorizationUrl(answer.json.request_uri);
    const browser = run.browser();
    await browser.visit(url, { stop: 'sign-in' });
    const response = await fapi.response(await browser.visit(url));
    if (response?.get('error') === 'invalid_request_uri') return run.warn('a request_uri is good for one visit only');
    assert(response?.get('code'), `a code is issued: ${response}`);
  },
  'par-attempt-to-use-request_uri-for-different-client': async (run) => {
    const [one, two] = [await Fapi.create(run), await Fapi.create(run, 2)];
    const { answer, parameters } = await one.push();
    const visit = await run.browser().visit(two.authorizationUrl(answer.json.request_uri, repeated(parameters)));
    await two.refusedVisit(visit, ['invalid_request', 'invalid_request_object', 'invalid_request_uri']);
  },
};

export const flowModules: Record<string, Module> = {
  'discovery-end-point-verification': async (run) => {
    for (const name of ['pushed_authorization_request_endpoint', 'jwks_uri', 'token_endpoint'])
      assert.match(run.endpoint(name), /^https:/);
    assert(run.lists('code_challenge_methods_supported', 'S256') && run.lists('response_types_supported', 'code'));
    assert.equal(run.op.authorization_response_iss_parameter_supported, true);
    assert(run.lists('dpop_signing_alg_values_supported', 'ES256') && run.op.tls_client_certificate_bound_access_tokens === true);
    assert(run.lists('id_token_signing_alg_values_supported', 'PS256'));
    assert(run.lists('token_endpoint_auth_methods_supported', 'private_key_jwt'));
    assert(run.lists('token_endpoint_auth_signing_alg_values_supported', 'PS256'));
    if (run.variant.fapi_response_mode === 'jarm') assert(run.lists('response_modes_supported', 'jwt'));
  },
  'happy-flow': async (run) => {
    for (const which of [1, 2] as const) {
      const fapi = await Fapi.create(run, which);
      const { tokens } = await fapi.happy();
      const url = `${run.endpoint('userinfo_endpoint')}?access_token=${tokens.access_token}`;
      assert((await send(url)).status >= 400, 'a token in the query is refused');
      const stolen = await fapi.resource(tokens.access_token, fapi.isDpop ? { proof: null, scheme: 'Bearer' } : { tls: null });
      assert.equal(stolen.status, 401, 'a token without its key is refused');
    }
  },
  'user-rejects-authentication': async (run) => {
    for (const which of [1, 2] as const) {
      const fapi = await Fapi.create(run, which);
      const { response, parameters } = await fapi.authorize({ prompt: 'consent' }, { deny: true });
      assert.equal(response.get('error'), 'access_denied');
      assert.equal(response.get('state'), parameters.state);
    }
  },
  'ensure-authorization-request-without-state-success': succeeds({ state: undefined }),
  'ensure-authorization-request-without-nonce-success': async (run) => {
    const fapi = await Fapi.create(run);
    const { tokens } = await fapi.happy({ nonce: undefined });
    assert.equal((await fapi.idToken(tokens.id_token)).nonce, undefined);
  },
  'ensure-authorization-request-with-64-char-nonce-success': async (run) => nonceComesBack(run, 'a'.repeat(64)),
  'ensure-authorization-request-with-long-nonce': async (run) => nonceComesBack(run, 'a'.repeat(384)),
  'ensure-authorization-request-with-long-state': succeeds(() => ({ state: 'a'.repeat(1000) })),
  'ensure-other-scope-order-succeeds': succeeds({ scope: 'email openid' }),
  'test-claims-parameter-identity-claims': async (run) => {
    if (run.op.claims_parameter_supported !== true) run.skip('the claims parameter is off');
    const names = Array.isArray(run.op.claims_supported) ? run.op.claims_supported.map(String) : [];
    const wanted = Object.fromEntries([...names, 'unknown_claim'].map((name) => [name, null]));
    const fapi = await Fapi.create(run);
    const { tokens } = await fapi.happy({ claims: JSON.stringify({ id_token: wanted, userinfo: wanted }) });
    const all = { ...(await fapi.idToken(tokens.id_token)), ...(await fapi.resource(tokens.access_token)).json };
    const identity = names.filter((name) => /^(name|email|phone_number|address|birthdate|given_name|family_name)$/.test(name));
    const missing = identity.filter((name) => !(name in all));
    if (missing.length > 0) run.warn(`missing: ${missing.join(', ')}`);
  },
  'access-token-type-header-case-sensitivity': async (run) => {
    const fapi = await Fapi.create(run);
    const { tokens } = await fapi.happy();
    assert.equal((await fapi.resource(tokens.access_token, { scheme: fapi.isDpop ? 'dPOp' : 'bEARER' })).status, 200);
  },
  'ensure-different-nonce-inside-and-outside-request-object': outside((value) => ({ nonce: value })),
  'ensure-different-state-inside-and-outside-request-object': outside((value) => ({ state: value })),
  'state-only-outside-request-object-not-used': outside((value) => ({ state: value }), { state: undefined }),
  'refresh-token': async (run) => {
    const [one, two] = [await Fapi.create(run), await Fapi.create(run, 2)];
    const offline = { scope: 'openid offline_access', prompt: 'consent' };
    const { tokens } = await one.happy(offline);
    if (!tokens.refresh_token) run.skip('no refresh token is issued');
    const other = await two.happy(offline);
    const refresh = (token: unknown) => ({ grant_type: 'refresh_token', refresh_token: String(token) });
    const answer = await one.token(refresh(tokens.refresh_token));
    assert.equal(answer.status, 200, answer.body);
    assert.equal((await one.resource(answer.json.access_token)).status, 200);
    const stripped: Changes = one.isMtlsAuth ? { tls: null } : { assertion: null };
    assert((await one.token(refresh(answer.json.refresh_token ?? tokens.refresh_token), stripped)).status >= 400);
    run.tokenRefused(await one.token(refresh(other.tokens.refresh_token)), ['invalid_grant']);
  },
};

const nonceComesBack = async (run: Run, value: string): Promise<void> => {
  const fapi = await Fapi.create(run);
  const { tokens } = await fapi.happy({ nonce: value });
  assert.equal((await fapi.idToken(tokens.id_token)).nonce, value, 'nonce comes back unchanged');
};

export const tokenModules: Record<string, Module> = {
  'ensure-client-id-in-token-endpoint': async (run) => {
    const [one, two] = [await Fapi.create(run), await Fapi.create(run, 2)];
    const authorized = await one.code();
    const fields = { ...one.codeFields(authorized), client_id: two.client.clientId };
    const answer = await one.token(fields);
    run.tokenRefused(answer, ['invalid_client', 'invalid_grant', 'invalid_request'], [400, 401]);
  },
  'ensure-holder-of-key-required': async (run) => {
    const fapi = await Fapi.create(run);
    const authorized = await fapi.code();
    const changes: Changes = fapi.isDpop ? { proof: null } : { tls: null };
    const codes = ['invalid_request', 'invalid_grant', 'invalid_client', 'invalid_dpop_proof'];
    run.tokenRefused(await fapi.redeem(authorized, changes), codes, [400, 401]);
  },
  'ensure-authorization-code-is-bound-to-client': async (run) => {
    const [one, two] = [await Fapi.create(run), await Fapi.create(run, 2)];
    const authorized = await one.code();
    two.dpopKey = one.dpopKey;
    run.tokenRefused(await two.redeem(authorized), ['invalid_grant']);
  },
  'attempt-reuse-authorization-code-after-one-second': async (run) => {
    const fapi = await Fapi.create(run);
    const { tokens, authorized } = await fapi.happy();
    run.later(1);
    run.tokenRefused(await fapi.redeem(authorized), ['invalid_grant']);
    if ((await fapi.resource(tokens.access_token)).status === 200) run.warn('the access token of a reused code still works');
  },
  'ensure-token-endpoint-fails-with-expired-auth-code': async (run) => {
    const fapi = await Fapi.create(run);
    const authorized = await fapi.code();
    run.later(62 + 16);
    run.tokenRefused(await fapi.redeem(authorized), ['invalid_grant']);
  },
  'ensure-signed-client-assertion-with-RS256-fails': tokenRefused(['invalid_client'], () => rs256()),
  'ensure-client-assertion-in-token-endpoint': tokenRefused(clientErrors, { assertion: null }),
  'ensure-client-assertion-with-exp-is-5-minutes-in-past-fails': tokenRefused(clientErrors, () => ({
    assertion: { claims: { exp: seconds() - 300, iat: seconds() - 360 } },
  })),
  'ensure-client-assertion-with-wrong-aud-fails': tokenRefused(clientErrors, {
    assertion: { audience: 'https://other.example.test' },
  }),
  'ensure-client-assertion-with-no-sub-fails': tokenRefused(clientErrors, { assertion: { claims: { sub: undefined } } }),
  'ensure-pkce-code-verifier-required': verifierRefused(undefined),
  'incorrect-pkce-code-verifier-rejected': verifierRefused('a'.repeat(43)),
};

const ecosystems: Record<string, Module> = {
  'australia-connectid-ensure-invalid-purpose-fails': notHere('ConnectID'),
};

export const fapi2Modules: Record<string, Module> = Object.fromEntries(
  Object.entries({ ...flowModules, ...proofModules, ...pushModules, ...tokenModules, ...objectModules, ...ecosystems }).map(
    ([name, module]) => [`${prefix}${name}`, module],
  ),
);
