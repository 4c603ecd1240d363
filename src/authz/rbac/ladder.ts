import { isCurrent, type Rule, type Snapshot } from '../pdp/snapshot.ts';
import { overlaps, type Permission, scopes } from './permission.ts';

/** What somebody wants to give: where it would count, and until when. */
export interface Gift {
  permission: Permission;
  /** Everywhere where `null`. */
  organizationId: string | null;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

const covers = (rule: Rule, { permission, organizationId, expiresAt }: Gift): boolean => {
  const isAsWide = scopes.indexOf(rule.permission.scope) >= scopes.indexOf(permission.scope);
  const isThere = rule.organizationId === null || rule.organizationId === organizationId;
  // Who holds something for a while does not give it for longer.
  return isAsWide && isThere && rule.expiresAt >= expiresAt;
};

/**
 * Nobody gives what he does not hold (AZ-03). What policies allow is not held.
 * @param now milliseconds since the epoch
 */
export const mayGive = (giver: Snapshot, gift: Gift, now: number): boolean => {
  if (!giver.isActive) return false;
  const { permission } = gift;
  const current = (rule: Rule): boolean => isCurrent(rule, now);
  // The entry of `*` holds only what is itself given for `*`.
  const { direct, byRole } = giver.entry(permission.resource, permission.action);
  if (![...direct, ...byRole].some((rule) => current(rule) && covers(rule, gift))) return false;
  return !giver.rules().some((rule) => rule.effect === 'deny' && current(rule) && overlaps(rule.permission, permission));
};

/** Whether the giver holds all that the other holds: what may be taken from somebody by whom. */
export const outranks = (giver: Snapshot, other: Snapshot, now: number): boolean =>
  other
    .rules()
    .filter(({ effect, expiresAt }) => effect === 'allow' && expiresAt > now)
    .every(({ permission, organizationId }) => mayGive(giver, { permission, organizationId, expiresAt: now }, now));
