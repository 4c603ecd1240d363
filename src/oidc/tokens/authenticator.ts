import { errors } from '../../platform/errors/index.ts';
import type { Authenticator, Principal } from '../../platform/ports.ts';
import { hashOf } from '../adapters/index.ts';
import { proofAlgorithms } from '../protocol/dpop-proofs.ts';
import type { ActiveToken } from '../protocol/token-exchange.ts';
import type { HolderCheck } from './holder.ts';

export interface AuthenticatorDeps {
  /** Our own APIs are one resource (CONTRACT.md). */
  issuer: string;
  active(token: string): Promise<ActiveToken | undefined>;
  checkHolder: HolderCheck;
  nextNonce(): string;
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

/** RFC 6750 §3.1 for our own API: an active token, meant for us (TK-02), of whoever presents it (TK-08), with the scope. */
export const createAuthenticator = ({ issuer, active, checkHolder, nextNonce }: AuthenticatorDeps): Authenticator => ({
  dpop: { algorithms: proofAlgorithms, nextNonce },
  authenticate: async (presented, ...requiredScopes) => {
    const token = await active(presented.value);
    if (!token || token.audience !== issuer) throw errors.unauthenticated();
    await checkHolder(token, presented);
    const principal = principalOf(token);
    if (!requiredScopes.some((scope) => principal.scopes.has(scope))) throw errors.insufficient_scope();
    return principal;
  },
});
