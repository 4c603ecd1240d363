import assert from 'node:assert/strict';
import { send } from '../http.ts';
import type { Module, Run } from '../run.ts';

const wellKnown = '/.well-known/openid-configuration';

/** OpenID Connect Discovery §3 and the specifications that add members; others would be a warning in the suite. */
const knownMembers = new Set(
  `issuer authorization_endpoint token_endpoint userinfo_endpoint jwks_uri registration_endpoint scopes_supported response_types_supported
  response_modes_supported grant_types_supported acr_values_supported subject_types_supported id_token_signing_alg_values_supported
  id_token_encryption_alg_values_supported id_token_encryption_enc_values_supported userinfo_signing_alg_values_supported
  userinfo_encryption_alg_values_supported userinfo_encryption_enc_values_supported request_object_signing_alg_values_supported
  request_object_encryption_alg_values_supported request_object_encryption_enc_values_supported token_endpoint_auth_methods_supported
  token_endpoint_auth_signing_alg_values_supported display_values_supported claim_types_supported claims_supported service_documentation
  claims_locales_supported ui_locales_supported claims_parameter_supported request_parameter_supported request_uri_parameter_supported
  require_request_uri_registration op_policy_uri op_tos_uri end_session_endpoint check_session_iframe frontchannel_logout_supported
  frontchannel_logout_session_supported backchannel_logout_supported backchannel_logout_session_supported
  revocation_endpoint revocation_endpoint_auth_methods_supported revocation_endpoint_auth_signing_alg_values_supported
  introspection_endpoint introspection_endpoint_auth_methods_supported introspection_endpoint_auth_signing_alg_values_supported
  introspection_signing_alg_values_supported introspection_encryption_alg_values_supported introspection_encryption_enc_values_supported
  code_challenge_methods_supported signed_metadata device_authorization_endpoint tls_client_certificate_bound_access_tokens
  mtls_endpoint_aliases pushed_authorization_request_endpoint require_pushed_authorization_requests require_signed_request_object
  authorization_signing_alg_values_supported authorization_encryption_alg_values_supported authorization_encryption_enc_values_supported
  authorization_response_iss_parameter_supported dpop_signing_alg_values_supported authorization_details_types_supported
  backchannel_token_delivery_modes_supported backchannel_authentication_endpoint backchannel_user_code_parameter_supported
  backchannel_authentication_request_signing_alg_values_supported prompt_values_supported client_id_metadata_document_supported
  protected_resources`.split(/\s+/),
);

const checkEndpoints = (run: Run): void => {
  for (const [name, value] of Object.entries(run.op)) {
    if (name.endsWith('_endpoint') || name === 'jwks_uri') assert.match(String(value), /^https:\/\//, `${name} is https`);
  }
};

const checkKeys = async (run: Run): Promise<void> => {
  const { keys } = await run.keys();
  assert(keys.length > 0, 'there are keys');
  assert.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length, 'no two keys share a kid');
  for (const key of keys) {
    assert(key.kid && key.use, 'kid and use are there');
    for (const part of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.equal(part in key, false, `no private part ${part}`);
    assert(['RSA', 'EC', 'OKP'].includes(String(key.kty)), `kty ${key.kty}`);
  }
};

const supports = (name: string, required: string[], responseType?: string): Module => {
  return async (run) => {
    for (const member of required) assert.equal(run.op[member], true, `${member} is true`);
    run.endpoint('end_session_endpoint');
    if (responseType) run.endpoint(responseType);
    checkEndpoints(run);
    assert(name);
  };
};

export const discoveryModules: Record<string, Module> = {
  'oidcc-discovery-endpoint-verification': async (run) => {
    const answer = await send(`${run.target.issuer}${wellKnown}`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
    assert.equal(run.op.issuer, run.target.issuer);
    checkEndpoints(run);
    for (const type of ['code', 'id_token', 'id_token token']) assert(run.lists('response_types_supported', type), type);
    for (const type of ['authorization_code', 'implicit']) assert(run.lists('grant_types_supported', type), type);
    assert(run.lists('subject_types_supported', 'public') && run.lists('id_token_signing_alg_values_supported', 'RS256'));
    assert(run.lists('scopes_supported', 'openid'));
    await checkKeys(run);
    for (const name of ['userinfo_endpoint', 'claims_supported']) if (!run.op[name]) run.warn(`${name} is missing`);
    const unknown = Object.keys(run.op).filter((name) => !knownMembers.has(name));
    if (unknown.length > 0) run.warn(`members the suite does not know: ${unknown.join(', ')}`);
  },
  'oidcc-rp-initiated-logout-discovery-endpoint-verification': supports('RP-initiated', []),
  'oidcc-session-management-discovery-endpoint-verification': supports('session', [], 'check_session_iframe'),
  'oidcc-frontchannel-logout-discovery-endpoint-verification': supports('front-channel', [
    'frontchannel_logout_supported',
    'frontchannel_logout_session_supported',
  ]),
  'oidcc-backchannel-logout-discovery-endpoint-verification': supports('back-channel', [
    'backchannel_logout_supported',
    'backchannel_logout_session_supported',
  ]),
};
