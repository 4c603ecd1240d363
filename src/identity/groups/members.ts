import { errors as shared } from '../../platform/errors/index.ts';
import { errors } from '../errors.ts';
import type { Caller } from '../tenancy/caller.ts';
import type { GroupMember, GroupRecord } from './repository.ts';
import type { MemberInput } from './schema.ts';
import { createGroupWork, findGroup, type GroupDeps, type GroupWork } from './service.ts';

/** Who is in which group (FEATURES I5): membership gives and takes what the group and those above it hold (AZ-04, AZ-11). */
export const createGroupMembers = ({ rights, ...deps }: GroupDeps) => {
  const inWork = createGroupWork(deps);

  /** TN-04. A stranger to the organization is nobody to its managers. @throws account_not_found, group_member_elsewhere */
  const requirePerson = async (
    { groups }: GroupWork,
    { scope }: Caller,
    { organization_id: id }: GroupRecord,
    userId: string,
  ) => {
    const place = await groups.personIn(userId, id);
    if (place === 'nobody' || (place === 'elsewhere' && scope !== 'all')) throw errors.account_not_found();
    if (place === 'elsewhere') throw errors.group_member_elsewhere();
  };

  const memberOf = async ({ groups }: GroupWork, group: GroupRecord, userId: string): Promise<GroupMember> => {
    const member = await groups.member(group.id, userId);
    if (!member) throw shared.not_found({ detail: 'The group has no such member' });
    return member;
  };

  const note = (work: GroupWork, { actor }: Caller, what: 'added' | 'removed', group: GroupRecord, userId: string) =>
    work.audit.record({
      type: `group.member_${what}`,
      outcome: 'success',
      actor,
      subjectId: userId,
      organizationId: group.organization_id ?? undefined,
      target: { type: 'group', id: group.id },
      details: { userId },
    });

  return {
    list: (caller: Caller, reference: string, limit: number, after: string | undefined): Promise<GroupMember[]> =>
      inWork(caller, async (work) => work.groups.members((await findGroup(work, caller, reference)).id, limit, after)),
    /** @throws not_found, account_not_found, group_member_elsewhere, group_member_exists, grant_not_yours, duties_conflict */
    add: (caller: Caller, reference: string, { userId, role = 'member', override }: MemberInput): Promise<GroupMember> =>
      inWork(caller, async (work) => {
        const group = await findGroup(work, caller, reference);
        await requirePerson(work, caller, group, userId);
        const join = async (): Promise<void> => {
          if (!(await work.groups.addMember(group.id, userId, role, work.now))) throw errors.group_member_exists();
        };
        await rights.change(work.trx, caller, { userIds: [userId] }, join, override);
        await note(work, caller, 'added', group, userId);
        return memberOf(work, group, userId);
      }),
    /** What somebody is in the group; gives and takes nothing. @throws not_found */
    setRole: (caller: Caller, reference: string, userId: string, role: string): Promise<GroupMember> =>
      inWork(caller, async (work) => {
        const group = await findGroup(work, caller, reference);
        await memberOf(work, group, userId);
        await work.groups.setRole(group.id, userId, role);
        await work.audit.record({
          type: 'group.member_changed',
          outcome: 'success',
          actor: caller.actor,
          subjectId: userId,
          organizationId: group.organization_id ?? undefined,
          target: { type: 'group', id: group.id },
          details: { userId, role },
        });
        return memberOf(work, group, userId);
      }),
    /** @throws not_found, grant_not_yours, last_super_admin */
    remove: (caller: Caller, reference: string, userId: string): Promise<void> =>
      inWork(caller, async (work) => {
        const group = await findGroup(work, caller, reference);
        await memberOf(work, group, userId);
        await rights.change(work.trx, caller, { userIds: [userId] }, () => work.groups.removeMember(group.id, userId));
        await note(work, caller, 'removed', group, userId);
      }),
  };
};

export type GroupMembers = ReturnType<typeof createGroupMembers>;
