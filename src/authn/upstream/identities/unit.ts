import type { AddressRepository, PasswordRepository } from '../../../identity/index.ts';
import { uuidv7 } from '../../../platform/crypto/index.ts';
import type { AuditSink } from '../../../platform/ports.ts';
import type { DeviceRepository } from '../../factors/repository.ts';
import type { Surrender } from '../../surrender/unit.ts';
import type { UpstreamPerson } from '../dialects/dialect.ts';
import type { Provider } from '../providers/provider.ts';
import type { IdentityKey, IdentityRepository } from './repository.ts';

export type IdentityNotice = 'identity_linked' | 'identity_unlinked' | 'address_claimed';

/** What changes together when somebody comes by an upstream provider. */
export interface IdentityUnit {
  identities: IdentityRepository;
  addresses: AddressRepository;
  passwords: PasswordRepository;
  factors: Pick<DeviceRepository, 'active'>;
  audit: AuditSink;
  /** Ends sessions, tokens and refresh families, and holds the account. */
  endSessions(accountId: string, cause: string): Promise<void>;
  /** What its maker left behind to come back by. */
  surrender: Surrender;
  /** Somebody new who came by an organization's own provider is one of its members. */
  joinOrganization(accountId: string, organizationId: string, now: Date): Promise<void>;
  notify(accountId: string, notice: IdentityNotice, provider: string): Promise<void>;
}

/** How an identity came to an account. */
export type LinkedBy = 'sign-up' | 'address' | 'sign-in' | 'account';

/** Another account has this identity: everything of the transaction is taken back. */
export class IdentityTaken extends Error {}

export const keyOf = ({ organizationId }: Provider, { issuer, subject }: UpstreamPerson): IdentityKey => ({
  organization_id: organizationId,
  issuer,
  subject,
});

/** @throws IdentityTaken */
export const linkIn = async (
  { identities, audit, notify, joinOrganization }: Pick<IdentityUnit, 'identities' | 'audit' | 'notify' | 'joinOrganization'>,
  accountId: string,
  { provider, person, how, now }: { provider: Provider; person: UpstreamPerson; how: LinkedBy; now: Date },
): Promise<void> => {
  const id = uuidv7(now);
  const seen = { name: person.name ?? null, email: person.email ?? null, provider: provider.name };
  const isNew = await identities.insert({
    ...keyOf(provider, person),
    ...seen,
    id,
    user_id: accountId,
    created_at: now,
    last_used_at: how === 'account' ? null : now,
  });
  if (!isNew) throw new IdentityTaken();
  const actor = { type: 'user', id: accountId } as const;
  const details = { provider: provider.name, issuer: person.issuer, how };
  const target = { type: 'social_account', id };
  await audit.record({ type: 'authn.upstream.linked', outcome: 'success', actor, subjectId: accountId, target, details });
  const { organizationId } = provider;
  if (how === 'sign-up' && organizationId !== null) {
    await joinOrganization(accountId, organizationId, now);
    const organization = { organizationId, target: { type: 'organization', id: organizationId } };
    const joined = { type: 'identity.organization_member_added', outcome: 'success', actor, subjectId: accountId } as const;
    await audit.record({ ...joined, ...organization });
  }
  if (how !== 'sign-up') await notify(accountId, 'identity_linked', provider.displayName);
};

/** SO-02: the account goes to the proven owner of its address, empty. */
export const surrenderIn = async (
  unit: IdentityUnit,
  { userId, value }: { userId: string; value: string },
  provider: Provider,
  now: Date,
): Promise<void> => {
  await unit.endSessions(userId, 'address_claimed');
  await unit.passwords.remove(userId);
  await unit.surrender(userId, now);
  await unit.addresses.markVerified(userId, value, now);
  const about = { outcome: 'success', actor: { type: 'user', id: userId }, subjectId: userId } as const;
  await unit.audit.record({ type: 'identity.unproven_address_claimed', ...about, details: { provider: provider.name } });
  await unit.notify(userId, 'address_claimed', provider.displayName);
};
