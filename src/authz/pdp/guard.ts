import { currentScope } from '../../platform/logging/index.ts';
import type { AuditBuffer, Clock, Guard, PermissionScope, Principal } from '../../platform/ports.ts';
import { scopes } from '../rbac/permission.ts';
import { type PolicySet, policyApplies, policyData } from './decide.ts';
import { isCurrent, type Rule, type Snapshot } from './snapshot.ts';

/** How far a permission reaches, and in which organizations where it reaches no further. */
export interface Reach {
  scope: PermissionScope;
  organizationIds: readonly string[];
}

const breadth = ({ permission: { scope }, organizationId }: Rule): PermissionScope =>
  organizationId !== null && scope === 'any' ? 'organization' : scope;

/** The person whom a request is about, as far as a deny may depend on it. */
type Person = Pick<Snapshot, 'id' | 'organizationIds' | 'groupIds'>;

const share = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => [...a].some((id) => b.has(id));

const reaches = ({ permission: { scope } }: Rule, asker: Person, person: Person): boolean => {
  if (scope === 'any' || asker.id === person.id) return true;
  if (scope === 'own') return false;
  return scope === 'group' ? share(asker.groupIds, person.groupIds) : share(asker.organizationIds, person.organizationIds);
};

/**
 * The widest scope on which the subject holds it. A deny on some objects leaves others open: which, is judged by the person the request
 * is about; without one, any direct deny refuses.
 * @param now milliseconds since the epoch
 */
export const reachOf = (
  snapshot: Snapshot,
  [resource, action]: readonly [string, string],
  now: number,
  person?: Person,
): Reach | undefined => {
  const counts = (rule: Rule): boolean => isCurrent(rule, now);
  const entry = snapshot.entry(resource, action);
  const isDenied = entry.denies.some((rule) => counts(rule) && (!person || reaches(rule, snapshot, person)));
  if (!snapshot.isActive || isDenied) return undefined;
  const rules = [...entry.direct, ...entry.byRole].filter(counts);
  const scope = scopes.findLast((candidate) => rules.some((rule) => breadth(rule) === candidate));
  if (scope === undefined) return undefined;
  const wide = rules.filter((rule) => breadth(rule) === 'organization');
  const ids = wide.flatMap(({ organizationId }) => (organizationId === null ? [...snapshot.organizationIds] : [organizationId]));
  return { scope, organizationIds: [...new Set(ids)] };
};

export interface GuardDeps {
  clock: Clock;
  subjectOf(id: string): Promise<Snapshot | undefined>;
  policies(organizationId: string | undefined): Promise<PolicySet>;
  clientOrganization(clientId: string): Promise<string | null | undefined>;
  audit: AuditBuffer;
}

/** CONTRACT.md: a client with scope `authz` may ask about any subject of its tenants. Registering is a scope of its own: it moves decisions. */
const scopesOfClients = new Map([
  ['authz:check', 'authz'],
  ['authz:search', 'authz'],
  ['entity:read', 'authz_entities'],
  ['entity:update', 'authz_entities'],
  ['entity:delete', 'authz_entities'],
]);

/** What the guard of routes asks, without an event: the decision point notes what it decides. */
export type Holds = (principal: Principal, permission: string, personId?: string) => Promise<Reach | undefined>;

export const createGuard = ({ clock, subjectOf, policies, clientOrganization, audit }: GuardDeps): Guard & { hold: Holds } => {
  const ofClient = async ({ clientId, scopes: granted }: Principal, permission: string): Promise<Reach | undefined> => {
    const needed = scopesOfClients.get(permission);
    if (needed === undefined || !granted.has(needed)) return undefined;
    const organizationId = await clientOrganization(clientId);
    if (organizationId === undefined) return undefined;
    return organizationId === null
      ? { scope: 'any', organizationIds: [] }
      : { scope: 'organization', organizationIds: [organizationId] };
  };

  /** The deployment's deny policies hold here too, but none may keep anybody from taking a policy back. */
  const isForbidden = async (snapshot: Snapshot, principal: Principal, resource: string, action: string): Promise<boolean> => {
    if (resource === 'policy') return false;
    const candidates = (await policies(undefined)).matching(resource, action);
    if (candidates.length === 0) return false;
    const { acr, amr } = principal;
    const question = { action, resource: { type: resource }, context: { ip: currentScope()?.ip, acr, amr } };
    const data = policyData(snapshot, question, clock.now().getTime());
    return candidates.find((policy) => policyApplies(policy, question, data))?.effect === 'deny';
  };

  const personOf = async (id: string | undefined): Promise<Person | undefined> =>
    id === undefined
      ? undefined
      : ((await subjectOf(id)) ?? { id, organizationIds: new Set<string>(), groupIds: new Set<string>() });

  const ofUser = async (principal: Principal, permission: string, personId: string | undefined): Promise<Reach | undefined> => {
    const [resource = '', action = ''] = permission.split(':');
    const snapshot = await subjectOf(principal.id);
    const reach = snapshot && reachOf(snapshot, [resource, action], clock.now().getTime(), await personOf(personId));
    return reach && !(await isForbidden(snapshot, principal, resource, action)) ? reach : undefined;
  };

  const hold: Holds = (principal, permission, personId) =>
    principal.type === 'client' ? ofClient(principal, permission) : ofUser(principal, permission, personId);

  return {
    hold,
    reach: async (principal, permission, personId) => {
      const reach = await hold(principal, permission, personId);
      // The denied event is the boundary's: it knows the route.
      if (reach) {
        const [resource = '', action = ''] = permission.split(':');
        audit.note({
          type: 'authz.decision',
          outcome: 'success',
          actor: { type: principal.type, id: principal.id },
          subjectId: principal.type === 'user' ? principal.id : undefined,
          clientId: principal.clientId,
          details: { action, resource, allowed: true, reason: reach.scope },
        });
      }
      return reach?.scope;
    },
    organizations: async (principal, permission, personId) =>
      (await hold(principal, permission, personId))?.organizationIds ?? [],
  };
};
