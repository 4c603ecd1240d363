import type { Accounts } from '../../identity/index.ts';
import type { TenantScope } from '../../platform/db/index.ts';
import type { Actor, AuditSink, Clock, Mailer } from '../../platform/ports.ts';
import type { Throttle } from '../tickets/throttle.ts';
import type { InvitationRepository } from './repository.ts';

export type Transaction = Parameters<NonNullable<Parameters<Accounts['create']>[1]>>[0];

export interface InvitationUnit {
  invitations: InvitationRepository;
  audit: AuditSink;
  mail: Mailer;
  /** Whoever cached what the person holds asks again. */
  forget(accountId: string): Promise<void>;
  roles: InvitedRoles;
}

export interface InvitedRole {
  role: string;
  organizationId?: string;
}

/** Rights that come with an invitation, judged by the privilege ladder in the transaction; supplied by `authz`. */
export interface InvitedRoles {
  /**
   * A change of what the person holds, on behalf of who invited; nobody where their account is gone.
   * @throws grant_not_yours, duties_conflict
   */
  change(inviterId: string | null, accountId: string, run: () => Promise<void>): Promise<void>;
  /** @throws role_not_found, grant_not_yours (AZ-03) */
  requireGivable(inviter: Inviter, wanted: InvitedRole): Promise<void>;
  /** Given by who invited, who may not be able to any more. @throws role_not_found, grant_not_yours, duties_conflict */
  give(inviterId: string, accountId: string, wanted: InvitedRole): Promise<void>;
}

/** Work in a transaction that sees these organizations. */
export type InInvitations = <Result>(scope: TenantScope, work: (unit: InvitationUnit) => Promise<Result>) => Promise<Result>;

/** Who acts, and in which organizations. */
export interface Inviter {
  actor: Actor;
  scope: TenantScope;
}

export interface InvitationPlace {
  inTransaction: InInvitations;
  throttle: Pick<Throttle, 'invitationStop'>;
  clock: Clock;
  site: { issuer: string; isOpen: boolean; nameOf(accountId: string): Promise<string> };
}
