import type { Accounts } from '../../identity/index.ts';
import { createInTransaction, type Database, setTenants } from '../../platform/db/index.ts';
import type { AdminRoutes } from '../../platform/http/index.ts';
import type { AuditSink, Clock, Guard, Mailer } from '../../platform/ports.ts';
import { createApprovalRepository } from '../approval/repository.ts';
import { mountApprovalRoutes } from '../approval/routes.ts';
import { createRegistrationApproval } from '../approval/service.ts';
import { createAcceptance } from '../invitations/acceptance.ts';
import { createInvitationRepository } from '../invitations/repository.ts';
import { mountInvitationRoutes } from '../invitations/routes.ts';
import { createInvitations } from '../invitations/service.ts';
import type { InvitationPlace, InvitationUnit, InvitedRoles } from '../invitations/unit.ts';
import { mountTermsRoutes } from '../terms/routes.ts';
import { createTerms, type TermsDeps } from '../terms/service.ts';
import type { Throttle } from '../tickets/throttle.ts';
import type { RegistrationPolicy } from './policy.ts';
import { createRegistration, type RegistrationDeps } from './service.ts';

type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

export interface RegistrationSite {
  issuer: string;
  sink(trx: Transaction): AuditSink;
  mail(trx: Transaction): Mailer;
  /** After the commit, in every process: whoever cached the person asks again. */
  forget(trx: Transaction, accountId: string): Promise<void>;
  /** Rights that come with an invitation. */
  roles(trx: Transaction): InvitedRoles;
  terms: Pick<TermsDeps['site'], 'cached' | 'changed'>;
  /** Who invites, as the mail says it. */
  nameOf(accountId: string): Promise<string>;
  registration: RegistrationPolicy & { mode: 'open' | 'invite' | 'closed' };
}

export interface RegistrationRoomDeps {
  database: Database;
  accounts: Accounts;
  clock: Clock;
  passwords: RegistrationDeps['passwords'];
  mails: Pick<RegistrationDeps, 'verification'> & { throttle: Pick<Throttle, 'networkStop' | 'invitationStop'> };
  site: RegistrationSite;
}

/** How accounts come to be: sign-up, its approval, invitations; with their storage. */
export const createRegistrationRoom = ({ database, accounts, clock, passwords, mails, site }: RegistrationRoomDeps) => {
  const { issuer, registration: policy } = site;
  const unit = (trx: Transaction) => ({
    audit: site.sink(trx),
    mail: site.mail(trx),
    forget: (accountId: string) => site.forget(trx, accountId),
  });
  const inviting = (trx: Transaction) => ({
    ...unit(trx),
    roles: site.roles(trx),
    invitations: createInvitationRepository(trx),
  });
  const approval = createRegistrationApproval({
    approvals: createApprovalRepository(database.knex),
    inTransaction: createInTransaction(database, (trx) => ({ ...unit(trx), approvals: createApprovalRepository(trx) })),
    clock,
    issuer,
  });
  const place: InvitationPlace = {
    inTransaction: (scope, work) =>
      database.transaction(async (trx) => {
        await setTenants(trx, scope);
        return work(inviting(trx));
      }),
    throttle: mails.throttle,
    clock,
    site: { issuer, isOpen: policy.mode !== 'closed', nameOf: site.nameOf },
  };
  const invitations = createInvitations(place);
  const within = async (trx: Transaction): Promise<InvitationUnit> => {
    await setTenants(trx, 'all');
    return inviting(trx);
  };
  const terms = createTerms({ database, clock, site: { sink: site.sink, ...site.terms } });
  return {
    terms,
    register: createRegistration({ accounts, passwords, ...mails, clock, policy, terms }),
    invite: invitations.create,
    acceptance: createAcceptance({ ...place, accounts, within, passwords }),
    mount: (admin: AdminRoutes, guard: Guard): void => {
      mountTermsRoutes(admin, terms);
      mountApprovalRoutes(admin, approval);
      mountInvitationRoutes(admin, { invitations, guard, clock });
    },
  };
};
