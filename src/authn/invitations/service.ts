import { canonicalIdentifier, isEmailAddress } from '../../identity/index.ts';
import { randomSecret, sha256, uuidv7 } from '../../platform/crypto/index.ts';
import { errors as shared } from '../../platform/errors/index.ts';
import { errors } from '../errors.ts';
import type { InvitationRow } from './repository.ts';
import type { InvitationPlace, InvitationUnit, Inviter } from './unit.ts';

const day = 86_400_000;
const usualDays = 7;

export interface InvitationWish {
  email: string;
  organizationId?: string | undefined;
  /** A role by its name; who invites must be able to give it. */
  role?: string | undefined;
  locale?: string | undefined;
  /** 1 to 30. */
  days?: number | undefined;
}

/** People are asked to come, by mail, for one address and one organization (FEATURES A3). */
export const createInvitations = ({ inTransaction, throttle, clock, site }: InvitationPlace) => {
  /** Asked outside of the transaction; nobody where no person acts. */
  const nameOf = async ({ actor }: Inviter): Promise<string | undefined> =>
    actor.type === 'user' && actor.id !== undefined ? site.nameOf(actor.id) : undefined;

  const letter = async (
    { invitations, mail }: InvitationUnit,
    row: InvitationRow,
    secret: string,
    inviter?: string,
  ): Promise<void> => {
    const organization = row.organization_id === null ? undefined : await invitations.organizationName(row.organization_id);
    const days = Math.max(1, Math.round((row.expires_at.getTime() - clock.now().getTime()) / day));
    const values = { link: `${site.issuer}/invitation?ticket=${secret}`, organization, inviter, count: days };
    const about = { organizationId: row.organization_id ?? undefined, locale: row.locale ?? undefined };
    await mail.send({ to: row.email, template: 'invitation', ...about, values, notAfter: row.expires_at.toISOString() });
  };

  const requireOpen = async ({ invitations }: InvitationUnit, id: string): Promise<InvitationRow> => {
    const row = await invitations.find(id);
    if (!row) throw errors.invitation_not_found();
    if (row.accepted_at !== null || row.revoked_at !== null) throw errors.invitation_over();
    return row;
  };

  /** TN-02: of another tenant's organization not even its existence is told. */
  const requireOrganization = async ({ invitations }: InvitationUnit, id: string | undefined, { scope }: Inviter) => {
    if (id === undefined) {
      if (scope !== 'all') throw errors.organization_needed();
      return;
    }
    const isTheirs = scope === 'all' || scope.includes(id);
    if (!isTheirs || (await invitations.organizationName(id)) === undefined) throw errors.organization_unknown();
  };

  /** AZ-03; it is asked again when the role is given. */
  const requireRole = async ({ roles }: InvitationUnit, { role, organizationId }: InvitationWish, inviter: Inviter) => {
    if (role === undefined) return;
    if (inviter.actor.type !== 'user') throw errors.invitation_role_by_people();
    await roles.requireGivable(inviter, { role, ...(organizationId === undefined ? {} : { organizationId }) });
  };

  const note = ({ audit }: InvitationUnit, type: 'created' | 'revoked' | 'resent', row: InvitationRow, { actor }: Inviter) =>
    audit.record({
      type: `identity.invitation_${type}`,
      outcome: 'success',
      actor,
      target: { type: 'invitation', id: row.id },
      organizationId: row.organization_id ?? undefined,
    });

  const rowOf = (
    { email, organizationId, role, locale, days = usualDays }: InvitationWish,
    secret: string,
    { actor }: Inviter,
  ) => {
    const now = clock.now();
    return {
      id: uuidv7(now),
      email: email.normalize('NFKC').trim(),
      canonical: canonicalIdentifier(email),
      organization_id: organizationId ?? null,
      role: role ?? null,
      locale: locale ?? null,
      invited_by: (actor.type === 'user' && actor.id) || null,
      secret_hash: sha256(secret),
      created_at: now,
      expires_at: new Date(now.getTime() + days * day),
      accepted_at: null,
      accepted_by: null,
      revoked_at: null,
    };
  };

  /** RS-04. @throws too_many_requests */
  const requireCalm = async (address: string, { actor }: Inviter): Promise<void> => {
    const until = await throttle.invitationStop(`${actor.type} ${actor.id}`, canonicalIdentifier(address));
    if (!until) return;
    const seconds = Math.max(1, Math.ceil((until.getTime() - clock.now().getTime()) / 1000));
    throw shared.too_many_requests({ headers: { 'Retry-After': String(seconds) } });
  };

  const requireOffered = (): void => {
    if (!site.isOpen) throw errors.invitations_closed();
  };

  return {
    /**
     * @throws invitations_closed, invalid_request for an address that is none, organization_needed, organization_unknown,
     * role_not_found, grant_not_yours, too_many_requests
     */
    create: async (wish: InvitationWish, inviter: Inviter): Promise<InvitationRow> => {
      requireOffered();
      if (!isEmailAddress(wish.email))
        throw shared.invalid_request({ errors: [{ path: '/email', message: 'is not an e-mail address that can be used here' }] });
      await requireCalm(wish.email, inviter);
      const name = await nameOf(inviter);
      return inTransaction(inviter.scope, async (unit) => {
        await requireOrganization(unit, wish.organizationId, inviter);
        await requireRole(unit, wish, inviter);
        const secret = randomSecret();
        const row = rowOf(wish, secret, inviter);
        await unit.invitations.insert(row);
        await letter(unit, row, secret, name);
        await note(unit, 'created', row, inviter);
        return row;
      });
    },
    list: ({ scope }: Inviter, limit: number, before: [string, string] | undefined): Promise<InvitationRow[]> =>
      inTransaction(scope, ({ invitations }) => invitations.list(limit, before)),
    /**
     * The mail again, with another link; the one before is worth nothing.
     * @throws invitations_closed, invitation_not_found, invitation_over, too_many_requests
     */
    resend: async (id: string, inviter: Inviter): Promise<InvitationRow> => {
      requireOffered();
      const { email } = await inTransaction(inviter.scope, (unit) => requireOpen(unit, id));
      await requireCalm(email, inviter);
      const name = await nameOf(inviter);
      return inTransaction(inviter.scope, async (unit) => {
        const row = await requireOpen(unit, id);
        const secret = randomSecret();
        const renewed = { ...row, expires_at: new Date(clock.now().getTime() + usualDays * day) };
        if (!(await unit.invitations.renew(id, sha256(secret), renewed.expires_at))) throw errors.invitation_over();
        await letter(unit, renewed, secret, name);
        await note(unit, 'resent', row, inviter);
        return renewed;
      });
    },
    /** @throws invitation_not_found, invitation_over */
    revoke: (id: string, inviter: Inviter): Promise<void> =>
      inTransaction(inviter.scope, async (unit) => {
        const row = await requireOpen(unit, id);
        if (!(await unit.invitations.revoke(id, clock.now()))) throw errors.invitation_over();
        await note(unit, 'revoked', row, inviter);
      }),
  };
};

export type Invitations = ReturnType<typeof createInvitations>;
