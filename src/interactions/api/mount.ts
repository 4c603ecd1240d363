import type { AdminRoutes } from '../../platform/http/index.ts';
import { mountRecoveryRoutes, type RecoveryRouteDeps } from '../recovery/routes.ts';
import { type CodeAuthn, mountFactorCodeRoute } from './codes/routes.ts';
import { mountPasskeyRoutes, type PasskeyAuthn } from './passkeys/routes.ts';
import { type AuthRouteDeps, mountAuthRoutes } from './routes.ts';

export interface JsonSignInDeps extends AuthRouteDeps, Pick<RecoveryRouteDeps, 'clock'> {
  authn: Omit<RecoveryRouteDeps, 'clock'> & { flows: PasskeyAuthn['flows'] & CodeAuthn['flows'] } & Omit<PasskeyAuthn, 'flows'>;
  clientId: string;
}

/** Every JSON route by which people sign in, prove a factor and recover an account. */
export const mountJsonSignIn = (admin: AdminRoutes, deps: JsonSignInDeps): void => {
  mountAuthRoutes(admin, deps);
  mountPasskeyRoutes(admin, deps);
  mountFactorCodeRoute(admin, deps);
  mountRecoveryRoutes(admin, { ...deps.authn, clock: deps.clock });
};
