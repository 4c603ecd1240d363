import type { Provider } from 'oidc-provider';
import { type ArtifactStore, markerOf } from '../adapters/index.ts';
import type { ActiveToken, Actor } from '../protocol/token-exchange.ts';
import { isStructured, type StructuredToken, type StructuredTokens } from './structured.ts';

export interface ActiveTokenDeps {
  provider(): Provider;
  structured: StructuredTokens;
  store: Pick<ArtifactStore, 'findStructured'>;
}

const actorOf = (claims: Record<string, unknown> | undefined): Actor | undefined => claims?.act as Actor | undefined;
const delegateOf = (claims: Record<string, unknown> | undefined): string | undefined => {
  const { sub } = (claims?.may_act ?? {}) as { sub?: unknown };
  return typeof sub === 'string' ? sub : undefined;
};

const signInOf = ({ acr, amr, auth_time: authTime }: Record<string, unknown>): ActiveToken['signIn'] => ({
  acr: typeof acr === 'string' ? acr : undefined,
  amr: Array.isArray(amr) ? amr : undefined,
  authTime: typeof authTime === 'number' ? authTime : undefined,
});

/** An access token of ours that is active now, of either format; what token exchange and our own API start from. */
export const createActiveTokens = ({ provider, structured, store }: ActiveTokenDeps) => {
  const fromStructured = async (token: StructuredToken): Promise<ActiveToken | undefined> => {
    if (!(await store.findStructured(token))) return undefined;
    const { clientId, subject, grantId, sessionUid, audience, scope = '', expiresAt, claims, confirmation } = token;
    const references = {
      grantId: grantId === undefined ? undefined : markerOf(grantId),
      sessionUid: sessionUid === undefined ? undefined : markerOf(sessionUid),
    };
    // RFC 9068 §2.2: the subject of a machine's token is the client.
    const accountId = grantId === undefined ? undefined : subject;
    const signIn = signInOf(claims);
    const delegation = { act: actorOf(claims), mayAct: delegateOf(claims) };
    return { clientId, accountId, ...references, audience, scope, expiresAt, confirmation, ...delegation, signIn };
  };

  const fromOpaque = async (value: string): Promise<ActiveToken | undefined> => {
    const { AccessToken, ClientCredentials } = provider();
    const person = await AccessToken.find(value);
    const token = person ?? (await ClientCredentials.find(value));
    if (!token?.isValid || token.clientId === undefined) return undefined;
    const { extra } = token;
    return {
      clientId: token.clientId,
      accountId: person?.accountId,
      grantId: person?.grantId,
      sessionUid: person?.expiresWithSession ? person.sessionUid : undefined,
      audience: typeof token.aud === 'string' ? token.aud : undefined,
      scope: token.scope ?? '',
      expiresAt: new Date((token.exp ?? 0) * 1000),
      confirmation: token.isSenderConstrained() ? { jkt: token.jkt, 'x5t#S256': token['x5t#S256'] } : undefined,
      act: actorOf(extra),
      mayAct: delegateOf(extra),
    };
  };

  return async (value: string): Promise<ActiveToken | undefined> => {
    if (!isStructured(value)) return fromOpaque(value);
    const token = await structured.verify(value);
    return token && fromStructured(token);
  };
};
