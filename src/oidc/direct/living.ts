import type { Clock } from '../../platform/ports.ts';
import { type ArtifactStore, type Facts, hashOf, payloadOf } from '../adapters/index.ts';

/** What the core would have instantiated an opaque token from. */
export interface TokenPayload {
  clientId: string;
  accountId?: string | undefined;
  aud?: string | undefined;
  scope?: string | undefined;
  exp: number;
  iat: number;
  sid?: string | undefined;
  extra?: Record<string, unknown> | undefined;
  claims?: unknown;
}

export interface LivingToken extends Pick<Facts, 'row' | 'grant'> {
  payload: TokenPayload;
}

export interface LivingTokensDeps {
  store: Pick<ArtifactStore, 'findToken'>;
  clock: Clock;
}

interface Authorization {
  grantId?: string;
}

/** As the core has it: the grant is the one the token names, for the same client and account, and the session still knows of it. */
const belongsTogether = ({ row, grant, session }: Facts): boolean => {
  if (row.kind !== 'AccessToken') return true;
  if (grant?.clientId !== row.clientId || grant.accountId !== row.accountId) return false;
  if (row.payload.expiresWithSession !== true) return true;
  const authorizations = session?.payload.authorizations as Record<string, Authorization | undefined> | undefined;
  return authorizations?.[row.clientId ?? '']?.grantId === row.grantId;
};

/** Opaque access tokens that count now, in one joined read (PERFORMANCE.md, row 10). */
export const createLivingTokens = ({ store, clock }: LivingTokensDeps) => ({
  find: async (kinds: readonly string[], token: string): Promise<LivingToken | undefined> => {
    const facts = await store.findToken(kinds, hashOf(token));
    if (!facts || !belongsTogether(facts)) return undefined;
    const { row, grant } = facts;
    return { row, grant, payload: payloadOf(row, token, clock) as unknown as TokenPayload };
  },
});

export type LivingTokens = ReturnType<typeof createLivingTokens>;
