/** Direct permissions of people, and roles of groups. */
import { uuidv7 } from '../../platform/crypto/index.ts';
import { errors } from '../errors.ts';
import { tags } from '../pdp/subjects.ts';
import { requireAnotherSuperAdmin, requireUser, spanOf } from './assignments.ts';
import type { GroupRow, UserPermissionRow } from './assignments-repository.ts';
import { outranks } from './ladder.ts';
import { nameOf, parsePermission } from './permission.ts';
import { permissionIds } from './roles.ts';
import type { UserPermissionInput, UserPermissionView } from './schema.ts';
import { type Caller, findRole, type InWork, isId, type Work } from './transaction.ts';

const iso = (time: Date | null): string | null => time?.toISOString() ?? null;

export const userPermissionView = (row: UserPermissionRow): UserPermissionView => ({
  id: row.id,
  userId: row.user_id,
  permission: row.permission_name,
  effect: row.effect,
  startsAt: iso(row.starts_at),
  expiresAt: iso(row.expires_at),
  reason: row.reason,
  grantedBy: row.granted_by,
  createdAt: row.created_at.toISOString(),
});

/** A direct permission counts everywhere, so it is not an organization's to give. */
const requireEverywhere = ({ scope }: Caller): void => {
  if (scope !== 'all')
    throw errors.grant_not_yours({ detail: 'A direct permission counts in every organization; give a role in yours' });
};

const findPermission = async (work: Work, reference: string): Promise<string> => {
  if (!isId(reference)) {
    const parsed = parsePermission(reference);
    if (!parsed) throw errors.permission_unknown({ errors: [{ path: '/permission', message: 'must be resource:action:scope' }] });
    return nameOf(parsed);
  }
  const found = await work.permissions.find({ id: reference });
  if (!found) throw errors.permission_not_found();
  return found.name;
};

export const createGrants = (inWork: InWork) => {
  /** Who may not be brought down: those who hold more than the caller (a deny is an attack on them), and the last of all. */
  const requireMayDeny = async (work: Work, caller: Caller, userId: string): Promise<void> => {
    if (caller.actor.type !== 'system') {
      const [giver, other] = [await work.giver(), await work.subject(userId)];
      if (!giver || !other || !outranks(giver, other, work.now.getTime())) throw errors.grant_not_yours();
    }
    await requireAnotherSuperAdmin(work, userId);
  };

  const give = async (work: Work, caller: Caller, userId: string, input: UserPermissionInput): Promise<UserPermissionRow> => {
    requireEverywhere(caller);
    await requireUser(work, caller, userId);
    const { effect = 'allow', reason = null } = input;
    const name = await findPermission(work, input.permission);
    const span = spanOf(input, work.now);
    await work.requireGift([name], null, effect === 'allow' ? span.expires_at : work.now);
    if (effect === 'deny') await requireMayDeny(work, caller, userId);
    await work.trx.raw('select pg_advisory_xact_lock(hashtextextended(?, 70))', [userId]);
    const [permissionId = ''] = await permissionIds(work, [name], false);
    if ((await work.assignments.meetingPermission(userId, permissionId, span)) !== undefined) throw errors.assignment_exists();
    const giver = caller.actor.type === 'user' ? (caller.actor.id ?? null) : null;
    const row = { id: uuidv7(work.now), user_id: userId, permission_id: permissionId, effect, ...span, reason };
    const whole = { ...row, granted_by: giver, created_at: work.now };
    await work.assignments.insertPermission(whole);
    await work.audit.record({
      type: 'rbac.permission_granted',
      outcome: 'success',
      actor: caller.actor,
      subjectId: userId,
      target: { type: 'permission', id: permissionId },
      reason: reason ?? undefined,
      details: { permission: name, effect },
    });
    await work.forget(tags.user(userId));
    return { ...whole, permission_name: name };
  };

  const take = async (work: Work, caller: Caller, userId: string, reference: string): Promise<void> => {
    requireEverywhere(caller);
    await requireUser(work, caller, userId);
    const parsed = parsePermission(reference);
    const name = parsed && nameOf(parsed);
    const own = await work.assignments.permissionsOf(userId);
    const rows = own.filter((row) => row.id === reference || row.permission_id === reference || row.permission_name === name);
    if (rows.length === 0) throw errors.assignment_not_found();
    // Lifting a deny gives what it denied.
    for (const row of rows)
      await work.requireGift([row.permission_name], null, row.effect === 'deny' ? row.expires_at : work.now);
    await work.assignments.removePermissions(rows.map(({ id }) => id));
    for (const row of rows) {
      await work.audit.record({
        type: 'rbac.permission_revoked',
        outcome: 'success',
        actor: caller.actor,
        subjectId: userId,
        target: { type: 'permission', id: row.permission_id },
        details: { permission: row.permission_name },
      });
    }
    await work.forget(tags.user(userId));
  };

  const findGroup = async (work: Work, { scope }: Caller, reference: string): Promise<GroupRow> => {
    const group = await work.assignments.group(isId(reference) ? { id: reference } : { name: reference }, scope);
    if (!group) throw errors.group_not_found();
    return group;
  };

  return {
    ofUser: (caller: Caller, userId: string): Promise<UserPermissionRow[]> =>
      inWork(caller, async (work) => {
        await requireUser(work, caller, userId);
        return await work.assignments.permissionsOf(userId);
      }),
    /** @throws user_not_found, permission_unknown, grant_not_yours, assignment_exists, last_super_admin */
    give: (caller: Caller, userId: string, input: UserPermissionInput): Promise<UserPermissionRow> =>
      inWork(caller, (work) => give(work, caller, userId, input)),
    /** @throws user_not_found, assignment_not_found, grant_not_yours */
    take: (caller: Caller, userId: string, reference: string): Promise<void> =>
      inWork(caller, (work) => take(work, caller, userId, reference)),
    ofGroup: (caller: Caller, reference: string) =>
      inWork(caller, async (work) => work.assignments.rolesOfGroup((await findGroup(work, caller, reference)).id)),
    /** AZ-04: binding a role to a group gives it to all its members. */
    giveGroup: (caller: Caller, reference: string, role: string): Promise<{ id: string; name: string; created_at: Date }> =>
      inWork(caller, async (work) => {
        const group = await findGroup(work, caller, reference);
        const found = await findRole(work, role, group.organization_id);
        if (found.organization_id !== null && found.organization_id !== group.organization_id) throw errors.role_not_found();
        await work.requireGift(await work.permissionsOfRole(found.id), group.organization_id);
        if (!(await work.assignments.addGroupRole(group.id, found.id, work.now))) throw errors.assignment_exists();
        await work.audit.record({
          type: 'rbac.group_role_granted',
          outcome: 'success',
          actor: caller.actor,
          organizationId: group.organization_id ?? undefined,
          target: { type: 'group', id: group.id },
          details: { role: found.name },
        });
        await work.forget(tags.group(group.id));
        return { id: found.id, name: found.name, created_at: work.now };
      }),
    takeGroup: (caller: Caller, reference: string, role: string): Promise<void> =>
      inWork(caller, async (work) => {
        const group = await findGroup(work, caller, reference);
        const found = await findRole(work, role, group.organization_id);
        await work.requireGift(await work.permissionsOfRole(found.id), group.organization_id);
        if (!(await work.assignments.removeGroupRole(group.id, found.id))) throw errors.assignment_not_found();
        await work.audit.record({
          type: 'rbac.group_role_revoked',
          outcome: 'success',
          actor: caller.actor,
          organizationId: group.organization_id ?? undefined,
          target: { type: 'group', id: group.id },
          details: { role: found.name },
        });
        await work.forget(tags.group(group.id));
      }),
  };
};

export type Grants = ReturnType<typeof createGrants>;
