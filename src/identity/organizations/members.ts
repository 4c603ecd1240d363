import { errors as shared } from '../../platform/errors/index.ts';
import { errors } from '../errors.ts';
import type { Caller } from '../tenancy/caller.ts';
import type { OrganizationMember, OrganizationRecord } from './repository.ts';
import type { MemberInput } from './schema.ts';
import { createOrganizationWork, findOrganization, type OrganizationDeps, type OrganizationWork } from './service.ts';

/** Who belongs to an organization (FEATURES I4). Strangers are invited; whoever leaves leaves what they held there. */
export const createOrganizationMembers = ({ rights, ...deps }: OrganizationDeps) => {
  const inWork = createOrganizationWork(deps);

  const note = (
    { audit }: OrganizationWork,
    { actor }: Caller,
    what: 'added' | 'removed',
    organization: OrganizationRecord,
    userId: string,
  ) =>
    audit.record({
      type: `identity.organization_member_${what}`,
      outcome: 'success',
      actor,
      subjectId: userId,
      organizationId: organization.id,
      target: { type: 'organization', id: organization.id },
    });

  const memberOf = async ({ organizations }: OrganizationWork, id: string, userId: string): Promise<OrganizationMember> => {
    const member = await organizations.member(id, userId);
    if (!member) throw shared.not_found({ detail: 'The organization has no such member' });
    return member;
  };

  return {
    /** @throws not_found */
    list: (caller: Caller, reference: string, limit: number, after: string | undefined): Promise<OrganizationMember[]> =>
      inWork(caller, async (work) => {
        const { id } = await findOrganization(work, caller, reference);
        return work.organizations.members(id, limit, after);
      }),
    /** @throws not_found */
    get: (caller: Caller, reference: string, userId: string): Promise<OrganizationMember> =>
      inWork(caller, async (work) => memberOf(work, (await findOrganization(work, caller, reference)).id, userId)),
    /**
     * What the person holds with scope `organization` counts here too from now on, so the caller must hold it here (AZ-04).
     * @throws not_found, account_not_found for who is a stranger to the caller, organization_member_exists, grant_not_yours,
     * duties_conflict
     */
    add: (caller: Caller, reference: string, { userId, override }: MemberInput): Promise<OrganizationMember> =>
      inWork(caller, async (work) => {
        const organization = await findOrganization(work, caller, reference);
        const { id } = organization;
        if (!(await work.organizations.isVisible(userId, caller.scope))) throw errors.account_not_found();
        const join = async (): Promise<void> => {
          if (!(await work.organizations.addMember(id, userId, work.now))) throw errors.organization_member_exists();
        };
        await rights.change(work.trx, caller, { userIds: [userId] }, join, override);
        await note(work, caller, 'added', organization, userId);
        return memberOf(work, id, userId);
      }),
    /** With roles and groups of the organization. @throws not_found, grant_not_yours, last_super_admin */
    remove: (caller: Caller, reference: string, userId: string): Promise<void> =>
      inWork(caller, async (work) => {
        const organization = await findOrganization(work, caller, reference);
        const { id } = organization;
        await memberOf(work, id, userId);
        await rights.change(work.trx, caller, { userIds: [userId] }, async () => {
          await rights.endAssignments(work.trx, userId, id);
          await work.organizations.removeMember(id, userId);
        });
        await note(work, caller, 'removed', organization, userId);
      }),
  };
};

export type OrganizationMembers = ReturnType<typeof createOrganizationMembers>;
