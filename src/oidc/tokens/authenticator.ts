import { errors } from '../../platform/errors/index.ts';
import type { Authenticator, Principal } from '../../platform/ports.ts';
import { hashOf } from '../adapters/index.ts';
import type { ActiveToken } from '../protocol/token-exchange.ts';

export interface AuthenticatorDeps {
  /** Our own APIs are one resource (CONTRACT.md). */
  issuer: string;
  active(token: string): Promise<ActiveToken | undefined>;
}

const principalOf = ({ accountId, clientId, scope, sessionUid, signIn }: ActiveToken): Principal => ({
  type: accountId === undefined ? 'client' : 'user',
  id: accountId ?? clientId,
  clientId,
  scopes: new Set(scope.split(' ').filter(Boolean)),
  roles: [],
  sessionId: sessionUid === undefined ? undefined : hashOf(sessionUid),
  ...signIn,
});

/** RFC 6750 §3.1 for our own API: an active token, meant for us (TK-02), with the scope. */
export const createAuthenticator = ({ issuer, active }: AuthenticatorDeps): Authenticator => ({
  authenticate: async (accessToken, ...requiredScopes) => {
    const token = await active(accessToken);
    // TK-08: our own API is asked by bearer tokens; one that is bound to a key is worth nothing without its proof.
    if (!token || token.isBound || token.audience !== issuer) throw errors.unauthenticated();
    const principal = principalOf(token);
    if (!requiredScopes.some((scope) => principal.scopes.has(scope))) throw errors.insufficient_scope();
    return principal;
  },
});
