import { createHash, X509Certificate } from 'node:crypto';
import { exportJWK } from 'jose';
import { type Certificate, createCertificate } from './own/certificate.ts';
import { type Client, createSigningKey } from './own/client.ts';

/** A client an administrator registers for the FAPI plans, and what the suite needs to be that client. */
export interface FapiClient {
  client: Client;
  certificate: Certificate;
  /** RFC 7591 metadata with our `profile`, for a bootstrap file. */
  metadata: Record<string, unknown>;
  /** The private key as the suite's configuration takes it. */
  privateJwks: object;
}

const methods: Record<string, string> = { 'private-key-jwt': 'private_key_jwt', mtls: 'self_signed_tls_client_auth' };
const bindings: Record<string, object> = {
  dpop: { dpop_bound_access_tokens: true },
  mtls: { tls_client_certificate_bound_access_tokens: true },
};
const code = { response_types: ['code'], grant_types: ['authorization_code', 'refresh_token'] };

interface Group {
  name: string;
  metadata: Record<string, unknown>;
}

const bound = (name: string, profile: string): Group[] =>
  Object.entries(bindings).map(([binding, metadata]) => ({
    name: `${name}-{AUTH}-${binding}`,
    metadata: { ...code, ...metadata, profile },
  }));

const groups: readonly Group[] = [
  ...bound('fapi2', 'fapi2'),
  ...bound('fapi2-ms', 'fapi2-message-signing'),
  {
    name: 'fapi1-{AUTH}-mtls',
    metadata: {
      response_types: ['code', 'code id_token'],
      grant_types: ['authorization_code', 'refresh_token', 'implicit'],
      profile: 'fapi1',
    },
  },
  ...['poll', 'ping'].map((mode) => ({
    name: `ciba-{AUTH}-${mode}`,
    metadata: {
      response_types: [],
      grant_types: ['urn:openid:params:grant-type:ciba', 'refresh_token'],
      backchannel_token_delivery_mode: mode,
      backchannel_authentication_request_signing_alg: 'PS256',
      tls_client_certificate_bound_access_tokens: true,
      id_token_signed_response_alg: 'PS256',
      token_endpoint_auth_signing_alg: 'PS256',
    },
  })),
];

const publicCertificateJwk = ({ cert }: Certificate): object => {
  const { publicKey, raw } = new X509Certificate(cert);
  const kid = createHash('sha256').update(raw).digest('base64url');
  return { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', x5c: [raw.toString('base64')] };
};

const createClient = async (
  clientId: string,
  { redirectUri, notificationUri }: { redirectUri: string; notificationUri: string },
  given: Record<string, unknown>,
): Promise<FapiClient> => {
  const { token_endpoint_auth_signing_alg: assertionAlg, ...rest } = given;
  const isAssertion = rest.token_endpoint_auth_method === 'private_key_jwt' && assertionAlg !== undefined;
  const metadata = isAssertion ? given : rest;

  const key = await createSigningKey('PS256');
  const certificate = createCertificate(clientId);
  const keys = [key.publicJwk, publicCertificateJwk(certificate)];
  const { cert, key: privateKey } = certificate;
  const notification = metadata.backchannel_token_delivery_mode === 'ping' && {
    backchannel_client_notification_endpoint: notificationUri,
  };
  const common = { client_id: clientId, client_name: clientId, redirect_uris: [redirectUri], jwks: { keys } };
  return {
    client: { clientId, secret: undefined, metadata: {}, redirectUri, key, tls: { cert, key: privateKey } },
    certificate,
    privateJwks: { keys: [{ ...(await exportJWK(key.privateKey)), kid: key.kid, alg: key.alg, use: 'sig' }] },
    metadata: { ...common, ...metadata, ...notification },
  };
};

/**
 * Two clients for each group and way of authenticating: a client has one way, and binds its tokens in one way.
 * @param redirectUri of the client with that name @param notificationUri where it is pinged
 */
export const createFapiClients = (
  redirectUri: (clientId: string) => string,
  notificationUri: (clientId: string) => string,
): Promise<FapiClient[]> =>
  Promise.all(
    groups.flatMap(({ name, metadata }) =>
      Object.entries(methods).flatMap(([method, authMethod]) =>
        [1, 2].map((which) => {
          const id = `conformance-${name.replace('{AUTH}', method)}-${which}`;
          const addresses = { redirectUri: redirectUri(id), notificationUri: notificationUri(id) };
          return createClient(id, addresses, { token_endpoint_auth_method: authMethod, ...metadata });
        }),
      ),
    ),
  );
