import { isCurrent, type Rule, type Snapshot } from '../pdp/snapshot.ts';
import { nameOf, overlaps, type Permission, scopes } from './permission.ts';

/** What somebody wants to give: where it would count, and until when. */
export interface Gift {
  permission: Permission;
  /** Everywhere where `null`. */
  organizationId: string | null;
  /** The one group in which a right of scope `group` comes to count; every group of its holder where absent. */
  groupId?: string | undefined;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

type Reach = (rule: Rule, gift: Gift, giver: Snapshot) => boolean;

const isThere = ({ organizationId }: Rule, gift: Gift): boolean =>
  organizationId === null || organizationId === gift.organizationId;

// A right of scope `organization` or `group` that is given everywhere counts wherever its holder is or comes to be, so only who holds it
// everywhere gives it so; where it counts in one place, who holds it in that place.
const reaching: Record<Rule['permission']['scope'], Reach> = {
  any: isThere,
  organization: (rule, { permission: { scope }, organizationId }, giver) =>
    scope === 'own' ||
    (organizationId !== null &&
      (rule.organizationId ?? organizationId) === organizationId &&
      giver.organizationIds.has(organizationId)),
  group: (rule, gift, giver) =>
    gift.permission.scope === 'own' || (gift.groupId !== undefined && isThere(rule, gift) && giver.groupIds.has(gift.groupId)),
  // What is one's own is everybody's own.
  own: isThere,
};

const covers = (rule: Rule, gift: Gift, giver: Snapshot): boolean => {
  const { scope } = rule.permission;
  const isAsWide = scopes.indexOf(scope) >= scopes.indexOf(gift.permission.scope);
  // Who holds something for a while does not give it for longer.
  return isAsWide && reaching[scope](rule, gift, giver) && rule.expiresAt >= gift.expiresAt;
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
  if (![...direct, ...byRole].some((rule) => current(rule) && covers(rule, gift, giver))) return false;
  return !giver.rules().some((rule) => rule.effect === 'deny' && current(rule) && overlaps(rule.permission, permission));
};

/** Where a rule counts for its holder as things are. */
const placesOf = ({ permission, organizationId, expiresAt }: Rule, holder: Snapshot): Gift[] => {
  const everywhere = { permission, organizationId, expiresAt };
  if (permission.scope === 'group') {
    return holder.groups
      .filter((group) => organizationId === null || group.organizationId === organizationId)
      .map((group) => ({ ...everywhere, organizationId: group.organizationId, groupId: group.id }));
  }
  if (permission.scope !== 'organization' || organizationId !== null) return [everywhere];
  return [...holder.organizationIds].map((id) => ({ ...everywhere, organizationId: id }));
};

interface Placed {
  effect: Rule['effect'];
  gift: Gift;
}

/** By path, right and place: the same right by another path is another, since it stays when the first goes. */
const placed = (holder: Snapshot | undefined): Map<string, Placed> => {
  const found = new Map<string, Placed>();
  for (const rule of holder?.isActive ? holder.rules() : []) {
    for (const gift of placesOf(rule, holder as Snapshot)) {
      const path = [rule.via.kind, rule.via.ref, rule.effect, nameOf(gift.permission)];
      found.set([...path, gift.organizationId, gift.groupId, gift.expiresAt].join(' '), { effect: rule.effect, gift });
    }
  }
  return found;
};

/**
 * What a change of one person's rights, groups, organizations or status gives and takes, place by place: a right of scope `organization`
 * comes to count where its holder becomes a member.
 * @param now milliseconds since the epoch
 */
export const differenceOf = (
  before: Snapshot | undefined,
  after: Snapshot | undefined,
  now: number,
): { given: Gift[]; taken: Gift[] } => {
  const [then, later] = [placed(before), placed(after)];
  const come = [...later].flatMap(([key, one]) => (then.has(key) ? [] : [one]));
  const gone = [...then].flatMap(([key, one]) => (later.has(key) ? [] : [one]));
  const of = (ones: readonly Placed[], wanted: Rule['effect']): Gift[] =>
    ones.flatMap(({ effect, gift }) => (effect === wanted ? [gift] : []));
  // A deny that goes gives, and one that comes takes; what is taken need be held at this moment only.
  const taken = [...of(gone, 'allow'), ...of(come, 'deny')].map((gift) => ({ ...gift, expiresAt: now }));
  return { given: [...of(come, 'allow'), ...of(gone, 'deny')], taken };
};

/** Whether the giver holds all that the other holds: what may be taken from somebody by whom. */
export const outranks = (giver: Snapshot, other: Snapshot, now: number): boolean =>
  other
    .rules()
    .filter(({ effect, expiresAt }) => effect === 'allow' && expiresAt > now)
    .flatMap((rule) => placesOf(rule, other))
    .every((gift) => mayGive(giver, { ...gift, expiresAt: now }, now));
