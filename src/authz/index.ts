/**
 * Owns: roles, permissions and their assignments, and the one decision point that guards our own API as well as those of others
 * (FEATURES Z; DESIGN.md, decision 5).
 */
import type { Knex } from 'knex';
import type { Caches } from '../platform/cache/index.ts';
import { type Database, setTenants } from '../platform/db/index.ts';
import type { AdminRoutes } from '../platform/http/index.ts';
import type { AuditBuffer, AuditSink, Clock, Guard, Principal } from '../platform/ports.ts';
import { echoRequestId, mountAuthzenRoutes } from './authzen/routes.ts';
import type { Override } from './duties/check.ts';
import { mountDutyRoutes } from './duties/routes.ts';
import { createDuties, type Duties } from './duties/service.ts';
import { mountEntityRoutes } from './entities/routes.ts';
import { createEntities } from './entities/service.ts';
import { createEntitySource } from './entities/source.ts';
import { createClientOrganizations } from './pdp/clients.ts';
import { createGuard, type Holds } from './pdp/guard.ts';
import { createLookup } from './pdp/lookup.ts';
import { mountDecisionRoutes } from './pdp/routes.ts';
import { createSearch } from './pdp/search.ts';
import { createSearchRepository } from './pdp/search-repository.ts';
import { createPdp, type Pdp } from './pdp/service.ts';
import { currentRoles } from './pdp/snapshot.ts';
import { createSubjects } from './pdp/subjects.ts';
import { createReplay } from './policies/replay.ts';
import { mountPolicyRoutes } from './policies/routes.ts';
import { createPolicies, type Policies } from './policies/service.ts';
import { createPolicyReader, createPolicySource } from './policies/source.ts';
import { type Assignments, createAssignments, requireUser } from './rbac/assignments.ts';
import { superAdmin } from './rbac/catalogue.ts';
import { effectiveOf, permissionNames, requireSnapshot } from './rbac/effective.ts';
import { type Changed, changeElsewhere, endAssignments } from './rbac/elsewhere.ts';
import { createGrants, type Grants } from './rbac/grants.ts';
import { createGrantWrites } from './rbac/grants-repository.ts';
import { outranks } from './rbac/ladder.ts';
import { mountPeopleRoutes } from './rbac/people-routes.ts';
import { createPermissions, type Permissions } from './rbac/permissions.ts';
import { createRoles, type Roles } from './rbac/roles.ts';
import { createPermissionRepository, createRoleRepository } from './rbac/roles-repository.ts';
import { mountRbacRoutes } from './rbac/routes.ts';
import type { AssignmentInput, EffectiveView } from './rbac/schema.ts';
import { seed } from './rbac/seed.ts';
import { type Caller, createBind, createInWork, type Transaction } from './rbac/transaction.ts';

export interface AuthzDeps {
  database: Database;
  clock: Clock;
  caches: Pick<Caches, 'cache' | 'invalidate'>;
  audit: (trx: Knex.Transaction) => AuditSink;
  buffer: AuditBuffer;
  issuer: string;
  /** Whose login name it is. */
  idOfLogin(login: string): Promise<string | undefined>;
}

/** What a person holds, for claims. */
export interface Entitlements {
  roles: string[];
  permissions: string[];
  groups: string[];
  organizations: { id: string; name: string }[];
}

/** What the routes call, for the pages of the administration. */
export interface AuthzServices {
  roles: Roles;
  permissions: Permissions;
  assignments: Assignments;
  grants: Grants;
  duties: Duties;
  policies: Policies;
  /** What a person holds, and by what. @throws user_not_found */
  effective(caller: Caller, userId: string): Promise<EffectiveView>;
}

/** `check` and `ruling`: the decision point within this process; warm, it asks nothing of the database. */
export interface Authz extends Pick<Pdp, 'check' | 'ruling'> {
  guard: Guard;
  /** The guard's answer without a trace: for what a page shows of other pages. */
  holds: Holds;
  services: AuthzServices;
  /** Goes ahead of the routes. */
  echoRequestId: typeof echoRequestId;
  entitlementsOf(userId: string): Promise<Entitlements>;
  /** Role names of a caller at this moment; a warm cache asks nothing of the database. */
  rolesOf(principal: Pick<Principal, 'type' | 'id'>): Promise<readonly string[]>;
  /** Whether the one holds all that the other holds, as who takes something from somebody must (AZ-04). */
  outranks(userId: string, otherId: string): Promise<boolean>;
  /** Of these names those that are no role of the deployment. */
  unknownRoles(names: readonly string[]): Promise<string[]>;
  /** Roles and permissions of this build; again changes nothing. @param routes access marks of the route table */
  seed(routes: readonly string[]): Promise<void>;
  /** Gives a role as the system does: bootstrap and command line. A role that is held stays. @throws role_not_found */
  assignAsSystem(trx: Transaction, userId: string, role: string): Promise<void>;
  /** Whether the caller could give the role there, to somebody who is not known yet. @throws role_not_found, grant_not_yours */
  requireGivable(trx: Transaction, caller: Caller, input: AssignmentInput): Promise<void>;
  /**
   * Gives a role within another room's transaction; who holds it already keeps it.
   * @throws role_not_found, grant_not_yours, duties_conflict
   */
  assignIn(trx: Transaction, caller: Caller, userId: string, input: AssignmentInput): Promise<void>;
  /**
   * For rooms that change what people hold within their own transaction: members and nesting of groups, imports, approvals, the status
   * of an account. Judges the change by the privilege ladder, keeps duties apart and the last SUPER_ADMIN there, and has the caches of
   * those named forget.
   * @throws grant_not_yours, duties_conflict, duties_override_refused, last_super_admin
   */
  change<Result>(
    trx: Transaction,
    caller: Caller,
    changed: Changed,
    run: () => Promise<Result>,
    overriding?: Override,
  ): Promise<Result>;
  /** Within `change`: what somebody was assigned in an organization that they leave. */
  endAssignments: typeof endAssignments;
  mount(admin: AdminRoutes): void;
}

/** For `seeds/`: the catalogue without the routes. */
export const seedAuthorization = (trx: Knex.Transaction, now: Date): Promise<void> =>
  setTenants(trx, 'all').then(() =>
    seed({
      roles: createRoleRepository(trx),
      permissions: createPermissionRepository(trx),
      write: createGrantWrites(trx),
      now,
      forget: async () => undefined,
    }),
  );

export const createAuthz = ({ database, clock, caches, audit, buffer, issuer, idOfLogin }: AuthzDeps): Authz => {
  const subjects = createSubjects({ database, caches });
  const bind = createBind({ clock, caches, audit, subjects });
  const inWork = createInWork(database, bind);
  const now = (): number => clock.now().getTime();
  const system = { actor: { type: 'system' }, scope: 'all' } as const;

  const assignmentsIn = (trx: Transaction, by: Caller) => createAssignments((_, run) => run(bind(trx, by)));

  const subjectOf = subjects.find;
  const policiesFor = createPolicySource({ database, caches });
  const search = createSearchRepository(database);
  const { rolesWith } = search;
  const clientOrganization = createClientOrganizations({ caches, find: search.clientOrganization });
  const guard = createGuard({ clock, subjectOf, policies: policiesFor, clientOrganization, audit: buffer });
  const entities = createEntitySource({ database, caches });
  const lookup = createLookup({ subjectOf, idOfLogin, entities });
  const pdp = createPdp({
    clock,
    holds: guard.hold,
    audit: buffer,
    policiesFor,
    lookup,
    stored: {
      allPolicies: createPolicyReader(database),
      subjectOf,
      rolesWith,
      search: createSearch({ clock, search, entities, lookup, policiesFor, subjectOf }),
    },
  });
  const services: AuthzServices = {
    roles: createRoles(inWork),
    permissions: createPermissions(inWork),
    assignments: createAssignments(inWork),
    grants: createGrants(inWork),
    duties: createDuties(inWork),
    policies: createPolicies({ inWork, replay: createReplay({ policiesFor, subjectOf, now }) }),
    effective: async (caller, userId) => {
      await inWork(caller, (work) => requireUser(work, caller, userId));
      return effectiveOf(requireSnapshot(await subjects.find(userId)), now(), caller.scope);
    },
  };

  return {
    guard,
    holds: guard.hold,
    services,
    echoRequestId,
    check: pdp.check,
    ruling: pdp.ruling,
    entitlementsOf: async (userId) => {
      const snapshot = await subjects.find(userId);
      if (!snapshot) return { roles: [], permissions: [], groups: [], organizations: [] };
      return {
        roles: currentRoles(snapshot, now()),
        permissions: permissionNames(snapshot, now()),
        groups: [...new Set(snapshot.groups.map(({ name }) => name))],
        organizations: [...snapshot.organizations],
      };
    },
    rolesOf: async ({ type, id }) => {
      const snapshot = type === 'user' ? await subjects.find(id) : undefined;
      return snapshot ? currentRoles(snapshot, now()) : [];
    },
    outranks: async (userId, otherId) => {
      const [one, other] = [await subjects.find(userId), await subjects.find(otherId)];
      return one !== undefined && other !== undefined && outranks(one, other, now());
    },
    unknownRoles: (names) =>
      inWork(system, async (work) => {
        const unknown: string[] = [];
        for (const name of new Set(names)) {
          const named = await work.roles.byName(name);
          if (!named.some((role) => role.organization_id === null)) unknown.push(name);
        }
        return unknown;
      }),
    seed: (routes) =>
      inWork(system, (work) =>
        seed(
          { ...work, write: createGrantWrites(work.trx) },
          routes.filter((route) => route.includes(':')),
        ),
      ),
    assignAsSystem: async (trx, userId, role) => {
      await setTenants(trx, system.scope);
      // A rule of duties does not lock the operator out; that it was passed over is in the log.
      const input = { role, reason: 'bootstrap', override: { reason: 'by the operator' } };
      await assignmentsIn(trx, system).assign(system, userId, input);
    },
    requireGivable: (trx, caller, input) => assignmentsIn(trx, caller).requireGivable(caller, input),
    assignIn: (trx, caller, userId, input) => assignmentsIn(trx, caller).assignOnce(caller, userId, input),
    endAssignments,
    change: (trx, caller, changed, run, overriding) => changeElsewhere(bind(trx, caller), caller.actor, changed, run, overriding),
    mount: (admin) => {
      mountRbacRoutes(admin, services);
      mountPeopleRoutes(admin, services);
      mountDutyRoutes(admin, services.duties);
      mountPolicyRoutes(admin, services.policies);
      mountEntityRoutes(admin, createEntities(inWork));
      mountDecisionRoutes(admin, pdp);
      mountAuthzenRoutes(admin, pdp, issuer);
    },
  };
};

export { directEvaluation } from './authzen/routes.ts';
export { RuleBody, reportView } from './duties/schema.ts';
export { ruleView } from './duties/service.ts';
export type { Explained } from './pdp/explain.ts';
export { CheckOne } from './pdp/schema.ts';
export { PolicyBody, TestBody } from './policies/schema.ts';
export { assignmentView } from './rbac/assignments.ts';
export { callerOf, type RouteCaller } from './rbac/caller.ts';
export { userPermissionView } from './rbac/grants.ts';
export { roleView } from './rbac/roles.ts';
export { AssignmentBody, GroupRoleBody, RoleBody, RoleQuery, UserPermissionBody } from './rbac/schema.ts';
export { superAdmin };
