import type { Knex } from 'knex';
import type { Consent } from './service.ts';

export interface ConsentRow {
  clientId: string;
  consent: Consent;
  /** When it was last agreed to. */
  agreedAt: Date;
}

export interface ConsentRepository {
  /** The newest first. */
  list(accountId: string): Promise<ConsentRow[]>;
}

export const createConsentRepository = (db: Knex): ConsentRepository => ({
  list: async (accountId) =>
    (
      await db('oidc_artifacts')
        .where({ kind: 'Consent', account_id: accountId })
        .orderBy('created_at', 'desc')
        .select('client_id', 'payload', 'created_at')
    ).map(({ client_id: clientId, payload: consent, created_at: agreedAt }) => ({ clientId, consent, agreedAt })),
});
