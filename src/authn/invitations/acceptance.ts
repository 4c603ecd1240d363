import { type Accounts, canonicalIdentifier } from '../../identity/index.ts';
import { sha256 } from '../../platform/crypto/index.ts';
import { Refusal } from '../../platform/errors/index.ts';
import type { PasswordChoice, PasswordProblem } from '../password/choice.ts';
import type { Hasher } from '../password/hashing.ts';
import { orBusy } from '../password/pool.ts';
import type { InvitationRow } from './repository.ts';
import type { InvitationPlace, InvitationUnit, Transaction } from './unit.ts';

export interface AcceptanceDeps extends InvitationPlace {
  accounts: Pick<Accounts, 'create' | 'idOf' | 'find'>;
  /** The same within a transaction that is open. */
  within(trx: Transaction): Promise<InvitationUnit>;
  passwords: { hasher: Pick<Hasher, 'hash'>; choice: PasswordChoice };
}

/** What the page of an invitation shows. */
export interface InvitationView {
  email: string;
  organization: string | undefined;
  organizationId: string | undefined;
  /** The address has an account: its owner signs in and joins. */
  hasAccount: boolean;
}

type SignUpOutcome =
  | { kind: 'accepted'; accountId: string }
  | { kind: 'gone' }
  /** Somebody has the address meanwhile. */
  | { kind: 'exists' }
  | { kind: 'invalid'; problems: readonly PasswordProblem[] };

/** The invitation was used up while its form was filled in. */
class Spent extends Error {}
/** What it gives cannot be given any more, so nothing of it is. Its message is why, for the log. */
class Withdrawn extends Error {}

/** RS-11: accepted once, before its end, by the owner of the invited address, as what it was made for. */
export const createAcceptance = ({ accounts, inTransaction, within, passwords, clock, site }: AcceptanceDeps) => {
  const { hasher, choice } = passwords;

  /** Who accepts only learns that it is worth nothing; why, the log tells those who invited. */
  const orGone =
    ({ id, organization_id: organizationId }: InvitationRow, accountId?: string) =>
    async (error: unknown): Promise<{ kind: 'gone' }> => {
      if (!(error instanceof Spent || error instanceof Withdrawn)) throw error;
      const actor = accountId === undefined ? ({ type: 'anonymous' } as const) : ({ type: 'user', id: accountId } as const);
      if (error instanceof Withdrawn) {
        const about = { actor, subjectId: accountId, target: { type: 'invitation', id }, reason: error.message } as const;
        const event = { type: 'identity.invitation_accepted', outcome: 'denied', ...about } as const;
        await inTransaction('all', ({ audit }) => audit.record({ ...event, organizationId: organizationId ?? undefined }));
      }
      return { kind: 'gone' };
    };

  const find = async (secret: string | undefined): Promise<InvitationRow | undefined> => {
    if (!site.isOpen || secret === undefined || !/^[\w-]{43}$/.test(secret)) return undefined;
    return inTransaction('all', ({ invitations }) => invitations.bySecret(sha256(secret), clock.now()));
  };

  /** What everybody holds there, and the person already holds, counts there from now on: who invited must hold it there (AZ-04). */
  const joinIn = async ({ invitations, roles }: InvitationUnit, row: InvitationRow, accountId: string): Promise<void> => {
    const { organization_id: organizationId, invited_by: inviterId } = row;
    if (organizationId === null) return;
    await roles.change(inviterId, accountId, () => invitations.addMember(organizationId, accountId, clock.now()));
  };

  const giveRole = async ({ roles }: InvitationUnit, row: InvitationRow, accountId: string): Promise<void> => {
    const { role, organization_id: organizationId, invited_by: inviterId } = row;
    if (role === null) return;
    if (inviterId === null) throw new Withdrawn('inviter_gone');
    await roles.give(inviterId, accountId, { role, ...(organizationId === null ? {} : { organizationId }) });
  };

  /** What was promised is judged now: who invited may have left, or lost the role (AZ-03). @throws Withdrawn */
  const keepPromise = async (unit: InvitationUnit, row: InvitationRow, accountId: string): Promise<void> => {
    try {
      await joinIn(unit, row, accountId);
      await giveRole(unit, row, accountId);
    } catch (error) {
      throw error instanceof Refusal ? new Withdrawn(error.code) : error;
    }
  };

  /** Spends it for this account and makes it a member of what it was made for. */
  const settle = async (unit: InvitationUnit, row: InvitationRow, accountId: string): Promise<boolean> => {
    if (!(await unit.invitations.accept(row.id, accountId, clock.now()))) return false;
    await keepPromise(unit, row, accountId);
    await unit.forget(accountId);
    await unit.audit.record({
      type: 'identity.invitation_accepted',
      outcome: 'success',
      actor: { type: 'user', id: accountId },
      subjectId: accountId,
      target: { type: 'invitation', id: row.id },
      organizationId: row.organization_id ?? undefined,
    });
    return true;
  };

  const make = async (row: InvitationRow, password: string, claims: Record<string, unknown>): Promise<SignUpOutcome> => {
    const passwordHash = await hasher.hash(password);
    const wish = { email: row.email, emailVerified: true, passwordHash, claims, source: 'invitation' } as const;
    const made = accounts.create(wish, async (trx, id) => {
      if (!(await settle(await within(trx), row, id))) throw new Spent();
    });
    return made.then(
      (accountId) => (accountId === undefined ? { kind: 'exists' } : { kind: 'accepted', accountId }),
      orGone(row),
    );
  };

  const isOwner = async (accountId: string, canonical: string): Promise<boolean> => {
    const account = await accounts.find(accountId);
    if (account?.status !== 'active') return false;
    if (canonicalIdentifier(String(account.claims.email)) === canonical) return account.claims.email_verified === true;
    // Addresses beside the primary one are all confirmed.
    return (await accounts.idOf(canonical)) === accountId;
  };

  return {
    /** Changes nothing (RS-13). */
    look: async (secret: string | undefined): Promise<InvitationView | undefined> => {
      const row = await find(secret);
      if (!row) return undefined;
      const { email, canonical, organization_id: id } = row;
      const organization =
        id === null ? undefined : await inTransaction('all', ({ invitations }) => invitations.organizationName(id));
      return { email, organization, organizationId: id ?? undefined, hasAccount: (await accounts.idOf(canonical)) !== undefined };
    },
    /** A new account with the invited address, which the mail has proven. */
    signUp: (secret: string | undefined, { password, name }: { password: string; name?: string | undefined }) =>
      orBusy(async (): Promise<SignUpOutcome> => {
        const row = await find(secret);
        if (!row) return { kind: 'gone' };
        const claims = { ...(name ? { name } : {}), ...(row.locale === null ? {} : { locale: row.locale }) };
        const problems = await choice.problems(password, { claims: { ...claims, email: row.email } });
        return problems.length > 0 ? { kind: 'invalid', problems } : make(row, password, claims);
      }),
    /** Somebody who has an account joins. */
    join: async (secret: string | undefined, accountId: string): Promise<{ kind: 'accepted' | 'gone' | 'not_yours' }> => {
      const row = await find(secret);
      if (!row) return { kind: 'gone' };
      if (!(await isOwner(accountId, row.canonical))) return { kind: 'not_yours' };
      const settled = inTransaction('all', (unit) => settle(unit, row, accountId));
      return settled.then(
        (isSettled) => ({ kind: isSettled ? ('accepted' as const) : ('gone' as const) }),
        orGone(row, accountId),
      );
    },
  };
};

export type Acceptance = ReturnType<typeof createAcceptance>;
