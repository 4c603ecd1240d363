/**
 * Which rights that a rule keeps apart are held together, by whom, and when: pure functions over holdings. Two rights meet when their
 * times do and both count in one place: rights in two different organizations never act on the same object.
 */

export interface Rule {
  id: string;
  name: string;
  organizationId: string | null;
  /** How many of its members one person may hold at a time. */
  maxHeld: number;
}

/** By what somebody holds one member of a rule. */
export interface Holding {
  ruleId: string;
  userId: string;
  /** `role:ID` or `permission:NAME`. */
  member: string;
  label: string;
  /** Everywhere where `null`. */
  organizationId: string | null;
  /** Milliseconds since the epoch. */
  startsAt: number;
  expiresAt: number;
  kind: 'direct' | 'role' | 'group' | 'default';
  /** Id of the grant, the assignment or the group. */
  ref: string;
  /** From the role assigned up to the one that is meant. */
  rolePath: readonly string[];
  /** From the group the person is in up to the one that has the role. */
  groupPath: readonly string[];
}

export interface Conflict {
  rule: Rule;
  userId: string;
  /** Where they meet; everywhere where `null`. */
  organizationId: string | null;
  /** When they first meet, not before now; milliseconds since the epoch. */
  from: number;
  members: readonly string[];
  holdings: readonly Holding[];
}

const heldAt = (holdings: readonly Holding[], organizationId: string | null, at: number): Holding[] =>
  holdings.filter(
    (holding) =>
      (holding.organizationId === null || holding.organizationId === organizationId) &&
      holding.startsAt <= at &&
      at < holding.expiresAt,
  );

const membersOf = (holdings: readonly Holding[]): Set<string> => new Set(holdings.map(({ member }) => member));

/** What counts everywhere first: what meets there need not be said again for each organization. */
const placesOf = (holdings: readonly Holding[]): (string | null)[] => [
  ...new Set([null, ...holdings.map(({ organizationId }) => organizationId)]),
];

const isWithin = (inner: ReadonlySet<string>, outer: ReadonlySet<string>): boolean => [...inner].every((one) => outer.has(one));

/** Every moment at which more may be held than before: starts now, and ends of then. */
const momentsOf = (before: readonly Holding[], after: readonly Holding[], now: number): number[] => {
  const all = [now, ...after.map(({ startsAt }) => startsAt), ...before.map(({ expiresAt }) => expiresAt)];
  return [...new Set(all)].filter((at) => at >= now && Number.isFinite(at)).sort((a, b) => a - b);
};

/**
 * Conflicts of one person with one rule that were not there before: at some moment more members meet than may, and not all of them
 * did at that moment before.
 * @param before empty where the person was in no conflict with the rule
 */
export const newConflicts = (
  rule: Rule,
  before: readonly Holding[],
  after: readonly Holding[],
  now: number,
): readonly Conflict[] => {
  const found: Conflict[] = [];
  for (const organizationId of placesOf(after)) {
    for (const at of momentsOf(before, after, now)) {
      const holdings = heldAt(after, organizationId, at);
      const members = membersOf(holdings);
      const isOld = members.size <= rule.maxHeld || isWithin(members, membersOf(heldAt(before, organizationId, at)));
      if (isOld || found.some((conflict) => isWithin(members, new Set(conflict.members)))) continue;
      const userId = holdings[0]?.userId ?? '';
      found.push({ rule, userId, organizationId, from: at, members: [...members].sort(), holdings });
    }
  }
  return found;
};

/** Holdings by person and rule. */
export const grouped = (holdings: readonly Holding[]): Map<string, Holding[]> => {
  const groups = new Map<string, Holding[]>();
  for (const holding of holdings) {
    const key = `${holding.userId} ${holding.ruleId}`;
    const group = groups.get(key) ?? [];
    group.push(holding);
    groups.set(key, group);
  }
  return groups;
};
