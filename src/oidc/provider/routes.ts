/** Paths of CONTRACT.md, "HTTP". */
export const routes = {
  authorization: '/authorize',
  backchannel_authentication: '/backchannel',
  code_verification: '/device',
  device_authorization: '/device/code',
  end_session: '/logout',
  introspection: '/introspect',
  jwks: '/jwks',
  pushed_authorization_request: '/par',
  registration: '/register',
  revocation: '/revoke',
  token: '/token',
  userinfo: '/userinfo',
} as const;

export const endSessionConfirm = `${routes.end_session}/confirm`;

/** Answered by the core alone: no page and no route of ours shares them. */
export const machinePaths: ReadonlySet<string> = new Set([
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  routes.authorization,
  routes.backchannel_authentication,
  routes.device_authorization,
  routes.introspection,
  routes.jwks,
  routes.pushed_authorization_request,
  routes.revocation,
  routes.token,
  routes.userinfo,
]);

const reading = ['GET', 'HEAD'];
const posting = ['POST'];

/** How each endpoint is asked. */
export const endpointMethods: ReadonlyMap<string, readonly string[]> = new Map([
  ['/.well-known/openid-configuration', reading],
  ['/.well-known/oauth-authorization-server', reading],
  [routes.authorization, [...reading, 'POST']],
  [routes.backchannel_authentication, posting],
  [routes.code_verification, [...reading, 'POST']],
  [routes.device_authorization, posting],
  [routes.end_session, [...reading, 'POST']],
  [endSessionConfirm, posting],
  [routes.introspection, posting],
  [routes.jwks, reading],
  [routes.pushed_authorization_request, posting],
  [routes.revocation, posting],
  [routes.token, posting],
  [routes.userinfo, [...reading, 'POST']],
]);
