import type { Configuration } from 'oidc-provider';

type Algorithms = NonNullable<Configuration['enabledJWA']>;

const signing = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;
const encryption = [
  'RSA-OAEP',
  'RSA-OAEP-256',
  'ECDH-ES',
  'ECDH-ES+A128KW',
  'ECDH-ES+A256KW',
  'A128KW',
  'A256KW',
  'dir',
] as const;
const content = ['A128CBC-HS256', 'A256CBC-HS512', 'A128GCM', 'A256GCM'] as const;

/** No `none` anywhere; HS256 only where a client's own secret signs (RFC 8725 §3.1). */
export const algorithms: Algorithms = {
  authorizationEncryptionAlgValues: encryption,
  authorizationEncryptionEncValues: content,
  authorizationSigningAlgValues: signing,
  clientAuthSigningAlgValues: [...signing, 'HS256'],
  dPoPSigningAlgValues: ['ES256', 'PS256', 'EdDSA'],
  idTokenEncryptionAlgValues: encryption,
  idTokenEncryptionEncValues: content,
  idTokenSigningAlgValues: signing,
  introspectionEncryptionAlgValues: encryption,
  introspectionEncryptionEncValues: content,
  introspectionSigningAlgValues: signing,
  requestObjectSigningAlgValues: signing,
  userinfoEncryptionAlgValues: encryption,
  userinfoEncryptionEncValues: content,
  userinfoSigningAlgValues: signing,
};
