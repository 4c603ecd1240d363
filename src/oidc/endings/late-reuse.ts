import type { KoaContextWithOIDC, RefreshToken } from 'oidc-provider';
import type { Database } from '../../platform/db/index.ts';
import { hashOf } from '../adapters/index.ts';
import type { TransactionalSinks } from '../ports.ts';
import type { SessionRecording } from '../sessions/recording.ts';
import { createEndingRepository } from './repository.ts';

export interface LateReuseDeps {
  database: Database;
  sinks: Pick<TransactionalSinks, 'audit'>;
  recording: Pick<SessionRecording, 'reused'>;
}

interface Spent {
  grantId?: string | undefined;
  accountId?: string | undefined;
  clientId?: string | undefined;
}

/**
 * RFC 9700 §4.14.2, RFC 6749 §4.1.2: of two uses of a code or refresh token at one moment the later one is seen only when it is
 * written; it ends what the first one got all the same, and is told of once, however many came too late.
 */
export const createLateReuse = ({ database, sinks, recording }: LateReuseDeps) => {
  const end = (spent: Spent | undefined, refreshToken?: RefreshToken): Promise<void> =>
    database.transaction(async (trx) => {
      const { grantId, accountId, clientId } = spent ?? {};
      if (grantId === undefined || !(await createEndingRepository(trx).removeGrant(hashOf(grantId)))) return;
      const about = { outcome: 'success', actor: { type: 'client', id: clientId }, subjectId: accountId, clientId } as const;
      await sinks.audit(trx).record({ type: 'oidc.grant.revoked', ...about, details: { cause: 'reuse' } });
      if (refreshToken) await recording.reused(trx, refreshToken);
    });

  return {
    ofRefreshToken: (token: RefreshToken): Promise<void> => end(token, token),
    /** @param kind of what the request could not spend */
    inRequest: async ({ oidc: { entities } }: KoaContextWithOIDC, kind: string): Promise<void> => {
      if (kind === 'AuthorizationCode') await end(entities.AuthorizationCode);
      if (kind === 'RefreshToken') await end(entities.RefreshToken, entities.RefreshToken);
    },
  };
};

export type LateReuse = ReturnType<typeof createLateReuse>;
