/** Direct permissions of people, and roles of groups. */
import { isUuid, uuidv7 } from '../../platform/crypto/index.ts';
import { errors } from '../errors.ts';
import { tags } from '../pdp/subjects.ts';
import { requireUser, spanOf } from './assignments.ts';
import type { GroupRow, UserPermissionRow } from './assignments-repository.ts';
import type { GrantWrites } from './grants-repository.ts';
import { outranks } from './ladder.ts';
import { nameOf, parsePermission } from './permission.ts';
import { permissionIds } from './roles.ts';
import type { RoleRecord } from './roles-repository.ts';
import type { GroupRoleInput, UserPermissionInput, UserPermissionView } from './schema.ts';
import { type Caller, findRole, type InWork, type Work } from './transaction.ts';

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
  if (!isUuid(reference)) {
    const parsed = parsePermission(reference);
    if (!parsed) throw errors.permission_unknown({ errors: [{ path: '/permission', message: 'must be resource:action:scope' }] });
    return nameOf(parsed);
  }
  const found = await work.permissions.find({ id: reference });
  if (!found) throw errors.permission_not_found();
  return found.name;
};

interface GroupRole {
  id: string;
  name: string;
  created_at: Date;
}

export const createGrants = (inWork: InWork) => {
  /** Who holds more than the caller is not brought down: a deny is an attack on them. */
  const requireMayDeny = async (work: Work, caller: Caller, userId: string): Promise<void> => {
    if (caller.actor.type === 'system') return;
    const [giver, other] = [await work.giver(), await work.subject(userId)];
    if (!giver || !other || !outranks(giver, other, work.now.getTime())) throw errors.grant_not_yours();
  };

  const give = async (
    work: Work,
    write: GrantWrites,
    caller: Caller,
    userId: string,
    input: UserPermissionInput,
  ): Promise<UserPermissionRow> => {
    requireEverywhere(caller);
    await requireUser(work, caller, userId);
    const { effect = 'allow', reason = null } = input;
    const name = await findPermission(work, input.permission);
    const span = spanOf(input, work.now);
    await work.requireGift([name], null, effect === 'allow' ? span.expires_at : work.now);
    if (effect === 'deny') await requireMayDeny(work, caller, userId);
    const [permissionId = ''] = await permissionIds(work, [name], false, '/permission');
    if ((await work.assignments.meetingPermission(userId, permissionId, span)) !== undefined) throw errors.assignment_exists();
    const giver = caller.actor.type === 'user' ? (caller.actor.id ?? null) : null;
    const row = { id: uuidv7(work.now), user_id: userId, permission_id: permissionId, effect, ...span, reason };
    const whole = { ...row, granted_by: giver, created_at: work.now };
    await write.grantPermission(whole);
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
    await work.change([userId], (write) => write.revokePermissions(rows.map(({ id }) => id)));
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
    const group = await work.assignments.group(isUuid(reference) ? { id: reference } : { name: reference }, scope);
    if (!group) throw errors.group_not_found();
    return group;
  };

  /** A role of the group's organization or of the deployment (TN-04), which the caller could give to each member (AZ-04). */
  const bindable = async (work: Work, group: GroupRow, role: string): Promise<RoleRecord> => {
    const found = await findRole(work, role, group.organization_id);
    if (found.organization_id !== null && found.organization_id !== group.organization_id) throw errors.role_not_found();
    await work.requireGift(await work.permissionsOfRole(found.id), group.organization_id);
    return found;
  };

  const noteGroup = async (
    work: Work,
    { actor }: Caller,
    type: 'rbac.group_role_granted' | 'rbac.group_role_revoked',
    group: GroupRow,
    role: RoleRecord,
  ): Promise<void> => {
    await work.audit.record({
      type,
      outcome: 'success',
      actor,
      organizationId: group.organization_id ?? undefined,
      target: { type: 'group', id: group.id },
      details: { role: role.name },
    });
    await work.forget(tags.group(group.id));
  };

  return {
    ofUser: (caller: Caller, userId: string): Promise<UserPermissionRow[]> =>
      inWork(caller, async (work) => {
        await requireUser(work, caller, userId);
        return await work.assignments.permissionsOf(userId);
      }),
    /** @throws user_not_found, permission_unknown, grant_not_yours, assignment_exists, duties_conflict, last_super_admin */
    give: (caller: Caller, userId: string, input: UserPermissionInput): Promise<UserPermissionRow> =>
      inWork(caller, (work) => work.change([userId], (write) => give(work, write, caller, userId, input), input.override)),
    /** @throws user_not_found, assignment_not_found, grant_not_yours */
    take: (caller: Caller, userId: string, reference: string): Promise<void> =>
      inWork(caller, (work) => take(work, caller, userId, reference)),
    ofGroup: (caller: Caller, reference: string) =>
      inWork(caller, async (work) => work.assignments.rolesOfGroup((await findGroup(work, caller, reference)).id)),
    /** @throws group_not_found, role_not_found, grant_not_yours, assignment_exists, duties_conflict */
    giveGroup: (caller: Caller, reference: string, { role, override }: GroupRoleInput): Promise<GroupRole> =>
      inWork(caller, async (work) => {
        const group = await findGroup(work, caller, reference);
        const found = await bindable(work, group, role);
        const isNew = await work.change('all', (write) => write.bindRole(group.id, found.id, work.now), override);
        if (!isNew) throw errors.assignment_exists();
        await noteGroup(work, caller, 'rbac.group_role_granted', group, found);
        return { id: found.id, name: found.name, created_at: work.now };
      }),
    /** @throws group_not_found, assignment_not_found, grant_not_yours, last_super_admin */
    takeGroup: (caller: Caller, reference: string, role: string): Promise<void> =>
      inWork(caller, async (work) => {
        const group = await findGroup(work, caller, reference);
        const found = await bindable(work, group, role);
        if (!(await work.change('all', (write) => write.unbindRole(group.id, found.id)))) throw errors.assignment_not_found();
        await noteGroup(work, caller, 'rbac.group_role_revoked', group, found);
      }),
  };
};

export type Grants = ReturnType<typeof createGrants>;
