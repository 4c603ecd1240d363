import type { AdminRoutes } from '../../platform/http/index.ts';
import { type IdentifierRouteDeps, mountIdentifierRoutes } from '../recovery/identifiers.ts';
import { mountRecoveryRoutes, type RecoveryRouteDeps } from '../recovery/routes.ts';
import { type CodeAuthn, mountFactorCodeRoute } from './codes/routes.ts';
import { type LinkRouteDeps, mountLinkRoutes } from './link/routes.ts';
import { mountPasskeyRoutes, type PasskeyAuthn } from './passkeys/routes.ts';
import { type AuthRouteDeps, mountAuthRoutes } from './routes.ts';
import { type ApiAuthn, type AuthApi, type AuthApiDeps, createAuthApi } from './service.ts';

export interface JsonSignInDeps
  extends Omit<AuthApiDeps, 'site' | 'authn'>,
    Pick<AuthRouteDeps, 'authenticator' | 'entitlementsOf'> {
  authn: LinkRouteDeps['authn'] &
    Omit<RecoveryRouteDeps, 'clock'> &
    Omit<IdentifierRouteDeps, 'clock'> &
    Omit<PasskeyAuthn, 'flows'> &
    Omit<ApiAuthn, 'flows'> & { flows: ApiAuthn['flows'] & PasskeyAuthn['flows'] & CodeAuthn['flows'] };
  site: Omit<AuthApiDeps['site'], 'authenticate'>;
}

/** Every JSON route by which people sign in, prove a factor and recover an account. */
export const mountJsonSignIn = (admin: AdminRoutes, deps: JsonSignInDeps): AuthApi => {
  const { authenticator, entitlementsOf, authn, clock, site } = deps;
  const authenticate = (token: string) => authenticator.authenticate({ value: token, scheme: 'Bearer' }, 'api');
  const api = createAuthApi({ ...deps, site: { ...site, authenticate } });
  mountAuthRoutes(admin, { api, authenticator, entitlementsOf });
  mountPasskeyRoutes(admin, { api, authn });
  mountFactorCodeRoute(admin, { api, authn, clock });
  mountLinkRoutes(admin, { api, authn, clock });
  mountRecoveryRoutes(admin, { ...authn, clock });
  mountIdentifierRoutes(admin, { ...authn, clock });
  return api;
};
