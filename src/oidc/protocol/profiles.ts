import type { ClientSettings } from '../ports.ts';

/** P9: one word on a client, or `PROFILE=fapi2` for all, switches on everything a profile wants. */
export type ClientProfile = NonNullable<ClientSettings['profile']>;

type Metadata = Readonly<Record<string, unknown>>;

interface Profile {
  /** Set where the registration says nothing. */
  defaults: Metadata;
  /** Set whatever the registration says, unless it says the opposite: then it is refused. */
  required: Metadata;
  /** Allowed values; absent is fine where `defaults` or `required` fill in. */
  allowed: Readonly<Record<string, readonly string[]>>;
  responseTypes?: readonly string[];
}

/** FAPI 2.0 Security Profile §5.4: PS256, ES256, EdDSA with Ed25519; FAPI 1.0 Advanced §8.6: PS256, ES256. */
const strongAlgorithms = ['PS256', 'ES256', 'EdDSA', 'Ed25519'];
const strongMethods = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'];

const securityProfile: Profile = {
  defaults: {
    response_types: ['code'],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'PS256',
    id_token_signed_response_alg: 'PS256',
  },
  required: { require_pushed_authorization_requests: true },
  // FAPI 2.0 Security Profile §5.3.2.2 (1): no other; a machine has none.
  responseTypes: ['code'],
  allowed: {
    token_endpoint_auth_method: strongMethods,
    token_endpoint_auth_signing_alg: strongAlgorithms,
    id_token_signed_response_alg: strongAlgorithms,
    request_object_signing_alg: strongAlgorithms,
    authorization_signed_response_alg: strongAlgorithms,
    userinfo_signed_response_alg: strongAlgorithms,
  },
};

const profiles: Readonly<Record<ClientProfile, Profile>> = {
  fapi2: securityProfile,
  // FAPI 2.0 Message Signing §5.3 to §5.5: JAR, JARM, signed introspection.
  'fapi2-message-signing': {
    ...securityProfile,
    defaults: {
      ...securityProfile.defaults,
      request_object_signing_alg: 'PS256',
      authorization_signed_response_alg: 'PS256',
      introspection_signed_response_alg: 'PS256',
    },
    required: { ...securityProfile.required, require_signed_request_object: true, response_modes: ['jwt', 'query.jwt'] },
    allowed: { ...securityProfile.allowed, introspection_signed_response_alg: strongAlgorithms },
  },
  fapi1: {
    defaults: {
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'PS256',
      id_token_signed_response_alg: 'PS256',
      request_object_signing_alg: 'PS256',
      authorization_signed_response_alg: 'PS256',
    },
    required: { require_signed_request_object: true, tls_client_certificate_bound_access_tokens: true },
    allowed: {
      ...securityProfile.allowed,
      token_endpoint_auth_signing_alg: ['PS256', 'ES256'],
      id_token_signed_response_alg: ['PS256', 'ES256'],
      request_object_signing_alg: ['PS256', 'ES256'],
    },
  },
};

const listed = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

const isSender = (metadata: Metadata): boolean =>
  metadata.dpop_bound_access_tokens === true || metadata.tls_client_certificate_bound_access_tokens === true;

/** FAPI 2.0 Security Profile §5.3.2.1: tokens are always bound, by DPoP unless the client chose a certificate. */
const withBinding = (metadata: Metadata): Metadata =>
  isSender(metadata) ? metadata : { ...metadata, dpop_bound_access_tokens: true };

/**
 * The registration with the profile's switches thrown, and what of it is weaker than the profile allows, in words for whoever
 * registers the client.
 */
export const applyProfile = (profile: ClientProfile, metadata: Metadata): { metadata: Metadata; problems: string[] } => {
  const { defaults, required, allowed, responseTypes } = profiles[profile];
  const { token_endpoint_auth_signing_alg: alg, ...filledIn } = withBinding({ ...defaults, ...metadata, ...required });
  // Only an assertion has an algorithm.
  const isAssertion = filledIn.token_endpoint_auth_method === 'private_key_jwt';
  const filled: Metadata = isAssertion ? { ...filledIn, token_endpoint_auth_signing_alg: alg } : filledIn;
  const contradictions = Object.entries(required).filter(
    ([name, value]) => metadata[name] !== undefined && JSON.stringify(metadata[name]) !== JSON.stringify(value),
  );
  const weak = Object.entries(allowed).filter(([name, values]) => {
    const value = filled[name];
    return value !== undefined && !values.includes(String(value));
  });
  const others = listed(metadata.response_types).filter((type) => responseTypes?.includes(type) === false);
  return {
    metadata: filled,
    problems: [
      ...contradictions.map(([name, value]) => `profile ${profile} needs ${name} ${JSON.stringify(value)}`),
      ...weak.map(([name]) => `profile ${profile} allows ${name} to be ${allowed[name]?.join(', ')}`),
      // FAPI 2.0 Security Profile §5.3.2.2 (8): https redirect URIs; native loopback excepted.
      ...others.map(() => `profile ${profile} needs response_types ${JSON.stringify(responseTypes)}`),
      ...listed(metadata.redirect_uris)
        .filter((address) => /^http:\/\/(?!127\.0\.0\.1|\[::1\])/.test(address))
        .map(() => `profile ${profile} needs https redirect_uris`),
    ],
  };
};

/** What the core calls it. */
export const coreProfileOf = (profile: ClientProfile | undefined): '2.0' | '1.0 Final' | undefined => {
  if (profile === undefined) return undefined;
  return profile === 'fapi1' ? '1.0 Final' : '2.0';
};
