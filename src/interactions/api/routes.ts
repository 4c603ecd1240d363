import { errors as shared } from '../../platform/errors/index.ts';
import { type AdminRoutes, personOf, type RequestInfo } from '../../platform/http/index.ts';
import type { Authenticator, Principal } from '../../platform/ports.ts';
import {
  CsrfView,
  LoginBody,
  LoginView,
  LogoutBody,
  MeView,
  PasswordBody,
  RefreshBody,
  RegisterBody,
  RegisterView,
  TokenView,
  ValidateBody,
} from './schema.ts';
import { type AuthApi, ifGood } from './service.ts';

/** What somebody holds; supplied by `authz`. */
export interface Entitlements {
  roles: string[];
  permissions: string[];
  organizations: { id: string; name: string }[];
}

export interface AuthRouteDeps {
  api: AuthApi;
  authenticator: Authenticator;
  entitlementsOf(userId: string): Promise<Entitlements>;
}

const base = '/api/v1/auth';

/** JSON sign-in (FEATURES A1). */
export const mountAuthRoutes = (admin: AdminRoutes, { api, authenticator, entitlementsOf }: AuthRouteDeps): void => {
  /** Log-out also works for whoever has only the refresh token left. @throws unauthenticated for a token that is no good */
  const callerOf = async (request: RequestInfo): Promise<Principal | undefined> => {
    const [scheme, token] = request.header('authorization')?.split(' ') ?? [];
    if (token === undefined || scheme?.toLowerCase() !== 'bearer') return undefined;
    return authenticator.authenticate({ value: token, scheme: 'Bearer' }, 'api');
  };

  admin.post(
    `${base}/register`,
    { summary: 'Sign up', permission: 'public', body: RegisterBody, response: RegisterView, status: 201 },
    ({ body, request }) => api.register(body, request),
  );
  admin.post(
    `${base}/login`,
    { summary: 'Sign in by password', permission: 'public', body: LoginBody, response: LoginView, status: 200 },
    ({ body, request }) => api.login(body, request),
  );
  admin.post(
    '/api/v1/mfa/totp/validate',
    {
      summary: 'Finish a sign-in by a code of an authenticator app, or a recovery code',
      permission: 'public',
      body: ValidateBody,
      response: TokenView,
      status: 200,
    },
    ({ body, request }) => api.validate(body, request),
  );
  admin.post(
    `${base}/refresh`,
    { summary: 'Trade a refresh token for the next', permission: 'public', body: RefreshBody, response: TokenView, status: 200 },
    ({ body, request }) => api.refresh(body.refreshToken, request),
  );
  admin.post(
    `${base}/logout`,
    {
      summary: 'End the session of the access or refresh token, or all of them',
      permission: 'public',
      body: LogoutBody,
      status: 204,
    },
    async ({ body, request }) => {
      const { refreshToken, everywhere = false } = body;
      const hasToken = refreshToken !== undefined || request.header('authorization') !== undefined;
      if (!hasToken && api.modes.isHeld(request)) return api.logoutByCookie(request, everywhere);
      // A refresh token speaks for its session even when the access token beside it has run out.
      const caller = refreshToken === undefined ? await callerOf(request) : await ifGood(callerOf(request));
      if (!caller && refreshToken === undefined) throw shared.unauthenticated({ headers: { 'WWW-Authenticate': 'Bearer' } });
      if (caller) personOf(caller);
      await api.logout(caller, refreshToken, everywhere);
      return undefined;
    },
  );
  admin.post(
    `${base}/change-password`,
    { summary: 'Change my password; every other session ends', permission: 'self', body: PasswordBody, status: 204 },
    async ({ body, principal, request }) => {
      personOf(principal);
      await api.changePassword(body, principal, request);
      return undefined;
    },
  );
  admin.get(
    `${base}/csrf-token`,
    {
      summary: 'What unsafe requests of my session send as X-CSRF-Token in cookie mode',
      permission: 'self',
      response: CsrfView,
      status: 200,
    },
    async ({ principal: { sessionId } }) => {
      if (sessionId === undefined) throw shared.not_found();
      return { csrfToken: api.modes.csrfTokenOf(sessionId) };
    },
  );
  admin.get(
    `${base}/me`,
    { summary: 'Who I am and what I may do', permission: 'self', response: MeView, status: 200 },
    async ({ principal }) => {
      const id = personOf(principal);
      const [user, { roles, permissions, organizations }] = await Promise.all([api.userOf(id), entitlementsOf(id)]);
      return { user, roles, permissions, organizations };
    },
  );
};
