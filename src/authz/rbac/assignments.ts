import { isUuid, uuidv7 } from '../../platform/crypto/index.ts';
import { Refusal, errors as shared } from '../../platform/errors/index.ts';
import { errors } from '../errors.ts';
import { tags } from '../pdp/subjects.ts';
import type { AssignmentRow } from './assignments-repository.ts';
import type { GrantWrites } from './grants-repository.ts';
import { organizationFor } from './roles.ts';
import type { RoleRecord } from './roles-repository.ts';
import type { AssignmentInput, AssignmentView } from './schema.ts';
import { type Caller, findRole, type InWork, type Work } from './transaction.ts';

const iso = (time: Date | null): string | null => time?.toISOString() ?? null;

export const assignmentView = (row: AssignmentRow): AssignmentView => ({
  id: row.id,
  userId: row.user_id,
  role: { id: row.role_id, name: row.role_name },
  organizationId: row.organization_id,
  eligible: row.is_eligible,
  startsAt: iso(row.starts_at),
  expiresAt: iso(row.expires_at),
  reason: row.reason,
  grantedBy: row.granted_by,
  createdAt: row.created_at.toISOString(),
});

export interface Span {
  starts_at: Date | null;
  expires_at: Date | null;
}

/** @throws invalid_request for an end that is not after the start, or not ahead */
export const spanOf = (
  { startsAt, expiresAt }: { startsAt?: string | undefined; expiresAt?: string | undefined },
  now: Date,
): Span => {
  const starts = startsAt === undefined ? null : new Date(startsAt);
  const expires = expiresAt === undefined ? null : new Date(expiresAt);
  const refuse = (message: string) => shared.invalid_request({ errors: [{ path: '/expiresAt', message }] });
  if (expires && expires <= now) throw refuse('lies in the past');
  if (starts && expires && expires <= starts) throw refuse('is not after startsAt');
  return { starts_at: starts, expires_at: expires };
};

/** @throws user_not_found, also for people of other organizations (TN-01) */
export const requireUser = async ({ assignments }: Work, { scope }: Caller, userId: string): Promise<void> => {
  if (!(await assignments.seesUser(userId, scope))) throw errors.user_not_found();
};

/** Of many people the one who stands in the way. */
const rethrowAt = (error: unknown, path: string): never => {
  if (!(error instanceof Refusal) || error.errors.length > 0) throw error;
  const { code, status, title, detail, extensions } = error;
  throw new Refusal({ code, status, title, detail, extensions, errors: [{ path, message: title }] });
};

const grantedBy = ({ actor }: Caller): string | null => (actor.type === 'user' ? (actor.id ?? null) : null);

export const createAssignments = (inWork: InWork) => {
  const target = async (work: Work, caller: Caller, input: AssignmentInput) => {
    const organizationId = organizationFor(caller, input.organizationId);
    const role = await findRole(work, input.role, organizationId);
    // A role of one organization counts there and nowhere else (TN-04).
    if (role.organization_id !== null && organizationId !== null && role.organization_id !== organizationId)
      throw errors.role_not_found();
    return { role, organizationId: organizationId ?? role.organization_id };
  };

  const insert = async (
    work: Work,
    write: GrantWrites,
    caller: Caller,
    userId: string,
    role: RoleRecord,
    organizationId: string | null,
    input: Omit<AssignmentInput, 'role'>,
  ): Promise<AssignmentRow> => {
    await requireUser(work, caller, userId);
    if (organizationId !== null && !(await work.assignments.isMember(userId, organizationId))) {
      throw shared.invalid_request({ errors: [{ path: '/organizationId', message: 'this person is not a member of it' }] });
    }
    const span = spanOf(input, work.now);
    const { reason = null, eligible = false } = input;
    const met = await work.assignments.meeting(userId, role.id, organizationId, eligible, span);
    if (met !== undefined)
      throw errors.assignment_exists({ detail: `Assignment ${met} counts within that time`, extensions: { assignmentId: met } });
    const row = {
      id: uuidv7(work.now),
      user_id: userId,
      role_id: role.id,
      organization_id: organizationId,
      is_eligible: eligible,
      ...span,
      reason,
      granted_by: grantedBy(caller),
      created_at: work.now,
    };
    await write.assign(row);
    await work.audit.record({
      type: 'rbac.role_assigned',
      outcome: 'success',
      actor: caller.actor,
      subjectId: userId,
      organizationId: organizationId ?? undefined,
      target: { type: 'role', id: role.id },
      reason: reason ?? undefined,
      details: { role: role.name, expiresAt: span.expires_at?.toISOString() },
    });
    await work.forget(tags.user(userId));
    return { ...row, role_name: role.name };
  };

  const giveTo = async (
    work: Work,
    caller: Caller,
    userIds: readonly string[],
    input: AssignmentInput,
  ): Promise<AssignmentRow[]> => {
    const { role, organizationId } = await target(work, caller, input);
    const isMany = userIds.length > 1;
    await work.requireGift(await work.permissionsOfRole(role.id), organizationId, spanOf(input, work.now).expires_at);
    const giveAll = async (write: GrantWrites): Promise<AssignmentRow[]> => {
      const rows: AssignmentRow[] = [];
      for (const [index, userId] of userIds.entries()) {
        const row = insert(work, write, caller, userId, role, organizationId, input);
        rows.push(await (isMany ? row.catch((error: unknown) => rethrowAt(error, `/userIds/${index}`)) : row));
      }
      return rows;
    };
    return await work.change(userIds, giveAll, input.override);
  };

  /** Of one role or assignment, as the path names it. */
  const matchingOf = async (work: Work, userId: string, reference: string, organizationId: string | undefined) => {
    const own = await work.assignments.ofUser(userId);
    const matches = (row: AssignmentRow): boolean =>
      (isUuid(reference) ? row.role_id === reference || row.id === reference : row.role_name === reference) &&
      (organizationId === undefined || row.organization_id === organizationId);
    return own.filter(matches);
  };

  /** What counts everywhere is seen by an organization's administrator, but is not theirs to take. */
  const theirs = ({ scope }: Caller, found: AssignmentRow[]): AssignmentRow[] => {
    if (found.length === 0) throw errors.assignment_not_found();
    const rows = scope === 'all' ? found : found.filter((row) => scope.includes(row.organization_id ?? ''));
    if (rows.length === 0) throw errors.grant_not_yours();
    return rows;
  };

  const take = async (work: Work, caller: Caller, userId: string, reference: string, organizationId: string | undefined) => {
    await requireUser(work, caller, userId);
    const rows = theirs(caller, await matchingOf(work, userId, reference, organizationId));
    for (const row of rows) await work.requireGift(await work.permissionsOfRole(row.role_id), row.organization_id, work.now);
    await work.change([userId], (write) => write.unassign(rows.map(({ id }) => id)));
    for (const row of rows) {
      await work.audit.record({
        type: 'rbac.role_unassigned',
        outcome: 'success',
        actor: caller.actor,
        subjectId: userId,
        organizationId: row.organization_id ?? undefined,
        target: { type: 'role', id: row.role_id },
        details: { role: row.role_name },
      });
    }
    await work.forget(tags.user(userId));
  };

  return {
    /** @throws user_not_found */
    ofUser: (caller: Caller, userId: string): Promise<AssignmentRow[]> =>
      inWork(caller, async (work) => {
        await requireUser(work, caller, userId);
        return await work.assignments.ofUser(userId);
      }),
    /** What these people hold in one organization; nothing in one that the caller does not act in (TN-01). */
    inOrganization: async (caller: Caller, organizationId: string, userIds: readonly string[]): Promise<AssignmentRow[]> => {
      const isTheirs = caller.scope === 'all' || caller.scope.includes(organizationId);
      return isTheirs ? inWork(caller, (work) => work.assignments.inOrganization(organizationId, userIds)) : [];
    },
    members: (caller: Caller, reference: string, limit: number, after: string | undefined) =>
      inWork(caller, async (work) => work.assignments.ofRole((await findRole(work, reference)).id, caller.scope, limit, after)),
    /** @throws user_not_found, role_not_found, organization_not_found, grant_not_yours, assignment_exists, conflict of duties */
    assign: (caller: Caller, userId: string, input: AssignmentInput): Promise<AssignmentRow> =>
      inWork(caller, async (work) => (await giveTo(work, caller, [userId], input))[0] as AssignmentRow),
    /** Whether it could be given there, to somebody who is not known yet. @throws role_not_found, grant_not_yours */
    requireGivable: (caller: Caller, input: AssignmentInput): Promise<void> =>
      inWork(caller, async (work) => {
        const { role, organizationId } = await target(work, caller, input);
        await work.requireGift(await work.permissionsOfRole(role.id), organizationId, spanOf(input, work.now).expires_at);
      }),
    /** As `assign`; who holds it already keeps it. */
    assignOnce: (caller: Caller, userId: string, input: AssignmentInput): Promise<void> =>
      inWork(caller, async (work) => {
        const { role, organizationId } = await target(work, caller, input);
        const always = { starts_at: null, expires_at: null };
        const held = await work.assignments.meeting(userId, role.id, organizationId, false, always);
        if (held === undefined) await giveTo(work, caller, [userId], input);
      }),
    /** All or none. */
    assignMany: (caller: Caller, userIds: readonly string[], input: AssignmentInput): Promise<AssignmentRow[]> =>
      inWork(caller, (work) => giveTo(work, caller, userIds, input)),
    /** @throws user_not_found, assignment_not_found, grant_not_yours, last_super_admin */
    unassign: (caller: Caller, userId: string, reference: string, organizationId: string | undefined): Promise<void> =>
      inWork(caller, (work) => take(work, caller, userId, reference, organizationId)),
  };
};

export type Assignments = ReturnType<typeof createAssignments>;
