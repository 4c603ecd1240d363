import { type Static, type TSchema, Type } from '@sinclair/typebox';
import type { ClientSettings } from '../ports.ts';

const closed = { additionalProperties: false };
const text = Type.String({ minLength: 1, maxLength: 500 });
const address = Type.String({ minLength: 1, maxLength: 2000 });
const algorithm = Type.String({ pattern: '^[A-Za-z0-9+-]{1,40}$' });
const flag = Type.Boolean();
const list = (items: TSchema, maxItems: number): TSchema => Type.Array(items, { maxItems, uniqueItems: true });
const oneOf = (...values: string[]): TSchema => Type.Union(values.map((value) => Type.Literal(value)));
const seconds = (maximum: number): TSchema => Type.Integer({ minimum: 1, maximum });

const yearSeconds = 31_536_000;

const encrypted = (use: string): Record<string, TSchema> => ({
  [`${use}_signed_response_alg`]: algorithm,
  [`${use}_encrypted_response_alg`]: algorithm,
  [`${use}_encrypted_response_enc`]: algorithm,
});

/** RFC 7591 §2 and the specifications that add to it; every name the core or this room understands. */
const metadata: Record<string, TSchema> = {
  application_type: oneOf('web', 'native'),
  authorization_details_types: list(text, 20),
  backchannel_authentication_request_signing_alg: algorithm,
  backchannel_client_notification_endpoint: address,
  backchannel_logout_session_required: flag,
  backchannel_logout_uri: address,
  backchannel_token_delivery_mode: oneOf('poll', 'ping'),
  backchannel_user_code_parameter: flag,
  client_name: Type.String({ minLength: 1, maxLength: 200 }),
  client_uri: address,
  contacts: list(text, 20),
  default_acr_values: list(text, 20),
  default_max_age: Type.Integer({ minimum: 0, maximum: yearSeconds }),
  dpop_bound_access_tokens: flag,
  frontchannel_logout_session_required: flag,
  frontchannel_logout_uri: address,
  grant_types: list(text, 10),
  initiate_login_uri: address,
  jwks: Type.Object({ keys: Type.Array(Type.Object({}, { additionalProperties: true }), { minItems: 1, maxItems: 20 }) }, closed),
  jwks_uri: address,
  logo_uri: address,
  policy_uri: address,
  post_logout_redirect_uris: list(address, 100),
  redirect_uris: list(address, 100),
  request_object_encryption_alg: algorithm,
  request_object_encryption_enc: algorithm,
  request_object_signing_alg: algorithm,
  request_uris: list(address, 20),
  require_auth_time: flag,
  require_pushed_authorization_requests: flag,
  require_signed_request_object: flag,
  response_modes: list(text, 10),
  response_types: list(text, 10),
  // RFC 6749 §3.3
  scope: Type.String({ maxLength: 4000, pattern: '^([\\x21\\x23-\\x5B\\x5D-\\x7E]+( [\\x21\\x23-\\x5B\\x5D-\\x7E]+)*)?$' }),
  sector_identifier_uri: address,
  software_id: text,
  software_version: text,
  subject_type: oneOf('public', 'pairwise'),
  tls_client_auth_san_dns: text,
  tls_client_auth_san_email: text,
  tls_client_auth_san_ip: text,
  tls_client_auth_san_uri: address,
  tls_client_auth_subject_dn: text,
  tls_client_certificate_bound_access_tokens: flag,
  token_endpoint_auth_method: oneOf(
    'none',
    'client_secret_basic',
    'client_secret_post',
    'client_secret_jwt',
    'private_key_jwt',
    'tls_client_auth',
    'self_signed_tls_client_auth',
  ),
  token_endpoint_auth_signing_alg: algorithm,
  tos_uri: address,
  use_mtls_endpoint_aliases: flag,
  ...encrypted('authorization'),
  ...encrypted('id_token'),
  ...encrypted('introspection'),
  ...encrypted('userinfo'),
};

/** What only an administrator sets (CONTRACT.md), by the name it has beside the metadata. */
const settingShapes: Record<string, TSchema> = {
  accent_color: Type.String({ pattern: '^#[0-9a-fA-F]{6}$' }),
  access_token_ttl_seconds: seconds(yearSeconds),
  claims_mapping: Type.Record(Type.String({ pattern: '^.{1,200}$' }), text, { maxProperties: 50 }),
  id_token_ttl_seconds: seconds(86_400),
  may_impersonate: flag,
  profile: oneOf('fapi2', 'fapi2-message-signing', 'fapi1'),
  refresh_token_ttl_seconds: seconds(yearSeconds),
  refresh_tokens: oneOf('offline_access', 'always'),
  require_pkce: flag,
  session_management: flag,
  skip_consent: flag,
};

export const settingNames: Readonly<Record<string, keyof ClientSettings>> = {
  accent_color: 'accentColor',
  access_token_ttl_seconds: 'accessTokenTtlSeconds',
  claims_mapping: 'claims',
  id_token_ttl_seconds: 'idTokenTtlSeconds',
  may_impersonate: 'mayImpersonate',
  profile: 'profile',
  refresh_token_ttl_seconds: 'refreshTokenTtlSeconds',
  refresh_tokens: 'refreshTokens',
  require_pkce: 'requirePkce',
  session_management: 'sessionManagement',
  skip_consent: 'skipConsent',
};

const placement: Record<string, TSchema> = {
  first_party: flag,
  organization_id: Type.Union([Type.String({ format: 'uuid' }), Type.Null()]),
};

// INTEROP.md: ids and secrets that need no form encoding in Basic work with every library.
const clientId = Type.String({ pattern: '^[\\x21-\\x7E]{1,200}$' });

const optional = (shapes: Record<string, TSchema>): Record<string, TSchema> =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, Type.Optional(shape)]));

/** A client as an administrator writes it: RFC 7591 metadata, our settings beside it, nothing else. */
export const ClientBody = Type.Unsafe<ClientInput>(
  Type.Object(optional({ client_id: clientId, ...metadata, ...settingShapes, ...placement }), closed),
);

export type ClientInput = Record<string, unknown> & {
  client_id?: string;
  first_party?: boolean;
  organization_id?: string | null;
};

/** In the bootstrap file: a client has its id there, and may bring its secret (CL-06). */
export const BootstrapClient = Type.Object(
  {
    ...optional({ ...metadata, ...settingShapes, ...placement }),
    client_id: clientId,
    client_secret: Type.Optional(Type.String({ minLength: 32, maxLength: 500, pattern: '^[\\x21-\\x7E]+$' })),
  },
  closed,
);

export const ClientParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 200 }) }, closed);
export const SecretParams = Type.Object(
  { id: Type.String({ minLength: 1, maxLength: 200 }), secretId: Type.String({ format: 'uuid' }) },
  closed,
);
export const SecretBody = Type.Object(
  { expiresInSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 90 * 86_400 })) },
  closed,
);

const time = Type.String({ format: 'date-time' });
const timeOrNull = Type.Union([time, Type.Null()]);
export const SecretView = Type.Object({ id: Type.String(), createdAt: time, expiresAt: timeOrNull }, closed);
export const NewSecretView = Type.Object(
  { id: Type.String(), createdAt: time, expiresAt: timeOrNull, client_secret: Type.String() },
  closed,
);
/** The metadata and settings as written, and what the server knows. `client_secret` only in the answer that made it. */
export const ClientView = Type.Object(
  {
    id: Type.String(),
    client_id: Type.String(),
    client_secret: Type.Optional(Type.String()),
    first_party: Type.Boolean(),
    organization_id: Type.Union([Type.String(), Type.Null()]),
    source: Type.String(),
    verified: Type.Boolean(),
    disabledAt: timeOrNull,
    createdAt: time,
    updatedAt: time,
    secrets: Type.Array(SecretView),
  },
  { additionalProperties: true },
);
export type ClientView = Static<typeof ClientView> & Record<string, unknown>;
