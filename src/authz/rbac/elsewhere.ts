/** Changes of what people hold that other rooms make within their own transactions. */
import { withTenants } from '../../platform/db/index.ts';
import type { Override } from '../duties/check.ts';
import { tags } from '../pdp/subjects.ts';
import { createAssignmentRepository } from './assignments-repository.ts';
import { createGrantWrites, type HeldRow, heldBy } from './grants-repository.ts';
import type { Transaction, Work } from './transaction.ts';

const keyOf = ({ subject, roleId, permission, effect, organizationId, expiresAt, status }: HeldRow): string =>
  [subject, roleId, permission, effect, organizationId, expiresAt?.getTime(), status === 'active' || status === null].join(' ');

const without = (rows: readonly HeldRow[], others: readonly HeldRow[]): HeldRow[] => {
  const known = new Set(others.map(keyOf));
  return rows.filter((row) => !known.has(keyOf(row)));
};

/** Whose rights another room changes: people (membership, status), groups (nesting, what they are bound to). */
export interface Changed {
  userIds?: readonly string[] | undefined;
  groupIds?: readonly string[] | undefined;
}

/** Until when a right must be held by who gives or takes it: a deny that comes takes, and one that goes gives. */
const untilOf = ({ effect, expiresAt }: HeldRow, isTaken: boolean, now: Date): Date | null =>
  isTaken === (effect === 'allow') ? now : expiresAt;

/** What the caller must be able to give: all that comes, and all that goes from others (AZ-04). */
const requireDifference = async (work: Work, actorId: string | undefined, gone: HeldRow[], come: HeldRow[]): Promise<void> => {
  const taken = gone.filter(({ subject }) => subject !== actorId).map((row) => ({ row, until: untilOf(row, true, work.now) }));
  const given = come.map((row) => ({ row, until: untilOf(row, false, work.now) }));
  const keyed = [...given, ...taken].map((gift) => {
    const { roleId, permission, organizationId } = gift.row;
    return [[roleId, permission, organizationId, gift.until?.getTime()].join(' '), gift] as const;
  });
  for (const { row, until } of new Map(keyed).values()) {
    const names = row.roleId === null ? [row.permission ?? ''] : await work.permissionsOfRole(row.roleId);
    await work.requireGift(names, row.organizationId, until);
  }
};

/**
 * A change that another room makes within its own transaction: members and nesting of groups, imports, approvals, the status of an
 * account. The ladder is judged by what the caller held before.
 * @throws grant_not_yours (AZ-03, AZ-04), duties_conflict, duties_override_refused, last_super_admin
 */
export const changeElsewhere = async <Result>(
  work: Work,
  actorId: string | undefined,
  { userIds = [], groupIds = [] }: Changed,
  run: () => Promise<Result>,
  overriding?: Override,
): Promise<Result> => {
  const { trx } = work;
  const held = (): Promise<HeldRow[]> => withTenants(trx, 'all', () => heldBy(trx, userIds, groupIds));
  return await work.change(
    groupIds.length > 0 ? 'all' : userIds,
    async () => {
      await withTenants(trx, 'all', () => work.giver());
      const before = await held();
      const result = await run();
      const after = await held();
      await withTenants(trx, 'all', () => requireDifference(work, actorId, without(before, after), without(after, before)));
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
