import type { Grant } from 'oidc-provider';
import type { Clock } from '../../platform/ports.ts';
import { type ArtifactStore, hashOf } from '../adapters/index.ts';

/** What a person agreed to for a client; outlives the sessions and tokens it leads to. */
export interface Consent {
  openid?: Grant['openid'];
  resources?: Grant['resources'];
}

export interface ConsentDeps {
  store: Pick<ArtifactStore, 'find' | 'keep' | 'destroy'>;
  clock: Clock;
}

export type Consents = ReturnType<typeof createConsents>;

const kind = 'Consent';
const keyOf = (accountId: string, clientId: string): string => hashOf(`consent ${accountId} ${clientId}`);

const words = (text: string | undefined): string[] => text?.split(' ').filter(Boolean) ?? [];
const union = (one: readonly string[], two: readonly string[]): string[] => [...new Set([...one, ...two])];

const merged = (before: Consent, grant: Consent): Consent => ({
  openid: {
    scope: union(words(before.openid?.scope), words(grant.openid?.scope)).join(' '),
    claims: union(before.openid?.claims ?? [], grant.openid?.claims ?? []),
  },
  resources: Object.fromEntries(
    union(Object.keys(before.resources ?? {}), Object.keys(grant.resources ?? {})).map((resource) => [
      resource,
      union(words(before.resources?.[resource]), words(grant.resources?.[resource])).join(' '),
    ]),
  ),
});

/** Remembered consent (CO-08), kept apart from grants: a grant is one sign-in's family of tokens and ends with it. */
export const createConsents = ({ store, clock }: ConsentDeps) => {
  const find = async (accountId: string, clientId: string): Promise<Consent | undefined> =>
    (await store.find(kind, keyOf(accountId, clientId)))?.row.payload as Consent | undefined;
  return {
    find,
    /** Adds what the grant allows to what was agreed before. */
    remember: async (accountId: string, clientId: string, grant: Consent): Promise<void> => {
      const payload = merged((await find(accountId, clientId)) ?? {}, grant) as Record<string, unknown>;
      await store.keep({
        kind,
        id: keyOf(accountId, clientId),
        payload,
        accountId,
        clientId,
        grantId: null,
        sessionUid: null,
        lookup: null,
        consumedAt: null,
        expiresAt: null,
        createdAt: clock.now(),
      });
    },
    forget: (accountId: string, clientId: string): Promise<void> => store.destroy({ id: keyOf(accountId, clientId), kind }),
  };
};
