/** Changes of what people hold that other rooms make within their own transactions. */
import { withTenants } from '../../platform/db/index.ts';
import type { Actor } from '../../platform/ports.ts';
import type { Override } from '../duties/check.ts';
import type { Snapshot } from '../pdp/snapshot.ts';
import { tags } from '../pdp/subjects.ts';
import { createAssignmentRepository } from './assignments-repository.ts';
import { createGrantWrites } from './grants-repository.ts';
import { type GroupGift, giftsOfGroups } from './group-gifts-repository.ts';
import { differenceOf, type Gift } from './ladder.ts';
import { parsePermission } from './permission.ts';
import type { Transaction, Work } from './transaction.ts';

/** Whose rights another room changes: people (membership, status), groups (nesting, what they are bound to). */
export interface Changed {
  userIds?: readonly string[] | undefined;
  groupIds?: readonly string[] | undefined;
}

/** What the people and groups of a change hold, as the transaction sees it at one moment. */
interface Held {
  people: Map<string, Snapshot | undefined>;
  groups: GroupGift[];
}

const heldIn = (work: Work, { userIds = [], groupIds = [] }: Changed): Promise<Held> =>
  withTenants(work.trx, 'all', async () => {
    const people = new Map<string, Snapshot | undefined>();
    // One after the other: they share a connection.
    for (const id of userIds) people.set(id, await work.holder(id));
    return { people, groups: await giftsOfGroups(work.trx, groupIds) };
  });

const keyOf = ({ subject, permission, organizationId, groupId }: GroupGift): string =>
  [subject, permission, organizationId, groupId].join(' ');

/** Rights that groups bring to their members, there before or after but not both; nesting gives what comes and takes what goes. */
const groupDifference = (before: readonly GroupGift[], after: readonly GroupGift[], now: number): Gift[] => {
  const without = (rows: readonly GroupGift[], others: readonly GroupGift[]): GroupGift[] => {
    const known = new Set(others.map(keyOf));
    return rows.filter((row) => !known.has(keyOf(row)));
  };
  const gifts = (rows: readonly GroupGift[], expiresAt: number): Gift[] =>
    rows.flatMap(({ permission: name, organizationId, groupId }) => {
      const permission = parsePermission(name);
      return permission ? [{ permission, organizationId, groupId: groupId ?? undefined, expiresAt }] : [];
    });
  return [...gifts(without(after, before), Number.POSITIVE_INFINITY), ...gifts(without(before, after), now)];
};

/** What the caller must be able to give: all that comes, and all that goes from others (AZ-04). */
const judged = (before: Held, after: Held, actorId: string | undefined, now: number): Gift[] => {
  const people = [...after.people].flatMap(([id, holder]) => {
    const { given, taken } = differenceOf(before.people.get(id), holder, now);
    return id === actorId ? given : [...given, ...taken];
  });
  return [...people, ...groupDifference(before.groups, after.groups, now)];
};

/**
 * A change that another room makes within its own transaction: members of groups and organizations, nesting, imports, approvals, the
 * status of an account. The ladder is judged by what the caller held before.
 * @throws grant_not_yours (AZ-03, AZ-04), duties_conflict, duties_override_refused, last_super_admin
 */
export const changeElsewhere = async <Result>(
  work: Work,
  { type, id: actorId }: Actor,
  changed: Changed,
  run: () => Promise<Result>,
  overriding?: Override,
): Promise<Result> => {
  const { trx, now } = work;
  const { userIds = [], groupIds = [] } = changed;
  const judging = async (): Promise<Result> => {
    await withTenants(trx, 'all', () => work.giver());
    const before = await heldIn(work, changed);
    const result = await run();
    await work.requireGifts(judged(before, await heldIn(work, changed), actorId, now.getTime()));
    return result;
  };
  return await work.change(
    groupIds.length > 0 ? 'all' : userIds,
    async () => {
      // The system gives as it likes.
      const result = await (type === 'system' ? run() : judging());
      await work.forget(...userIds.map(tags.user), ...groupIds.map(tags.group));
      return result;
    },
    overriding,
  );
};

/** For what runs within `changeElsewhere`: somebody leaves an organization. @param trx with its tenants set */
export const endAssignments = async (trx: Transaction, userId: string, organizationId: string): Promise<void> => {
  const own = await createAssignmentRepository(trx).ofUser(userId);
  const there = own.filter((row) => row.organization_id === organizationId).map(({ id }) => id);
  if (there.length > 0) await createGrantWrites(trx).unassign(there);
};
