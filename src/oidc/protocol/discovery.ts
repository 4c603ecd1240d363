import type { Middleware } from 'koa';
import type { Config } from '../../platform/config/index.ts';
import { checkSessionPath } from './session-state.ts';

const paths = new Set(['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']);

/** What some client has been allowed beside the defaults; only then it is advertised (CONTRACT.md, "HTTP"). */
export interface Uses {
  ciba: boolean;
  implicit: boolean;
  requestUri: boolean;
  frontchannelLogout: boolean;
  sessionManagement: boolean;
}

export const everyUse: Uses = {
  ciba: true,
  implicit: true,
  requestUri: true,
  frontchannelLogout: true,
  sessionManagement: true,
};

type Document = Record<string, unknown> & {
  grant_types_supported?: string[] | undefined;
  token_endpoint_auth_methods_supported?: string[] | undefined;
};

const cibaGrant = 'urn:openid:params:grant-type:ciba';
const cibaMembers = [
  'backchannel_authentication_endpoint',
  'backchannel_authentication_request_signing_alg_values_supported',
  'backchannel_token_delivery_modes_supported',
  'backchannel_user_code_parameter_supported',
];

const when = <Member>(holds: boolean, members: Member): Member | Record<string, never> => (holds ? members : {});

/** What the core does not say of itself because it is ours (GROUND.md §8), and what is off for everybody who was not allowed it. */
const additionsOf = ({ issuer, registration }: Config, uses: Uses): Record<string, unknown> => ({
  request_uri_parameter_supported: uses.requestUri,
  // Initiating User Registration 1.0 §3.
  prompt_values_supported: ['none', 'login', 'consent', 'select_account', ...(registration === 'closed' ? [] : ['create'])],
  ...when(uses.requestUri, { require_request_uri_registration: true }),
  ...when(uses.frontchannelLogout, { frontchannel_logout_supported: true, frontchannel_logout_session_supported: true }),
  ...when(uses.sessionManagement, { check_session_iframe: `${issuer}${checkSessionPath}` }),
  ...when(uses.ciba, { backchannel_user_code_parameter_supported: false }),
  ...when(!uses.implicit, { response_types_supported: ['code'] }),
});

const strongMethods = new Set(['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth']);

/** PROFILE=fapi2: what every client here has to do (RFC 9126 §5). */
const profiled = (document: Document): Document => ({
  ...document,
  require_pushed_authorization_requests: true,
  token_endpoint_auth_methods_supported: document.token_endpoint_auth_methods_supported?.filter((method) =>
    strongMethods.has(method),
  ),
});

const described = (document: Document, config: Config, uses: Uses): Document => {
  const off = new Set([...(uses.ciba ? [] : [cibaGrant]), ...(uses.implicit ? [] : ['implicit'])]);
  const left = Object.entries(document).filter(([name]) => uses.ciba || !cibaMembers.includes(name));
  const whole = {
    ...Object.fromEntries(left),
    grant_types_supported: document.grant_types_supported?.filter((grant) => !off.has(grant)),
    ...additionsOf(config, uses),
  } as Document;
  return config.profile === 'fapi2' ? profiled(whole) : whole;
};

export const discoveryAdditions =
  (config: Config, uses: () => Uses): Middleware =>
  async (ctx, next) => {
    await next();
    if (!paths.has(ctx.path) || typeof ctx.body !== 'object' || ctx.body === null) return;
    ctx.body = described(ctx.body as Document, config, uses());
  };
