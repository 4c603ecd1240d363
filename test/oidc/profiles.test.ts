import { expect } from 'chai';
import { applyProfile } from '../../src/oidc/protocol/profiles.ts';

const good = { client_name: 'Bank', redirect_uris: ['https://app.example.test/callback'] };

describe('P9 FAPI profiles on a client', () => {
  it('switches on everything FAPI 2.0 needs', () => {
    const { metadata, problems } = applyProfile('fapi2', good);
    expect(problems).to.deep.equal([]);
    expect(metadata).to.deep.include({
      token_endpoint_auth_method: 'private_key_jwt',
      require_pushed_authorization_requests: true,
      dpop_bound_access_tokens: true,
      id_token_signed_response_alg: 'PS256',
      response_types: ['code'],
    });
  });

  it('adds signed requests, answers and introspection for Message Signing', () => {
    const { metadata, problems } = applyProfile('fapi2-message-signing', good);
    expect(problems).to.deep.equal([]);
    expect(metadata).to.deep.include({
      require_signed_request_object: true,
      request_object_signing_alg: 'PS256',
      authorization_signed_response_alg: 'PS256',
      introspection_signed_response_alg: 'PS256',
    });
  });

  it('keeps a certificate instead of DPoP, and a certificate’s client authentication', () => {
    const chosen = {
      tls_client_certificate_bound_access_tokens: true,
      token_endpoint_auth_method: 'self_signed_tls_client_auth',
    };
    const { metadata, problems } = applyProfile('fapi2', { ...good, ...chosen });
    expect(problems).to.deep.equal([]);
    expect(metadata).to.not.have.property('dpop_bound_access_tokens');
    expect(metadata).to.not.have.property('token_endpoint_auth_signing_alg');
  });

  for (const weaker of [
    { token_endpoint_auth_method: 'client_secret_basic' },
    { token_endpoint_auth_method: 'none' },
    { token_endpoint_auth_signing_alg: 'RS256' },
    { id_token_signed_response_alg: 'RS256' },
    { require_pushed_authorization_requests: false },
    { response_types: ['code id_token'] },
    { redirect_uris: ['http://app.example.test/callback'] },
  ]) {
    it(`refuses ${JSON.stringify(weaker)} with a reason`, () => {
      const { problems } = applyProfile('fapi2', { ...good, ...weaker });
      expect(problems).to.have.length(1);
      expect(problems[0]).to.match(/^profile fapi2 /);
    });
  }

  it('refuses unsigned requests and weak answers under Message Signing', () => {
    expect(applyProfile('fapi2-message-signing', { ...good, require_signed_request_object: false }).problems).to.have.length(1);
    expect(
      applyProfile('fapi2-message-signing', { ...good, authorization_signed_response_alg: 'RS256' }).problems,
    ).to.have.length(1);
  });
});
