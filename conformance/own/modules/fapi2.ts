import assert from 'node:assert/strict';
import { calculateJwkThumbprint, exportJWK } from 'jose';
import { createSigningKey, nonce, seconds, sharedSigningKey } from '../client.ts';
import { type Changes, dpopProof, Fapi } from '../fapi.ts';
import { send } from '../http.ts';
import type { Module, Parameters, Run } from '../run.ts';

const prefix = 'fapi2-security-profile-final-';
const requestErrors = ['invalid_request', 'invalid_request_object'];
const clientErrors = ['invalid_client', 'invalid_request'];
const objectErrors = ['invalid_request_object', 'invalid_request_uri', 'invalid_request'];

const notHere = (ecosystem: string): Module => {
  return async (run) => run.skip(`only for ${ecosystem}, which plain_fapi drops`);
};

const succeeds =
  (over: Parameters | (() => Parameters), changes: Changes = {}): Module =>
  async (run) => {
    const fapi = await Fapi.create(run);
    await fapi.happy(typeof over === 'function' ? over() : over, changes);
  };

/** The pushed request, or what follows from it, is refused. */
const pushRefused =
  (
    codes: string[],
    over: Parameters | (() => Parameters),
    changes: Changes | ((run: Run) => Changes | Promise<Changes>) = {},
  ): Module =>
  async (run) => {
    const fapi = await Fapi.create(run);
    const given = typeof changes === 'function' ? await changes(run) : changes;
    await fapi.refused(await fapi.push(typeof over === 'function' ? over() : over, given), codes);
  };

/** The token request is refused with the given changes. */
const tokenRefused =
  (codes: string[], changes: Changes | ((fapi: Fapi) => Changes | Promise<Changes>), statuses = [400, 401]): Module =>
  async (run) => {
    const fapi = await Fapi.create(run);
    const authorized = await fapi.code();
    const given = typeof changes === 'function' ? await changes(fapi) : changes;
    run.tokenRefused(await fapi.redeem(authorized, given), codes, statuses);
  };

const verifierRefused =
  (verifier: string | undefined): Module =>
  async (run) => {
    const fapi = await Fapi.create(run);
    const authorized = await fapi.code();
    run.tokenRefused(await fapi.token({ ...fapi.codeFields(authorized), code_verifier: verifier }), ['invalid_grant']);
  };

/** Beside `request_uri` the authorization URL says something else: what was pushed counts. */
const outside =
  (extra: (parameter: string) => Parameters, over: Parameters = {}): Module =>
  async (run) => {
    const fapi = await Fapi.create(run);
    const pushed = await fapi.push(over);
    const visit = await run.browser().visit(fapi.authorizationUrl(pushed.answer.json.request_uri, extra(nonce())));
    const response = await fapi.response(visit);
    if (!response) return run.errorPage(visit);
    if (response.get('error')) return assert(requestErrors.includes(response.get('error') ?? ''));
    assert.equal(response.get('state') ?? undefined, pushed.parameters.state, 'the pushed state counts');
    const tokens = await fapi.tokens({ ...pushed, code: response.get('code') ?? '' });
    assert.equal((await fapi.idToken(tokens.id_token)).nonce, pushed.parameters.nonce, 'the pushed nonce counts');
  };

const rs256 = (): Promise<Changes> => sharedSigningKey('RS256', 'weak').then((key) => ({ assertion: { key } }));

const proofModules: Record<string, Module> = {
  'check-dpop-proof-nbf-exp': async (run) => {
    const now = seconds();
    await succeeds({}, { proof: { claims: { nbf: now, exp: now + 60 } } })(run);
  },
  'ensure-dpopproof-with-iat-10seconds-before-succeeds': async (run) =>
    succeeds({}, { proof: { claims: { iat: seconds() - 10 } } })(run),
  'ensure-dpopproof-with-iat-10seconds-after-succeeds': async (run) =>
    succeeds({}, { proof: { claims: { iat: seconds() + 10 } } })(run),
  'ensure-mismatched-dpop-jkt-fails': pushRefused(['invalid_request', 'invalid_dpop_proof', 'invalid_request_object'], {
    dpop_jkt: 'pCG5HRZLOIyZb8J9xv5yk7vFaYFbXyq9ZwYqzCcW2hg',
  }),
  'ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt': async (run) => {
    const fapi = await Fapi.create(run);
    const authorized = await fapi.code();
    fapi.dpopKey = await createSigningKey('ES256');
    run.tokenRefused(await fapi.redeem(authorized), ['invalid_request', 'invalid_grant', 'invalid_dpop_proof']);
  },
  'ensure-token-endpoint-fails-with-mismatched-dpop-jkt': async (run) => {
    const fapi = await Fapi.create(run);
    const jkt = await thumbprint(fapi);
    const authorized = await fapi.code({ dpop_jkt: jkt }, { changes: { proof: null } });
    fapi.dpopKey = await createSigningKey('ES256');
    run.tokenRefused(await fapi.redeem(authorized), ['invalid_request', 'invalid_grant', 'invalid_dpop_proof']);
  },
  'ensure-dpopproof-at-par-endpoint-binding-success': succeeds({}),
  'ensure-dpop-auth-code-binding-success': async (run) => {
    const fapi = await Fapi.create(run);
    await fapi.happy({ dpop_jkt: await thumbprint(fapi) });
  },
  'dpop-negative-tests': async (run) => {
    const fapi = await Fapi.create(run);
    const { tokens } = await fapi.happy();
    const token = tokens.access_token;
    const other = await createSigningKey('ES256');
    const { privateKey } = await createSigningKey('ES256');
    const bad: Record<string, Changes & { scheme?: string }> = {
      'missing typ': { proof: { header: { typ: undefined } } },
      'wrong typ': { proof: { header: { typ: 'jwt' } } },
      'missing jwk': { proof: { header: { jwk: undefined } } },
      'private key in jwk': { proof: { header: { jwk: await exportJWK(privateKey) } } },
      'missing jti': { proof: { claims: { jti: undefined } } },
      'missing htm': { proof: { claims: { htm: undefined } } },
      'wrong htm': { proof: { claims: { htm: 'POST' } } },
      'missing htu': { proof: { claims: { htu: undefined } } },
      'wrong htu': { proof: { claims: { htu: 'https://other.example.test/' } } },
      'missing iat': { proof: { claims: { iat: undefined } } },
      'iat an hour ago': { proof: { claims: { iat: seconds() - 3600 } } },
      'iat in an hour': { proof: { claims: { iat: seconds() + 3600 } } },
      'missing ath': { proof: { claims: { ath: undefined } } },
      'wrong ath': { proof: { claims: { ath: 'pCG5HRZLOIyZb8J9xv5yk7vFaYFbXyq9ZwYqzCcW2hg' } } },
      'bad signature': { proof: { key: other } },
      'no proof': { proof: null },
      'as Bearer': { proof: null, scheme: 'Bearer' },
    };
    for (const [name, changes] of Object.entries(bad)) {
      const { status } = await fapi.resource(token, changes);
      assert(status === 400 || status === 401, `${name} is refused: ${status}`);
    }
    const key = fapi.dpopKey;
    fapi.dpopKey = other;
    assert([400, 401].includes((await fapi.resource(token)).status), 'another key is refused');
    fapi.dpopKey = key;
    const url = run.endpoint('userinfo_endpoint');
    const proofs = [await dpopProof(key, 'GET', url, {}, String(token)), await dpopProof(key, 'GET', url, {}, String(token))];
    const twice = await send(url, { headers: { authorization: `DPoP ${token}`, dpop: proofs } });
    assert([400, 401].includes(twice.status), 'two proofs are refused');
    for (const changes of [{ proof: { claims: { htu: `${url}?a=b` } } }, { proof: { claims: { extra: 'claim' } } }]) {
      const answer = await fapi.resource(token, changes);
      if (answer.status !== 200) run.warn(`a harmless variation is refused: ${JSON.stringify(changes)}`);
    }
    const jti = nonce();
    await fapi.resource(token, { proof: { claims: { jti } } });
    if ((await fapi.resource(token, { proof: { claims: { jti } } })).status === 200) run.warn('a proof can be replayed');
  },
};

const thumbprint = async (fapi: Fapi): Promise<string> => {
  return calculateJwkThumbprint(fapi.dpopKey.publicJwk);
};

const pushModules: Record<string, Module> = {
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
    const { answer } = await fapi.push();
    assert(Number(answer.json.expires_in) >= 5 && Number(answer.json.expires_in) < 600);
    run.later(Number(answer.json.expires_in) + 16);
    await fapi.refusedVisit(await run.browser().visit(fapi.authorizationUrl(answer.json.request_uri)), ['invalid_request_uri']);
  },
  'par-attempt-reuse-request_uri': async (run) => {
    const fapi = await Fapi.create(run);
    const { answer } = await fapi.code();
    await fapi.refusedVisit(await run.browser().visit(fapi.authorizationUrl(answer.json.request_uri)), ['invalid_request_uri']);
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
    const { answer } = await one.push();
    const visit = await run.browser().visit(two.authorizationUrl(answer.json.request_uri));
    await two.refusedVisit(visit, ['invalid_request', 'invalid_request_object', 'invalid_request_uri']);
  },
};

const flowModules: Record<string, Module> = {
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

const tokenModules: Record<string, Module> = {
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

/** FAPI 2.0 Message Signing §5.3: signed request objects. */
const objectRefused = (
  change: (fapi: Fapi) => NonNullable<Changes['object']> | Promise<NonNullable<Changes['object']>>,
  codes = objectErrors,
): Module => {
  return async (run) => {
    const fapi = await Fapi.create(run);
    await fapi.refused(await fapi.push({}, { object: await change(fapi) }), codes);
  };
};

const objectModules: Record<string, Module> = {
  'ensure-request-object-with-multiple-aud-succeeds': async (run) =>
    succeeds({}, { object: { claims: { aud: [run.target.issuer, 'https://other.example.test'] } } })(run),
  'ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted': async (run) => {
    const { answer } = await (await Fapi.create(run)).push({}, { object: { claims: { nbf: seconds() + 8 } } });
    if (answer.status !== 201) run.warn('a request object from a clock 8 s ahead is refused');
  },
  'ensure-request-object-without-exp-fails': objectRefused(() => ({ claims: { exp: undefined } })),
  'ensure-request-object-without-nbf-fails': objectRefused(() => ({ claims: { nbf: undefined } })),
  'ensure-expired-request-object-fails': objectRefused(() => ({ claims: { exp: seconds() - 60 } })),
  'ensure-request-object-with-bad-aud-fails': objectRefused(() => ({ claims: { aud: 'https://other.example.test' } })),
  'ensure-request-object-with-exp-over-60-fails': objectRefused(() => ({ claims: { exp: seconds() + 70 * 60 } })),
  'ensure-request-object-with-nbf-over-60-fails': objectRefused(() => ({ claims: { nbf: seconds() - 70 * 60 } })),
  'ensure-signed-request-object-with-RS256-fails': objectRefused(async () => ({ key: await sharedSigningKey('RS256', 'weak') })),
  'ensure-request-object-signature-algorithm-is-not-none': objectRefused(() => ({
    raw: (object) => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${object.split('.')[1]}.`,
  })),
  'ensure-request-object-with-invalid-signature-fails': objectRefused(() => ({
    raw: (object) => `${object.slice(0, object.lastIndexOf('.') + 1)}${'A'.repeat(342)}`,
  })),
  'ensure-matching-key-in-authorization-request': objectRefused(async ({ run }) => ({
    key: (await Fapi.create(run, 2)).client.key,
  })),
  'ensure-unsigned-request-at-par-endpoint-fails': pushRefused(objectErrors, {}, { object: null }),
  'par-authorization-request-containing-request_uri': objectRefused(() => ({
    claims: { request_uri: `urn:ietf:params:oauth:request_uri:${nonce()}` },
  })),
};

const ecosystems: Record<string, Module> = {
  'australia-connectid-ensure-invalid-purpose-fails': notHere('ConnectID'),
};

export const fapi2Modules: Record<string, Module> = Object.fromEntries(
  Object.entries({ ...flowModules, ...proofModules, ...pushModules, ...tokenModules, ...objectModules, ...ecosystems }).map(
    ([name, module]) => [`${prefix}${name}`, module],
  ),
);
