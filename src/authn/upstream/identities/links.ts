import type { InTransaction } from '../../../platform/ports.ts';
import { errors } from '../../errors.ts';
import type { Registry } from '../providers/registry.ts';
import type { IdentityRepository, IdentityRow } from './repository.ts';
import type { IdentityUnit } from './unit.ts';

/** A sign-in somewhere else, as the person it belongs to sees it. */
export interface SocialAccount {
  id: string;
  provider: string;
  providerName: string;
  /** As the provider named the person when it was linked. */
  name: string | null;
  email: string | null;
  linkedAt: string;
  lastUsedAt: string | null;
}

export interface LinkDeps {
  identities: IdentityRepository;
  inTransaction: InTransaction<IdentityUnit>;
  registry: Pick<Registry, 'find'>;
}

/** What a person has connected; the last way in is not taken away (SO-07, MF-09). */
export const createSocialAccounts = ({ identities, inTransaction, registry }: LinkDeps) => {
  const nameOf = async (provider: string): Promise<string> => (await registry.find(provider))?.displayName ?? provider;

  const viewOf = async (row: IdentityRow): Promise<SocialAccount> => ({
    id: row.id,
    provider: row.provider,
    providerName: await nameOf(row.provider),
    name: row.name,
    email: row.email,
    linkedAt: row.created_at.toISOString(),
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
  });

  /** One whose provider is not offered any more opens nothing. */
  const isUsable = async ({ provider, issuer, organization_id: owner }: IdentityRow): Promise<boolean> => {
    const found = await registry.find(provider);
    return found !== undefined && found.organizationId === owner && new URL(found.issuer).href === new URL(issuer).href;
  };

  return {
    list: async (accountId: string): Promise<SocialAccount[]> => Promise.all((await identities.list(accountId)).map(viewOf)),

    /** @throws social_account_not_found, social_account_is_last */
    remove: async (accountId: string, id: string): Promise<void> => {
      const before = await identities.list(accountId);
      const others: string[] = [];
      for (const row of before) if (row.id !== id && (await isUsable(row))) others.push(row.id);
      const providerName = await nameOf(before.find((row) => row.id === id)?.provider ?? '');
      await inTransaction(async (unit) => {
        await unit.identities.lock(accountId);
        const row = await unit.identities.remove(accountId, id);
        if (!row) throw errors.social_account_not_found();
        const left = await unit.identities.list(accountId);
        const isOtherLeft = left.some((other) => others.includes(other.id));
        const hasPasskey = (await unit.factors.active(accountId)).some(({ kind }) => kind === 'webauthn');
        if (!isOtherLeft && !hasPasskey && !(await unit.identities.hasPassword(accountId))) throw errors.social_account_is_last();
        const { provider, issuer } = row;
        const actor = { type: 'user', id: accountId } as const;
        const about = { outcome: 'success', actor, subjectId: accountId, target: { type: 'social_account', id } } as const;
        await unit.audit.record({ type: 'authn.upstream.unlinked', ...about, details: { provider, issuer } });
        await unit.notify(accountId, 'identity_unlinked', providerName);
      });
    },
  };
};

export type SocialAccounts = ReturnType<typeof createSocialAccounts>;
