import type { Database } from '../platform/db/index.ts';
import type { AdminRoutes } from '../platform/http/index.ts';
import type { AuditSink, Clock } from '../platform/ports.ts';
import type { Accounts } from './accounts/service.ts';
import { createGroupMembers } from './groups/members.ts';
import { mountGroupRoutes } from './groups/routes.ts';
import { createGroups } from './groups/service.ts';
import { mountLifecycleRoutes } from './lifecycle/routes.ts';
import { createLifecycle } from './lifecycle/service.ts';
import { createOrganizationMembers } from './organizations/members.ts';
import { mountOrganizationRoutes } from './organizations/routes.ts';
import { createOrganizations, type OrganizationOutside } from './organizations/service.ts';
import type { Rights, Transaction } from './tenancy/caller.ts';
import { mountUserRoutes } from './users/routes.ts';
import { createUsers, type UserOutside } from './users/service.ts';

export interface DirectoryDeps {
  database: Database;
  clock: Clock;
  audit(trx: Transaction): AuditSink;
  rights: Rights;
  accounts: Pick<Accounts, 'create' | 'idOf'>;
  outside: UserOutside & OrganizationOutside;
}

/** People, groups and organizations as administrators keep them (FEATURES I). */
export const createDirectory = (deps: DirectoryDeps) => {
  const groups = createGroups(deps);
  const members = createGroupMembers(deps);
  const users = createUsers(deps);
  const organizations = createOrganizations(deps);
  const organizationMembers = createOrganizationMembers(deps);
  const lifecycle = createLifecycle({
    ...deps,
    end: deps.outside.end,
    change: (trx, caller, userId, run) => deps.rights.change(trx, caller, { userIds: [userId] }, run),
  });
  return {
    groups,
    members,
    users,
    organizations,
    organizationMembers,
    lifecycle,
    mount: (admin: AdminRoutes): void => {
      mountUserRoutes(admin, users);
      mountLifecycleRoutes(admin, { lifecycle, users });
      mountGroupRoutes(admin, { groups, members });
      mountOrganizationRoutes(admin, { organizations, members: organizationMembers });
    },
  };
};

export type Directory = ReturnType<typeof createDirectory>;
