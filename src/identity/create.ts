import type { Database } from '../platform/db/index.ts';
import type { AdminRoutes } from '../platform/http/index.ts';
import type { AuditSink, Clock } from '../platform/ports.ts';
import { createGroupMembers } from './groups/members.ts';
import { mountGroupRoutes } from './groups/routes.ts';
import { createGroups } from './groups/service.ts';
import type { Rights, Transaction } from './tenancy/caller.ts';

export interface DirectoryDeps {
  database: Database;
  clock: Clock;
  audit(trx: Transaction): AuditSink;
  rights: Rights;
}

/** Groups as administrators keep them (FEATURES I). */
export const createDirectory = (deps: DirectoryDeps) => {
  const groups = createGroups(deps);
  const members = createGroupMembers(deps);
  return {
    groups,
    members,
    mount: (admin: AdminRoutes): void => mountGroupRoutes(admin, { groups, members }),
  };
};

export type Directory = ReturnType<typeof createDirectory>;
