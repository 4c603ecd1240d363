import type { Accounts } from '../../identity/index.ts';
import type { TenantScope } from '../../platform/db/index.ts';
import type { Actor, AuditSink, Clock, Mailer } from '../../platform/ports.ts';
import type { InvitationRepository } from './repository.ts';

export type Transaction = Parameters<NonNullable<Parameters<Accounts['create']>[1]>>[0];

export interface InvitationUnit {
  invitations: InvitationRepository;
  audit: AuditSink;
  mail: Mailer;
  /** Whoever cached what the person holds asks again. */
  forget(accountId: string): Promise<void>;
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
  clock: Clock;
  site: { issuer: string; isOpen: boolean };
}
