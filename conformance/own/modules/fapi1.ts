import assert from 'node:assert/strict';
import { Fapi } from '../fapi.ts';
import type { Module, Run } from '../run.ts';
import { flowModules, pushModules, tokenModules } from './fapi2.ts';
import { objectModules } from './fapi2-objects.ts';
import { clientErrors, objectErrors, pushRefused, requestErrors, succeeds, tokenRefused } from './fapi2-steps.ts';

const prefix = 'fapi1-advanced-final-';
const all = { ...flowModules, ...pushModules, ...tokenModules, ...objectModules };

const named = (name: string): Module => {
  const module = all[name];
  if (!module) throw new Error(`no module ${name}`);
  return module;
};

/** What FAPI 1.0 asks in the words of FAPI 2.0. */
const shared = [
  'user-rejects-authentication',
  'ensure-request-object-with-multiple-aud-succeeds',
  'ensure-authorization-request-without-state-success',
  'ensure-other-scope-order-succeeds',
  'access-token-type-header-case-sensitivity',
  'ensure-different-nonce-inside-and-outside-request-object',
  'ensure-request-object-without-exp-fails',
  'ensure-request-object-without-nbf-fails',
  'state-only-outside-request-object-not-used',
  'ensure-request-object-without-redirect-uri-fails',
  'ensure-expired-request-object-fails',
  'ensure-request-object-with-bad-aud-fails',
  'ensure-request-object-with-exp-over-60-fails',
  'ensure-request-object-with-nbf-over-60-fails',
  'ensure-signed-request-object-with-RS256-fails',
  'ensure-request-object-signature-algorithm-is-not-none',
  'ensure-request-object-with-invalid-signature-fails',
  'ensure-matching-key-in-authorization-request',
  'ensure-redirect-uri-in-authorization-request',
  'ensure-client-id-in-token-endpoint',
  'ensure-authorization-code-is-bound-to-client',
  'ensure-signed-client-assertion-with-RS256-fails',
  'ensure-client-assertion-in-token-endpoint',
  'ensure-client-assertion-with-exp-is-5-minutes-in-past-fails',
  'ensure-client-assertion-with-wrong-aud-fails',
  'ensure-client-assertion-with-no-sub-fails',
  'refresh-token',
  'par-ensure-reused-request-uri-prior-to-auth-completion-succeeds',
  'par-attempt-reuse-request_uri',
  'par-attempt-to-use-expired-request_uri',
  'par-attempt-to-use-request_uri-for-different-client',
  'par-authorization-request-containing-request_uri-form-param',
  'par-attempt-invalid-http-method',
  'par-ensure-pkce-required',
  'ensure-pkce-code-verifier-required',
  'incorrect-pkce-code-verifier-rejected',
  'par-plain-pkce-rejected',
  'par-authorization-request-containing-request_uri',
  'par-without-duplicate-parameters',
];

const responseErrors = ['unsupported_response_type', 'invalid_request', 'unauthorized_client', 'unsupported_response_mode'];
const assertionAudience = (audience: (run: Run) => unknown): Module => {
  return async (run) => {
    await (await Fapi.create(run)).happy({}, { assertion: { audience: audience(run) } });
  };
};
const assertionClaims = (claims: Record<string, unknown>): Module => tokenRefused(clientErrors, { assertion: { claims } });
const pushedAssertion = (assertion: { audience?: string; claims?: Record<string, unknown> }): Module =>
  pushRefused(clientErrors, {}, { assertion });
const parEndpoint = (run: Run): string => run.endpoint('pushed_authorization_request_endpoint');
const other = { aud: 'https://other.example.test', id: 'somebody-else' };

const own: Record<string, Module> = {
  'discovery-end-point-verification': async (run) => {
    for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'pushed_authorization_request_endpoint'])
      assert.match(run.endpoint(name), /^https:/);
    assert(run.lists('request_object_signing_alg_values_supported', 'PS256'));
    assert(run.lists('id_token_signing_alg_values_supported', 'PS256'));
    assert(run.lists('response_types_supported', 'code id_token') && run.lists('response_modes_supported', 'jwt'));
    assert(run.lists('authorization_signing_alg_values_supported', 'PS256'));
    assert.equal(run.op.tls_client_certificate_bound_access_tokens, true);
    assert.equal(run.op.claims_parameter_supported, true);
  },
  'ensure-valid-pkce-succeeds': async (run) => {
    const fapi = await Fapi.create(run);
    const verifier = 'a-code-verifier-that-is-long-enough-for-rfc-7636';
    const challenge = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(verifier))).toString('base64url');
    const authorized = await fapi.code({ code_challenge: challenge, code_challenge_method: 'S256' });
    await fapi.tokens({ ...authorized, verifier });
  },
  'ensure-response-mode-query': pushRefused(responseErrors, { response_mode: 'query' }),
  'ensure-registered-redirect-uri': pushRefused(requestErrors, { redirect_uri: 'https://other.example.test/callback' }),
  'ensure-request-object-with-64-char-nonce-success': named('ensure-authorization-request-with-64-char-nonce-success'),
  'ensure-request-object-with-long-nonce': named('ensure-authorization-request-with-long-nonce'),
  'ensure-request-object-with-long-state': succeeds({ state: 'a'.repeat(384) }),
  'ensure-request-object-without-scope-fails': pushRefused([...objectErrors, 'invalid_scope'], { scope: undefined }),
  'ensure-request-object-without-nonce-fails': pushRefused(objectErrors, { nonce: undefined }),
  'ensure-authorization-request-without-request-object-fails': pushRefused(objectErrors, {}, { object: null }),
  'ensure-response-type-code-fails': pushRefused(responseErrors, { response_type: 'code', response_mode: undefined }),
  'ensure-mtls-holder-of-key-required': named('ensure-holder-of-key-required'),
  'attempt-reuse-authorisation-code-after-one-second': named('attempt-reuse-authorization-code-after-one-second'),
  'ensure-client-assertion-with-wrong-iss-fails': assertionClaims({ iss: other.id }),
  'ensure-client-assertion-with-wrong-sub-fails': assertionClaims({ sub: other.id }),
  'ensure-client-assertion-with-iss-aud-succeeds': assertionAudience((run) => run.target.issuer),
  'par-test-pushed-authorization-url-as-audience-for-client-JWT-assertion': async (run) => {
    const { answer } = await (await Fapi.create(run)).push({}, { assertion: { audience: parEndpoint(run) } });
    assert.equal(answer.status, 201, answer.body);
  },
  'par-token-endpoint-url-as-audience-for-client-JWT-assertion': assertionAudience((run) => run.endpoint('token_endpoint')),
  'test-array-as-audience-for-client-JWT-assertion': assertionAudience((run) => [run.target.issuer, other.aud]),
  'par-ensure-client-assertion-with-wrong-aud-fails': pushedAssertion({ audience: other.aud }),
  'par-ensure-client-assertion-with-wrong-iss-fails': pushedAssertion({ claims: { iss: other.id } }),
  'par-ensure-client-assertion-with-wrong-sub-fails': pushedAssertion({ claims: { sub: other.id } }),
  'par-pushed-authorization-url-as-audience-in-request-object': async (run) =>
    pushRefused(objectErrors, {}, { object: { claims: { aud: parEndpoint(run) } } })(run),
  'par-attempt-invalid-redirect_uri': pushRefused([...requestErrors, 'invalid_redirect_uri'], {
    redirect_uri: 'https://other.example.test/callback',
  }),
};

export const fapi1Modules: Record<string, Module> = {
  'fapi1-advanced-final': named('happy-flow'),
  ...Object.fromEntries(
    [...shared.map((name) => [name, named(name)] as const), ...Object.entries(own)].map(([name, module]) => [
      `${prefix}${name}`,
      module,
    ]),
  ),
};
