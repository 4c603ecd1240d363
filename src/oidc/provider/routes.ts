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
