import type { TenantScope } from '../../platform/db/index.ts';
import { errors } from '../errors.ts';
import { seenFrom } from '../pdp/seen.ts';
import { currentRoles, type HeldRole, isCurrent, type Rule, type Snapshot } from '../pdp/snapshot.ts';
import { nameOf, type Permission } from './permission.ts';
import type { EffectiveView } from './schema.ts';

const moment = (at: number): string | null => (Number.isFinite(at) && at > 0 ? new Date(at).toISOString() : null);

const viaOf = ({ via, organizationId, startsAt, expiresAt }: Rule): EffectiveView['permissions'][number]['via'][number] => ({
  kind: via.kind,
  ref: via.ref,
  rolePath: [...via.rolePath],
  groupPath: [...via.groupPath],
  organizationId,
  startsAt: moment(startsAt),
  expiresAt: moment(expiresAt),
});

const eligibleOf = ({ id, name, assignment, startsAt, expiresAt }: HeldRole): EffectiveView['eligible'][number] => ({
  id: assignment.id,
  role: { id, name },
  organizationId: assignment.organizationId,
  startsAt: moment(startsAt),
  expiresAt: moment(expiresAt),
});

/**
 * What somebody holds at this moment, and by what.
 * @param now milliseconds since the epoch
 * @param scope whose rights may be seen: in these organizations and everywhere (TN-03)
 */
export const effectiveOf = (held: Snapshot, now: number, scope: TenantScope = 'all'): EffectiveView => {
  const snapshot = scope === 'all' ? held : seenFrom(held, scope);
  const byName = new Map<string, EffectiveView['permissions'][number]>();
  const rules = snapshot.isActive ? snapshot.rules().filter((rule) => isCurrent(rule, now)) : [];
  for (const rule of rules) {
    const permission = nameOf(rule.permission);
    const entry = byName.get(`${permission} ${rule.effect}`) ?? { permission, effect: rule.effect, via: [] };
    entry.via.push(viaOf(rule));
    byName.set(`${permission} ${rule.effect}`, entry);
  }
  const permissions = [...byName.values()].sort((a, b) => (a.permission < b.permission ? -1 : 1));
  const eligible = snapshot.eligible.filter((role) => now < role.expiresAt);
  return { roles: currentRoles(snapshot, now), permissions, eligible: eligible.map(eligibleOf) };
};

const takesAll = (deny: Permission, allowed: Permission): boolean =>
  (deny.resource === '*' || deny.resource === allowed.resource) &&
  (deny.action === '*' || deny.action === allowed.action) &&
  (deny.scope === 'any' || deny.scope === allowed.scope);

/** Names of what is allowed and not wholly taken by a direct deny (AZ-06); for claims. */
export const permissionNames = (snapshot: Snapshot, now: number): string[] => {
  if (!snapshot.isActive) return [];
  const rules = snapshot.rules().filter((rule) => isCurrent(rule, now));
  const denies = rules.filter(({ effect }) => effect === 'deny');
  const allowed = rules.filter(
    ({ effect, permission }) => effect === 'allow' && !denies.some((deny) => takesAll(deny.permission, permission)),
  );
  return [...new Set(allowed.map(({ permission }) => nameOf(permission)))].sort();
};

export const requireSnapshot = (snapshot: Snapshot | undefined): Snapshot => {
  if (!snapshot) throw errors.user_not_found();
  return snapshot;
};
