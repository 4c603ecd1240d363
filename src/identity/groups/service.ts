import { isUuid, uuidv7 } from '../../platform/crypto/index.ts';
import { type Database, setTenants } from '../../platform/db/index.ts';
import { errors as shared } from '../../platform/errors/index.ts';
import type { AuditSink, Clock } from '../../platform/ports.ts';
import { errors } from '../errors.ts';
import { type Caller, organizationFor, type Rights, type Transaction } from '../tenancy/caller.ts';
import { placeIn } from '../tenancy/tree.ts';
import { createGroupRepository, type GroupFilter, type GroupRecord, type GroupRepository } from './repository.ts';
import type { GroupInput } from './schema.ts';

export interface GroupDeps {
  database: Database;
  clock: Clock;
  audit(trx: Transaction): AuditSink;
  rights: Rights;
}

export interface GroupWork {
  trx: Transaction;
  groups: GroupRepository;
  audit: AuditSink;
  now: Date;
}

export const createGroupWork =
  ({ database, clock, audit }: Omit<GroupDeps, 'rights'>) =>
  <Result>(caller: Caller, run: (work: GroupWork) => Promise<Result>): Promise<Result> =>
    database.transaction(async (trx) => {
      await setTenants(trx, caller.scope);
      return run({ trx, groups: createGroupRepository(trx), audit: audit(trx), now: clock.now() });
    });

/** By id or name. @throws not_found also for another tenant's (TN-01) */
export const findGroup = async (
  { groups }: Pick<GroupWork, 'groups'>,
  { scope }: Caller,
  reference: string,
): Promise<GroupRecord> => {
  const group = await groups.find(isUuid(reference) ? { id: reference } : { name: reference }, scope);
  if (!group) throw shared.not_found({ detail: 'There is no such group' });
  return group;
};

const contentOf = ({ name, description, parent }: GroupRecord) => ({ name, description, parent: parent?.id ?? null });

/** Groups and how they nest (FEATURES I5). A group below holds what the one above holds, so nesting gives (AZ-04). */
export const createGroups = ({ rights, ...deps }: GroupDeps) => {
  const inWork = createGroupWork(deps);

  /** TN-04: of the same organization. */
  const parentOf = async (
    work: GroupWork,
    caller: Caller,
    reference: string | null | undefined,
    organizationId: string | null,
  ) => {
    if (reference === null || reference === undefined) return null;
    const parent = await findGroup(work, caller, reference);
    if (parent.organization_id !== organizationId) throw shared.not_found({ detail: 'There is no such group' });
    return parent;
  };

  /** @throws group_cycle, group_too_deep */
  const requireTree = async ({ groups }: GroupWork, id: string, parent: GroupRecord | null): Promise<void> => {
    if (!parent) return;
    const place = await placeIn(groups, id, parent.id);
    const wrong = (message: string) => ({ errors: [{ path: '/parent', message }] });
    if (place === 'circle') throw errors.group_cycle(wrong(`${parent.name} is the group itself or below it`));
    if (place === 'too_deep') throw errors.group_too_deep(wrong(`${parent.name} is too deep`));
  };

  const note = (work: GroupWork, { actor }: Caller, type: 'group.created' | 'group.deleted', group: GroupRecord) =>
    work.audit.record({
      type,
      outcome: 'success',
      actor,
      organizationId: group.organization_id ?? undefined,
      target: { type: 'group', id: group.id },
      ...(type === 'group.created' ? { after: contentOf(group) } : { before: contentOf(group) }),
    });

  const noteUpdate = (work: GroupWork, { actor }: Caller, before: GroupRecord, after: GroupRecord) => {
    const [was, is] = [contentOf(before), contentOf(after)];
    const fields = (['name', 'description', 'parent'] as const).filter((field) => was[field] !== is[field]);
    return work.audit.record({
      type: 'group.updated',
      outcome: 'success',
      actor,
      organizationId: after.organization_id ?? undefined,
      target: { type: 'group', id: after.id },
      details: { fields },
      before: was,
      after: is,
    });
  };

  const create = async (work: GroupWork, caller: Caller, input: GroupInput): Promise<GroupRecord> => {
    const organizationId = organizationFor(caller, input.organizationId);
    if (organizationId !== null && !(await work.groups.organizationExists(organizationId)))
      throw shared.not_found({ detail: 'There is no such organization' });
    const parent = await parentOf(work, caller, input.parent, organizationId);
    const id = uuidv7(work.now);
    const make = async (): Promise<void> => {
      await requireTree(work, id, parent);
      const row = { id, organization_id: organizationId, parent_id: parent?.id ?? null };
      const { name, description = null } = input;
      if (!(await work.groups.insert({ ...row, name, description }, work.now))) throw errors.group_exists();
    };
    await (parent ? rights.change(work.trx, caller, { groupIds: [id] }, make, input.override) : make());
    return findGroup(work, caller, id);
  };

  const update = async (
    work: GroupWork,
    caller: Caller,
    reference: string,
    input: GroupInput,
    match: (version: number) => void,
  ): Promise<GroupRecord> => {
    const before = await findGroup(work, caller, reference);
    const { id, organization_id: organizationId } = before;
    if (input.organizationId !== undefined && input.organizationId !== organizationId)
      throw shared.not_found({ detail: 'There is no such organization' });
    const parent = await parentOf(work, caller, input.parent, organizationId);
    const { name, description = null } = input;
    const isRenamed = name.toLowerCase() !== before.name.toLowerCase();
    const put = async (): Promise<void> => {
      await work.groups.lock(id);
      // Of two at once, one is told (412).
      match((await findGroup(work, caller, id)).version);
      await requireTree(work, id, parent);
      if (isRenamed && (await work.groups.isNamed(name, organizationId))) throw errors.group_exists();
      await work.groups.update(id, { name, description, parent_id: parent?.id ?? null, updated_at: work.now });
    };
    const isMoved = (parent?.id ?? null) !== (before.parent?.id ?? null);
    await (isMoved ? rights.change(work.trx, caller, { groupIds: [id] }, put, input.override) : put());
    await rights.forget(work.trx, `group:${id}`);
    const after = await findGroup(work, caller, id);
    await noteUpdate(work, caller, before, after);
    return after;
  };

  return {
    /** @throws not_found where the group named as parent is not there */
    list: (
      caller: Caller,
      {
        parent,
        userId,
        ...filter
      }: Omit<GroupFilter, 'parentId' | 'memberId'> & { parent?: string | undefined; userId?: string | undefined },
      limit: number,
      after: readonly string[] | undefined,
    ): Promise<GroupRecord[]> =>
      inWork(caller, async (work) => {
        const parentId = parent === undefined ? undefined : (await findGroup(work, caller, parent)).id;
        return work.groups.list({ ...filter, parentId, memberId: userId }, caller.scope, limit, after);
      }),
    /** @throws not_found */
    get: (caller: Caller, reference: string): Promise<GroupRecord> =>
      inWork(caller, (work) => findGroup(work, caller, reference)),
    /** @throws group_exists, group_cycle, group_too_deep, grant_not_yours, duties_conflict */
    create: (caller: Caller, input: GroupInput): Promise<GroupRecord> =>
      inWork(caller, async (work) => {
        const group = await create(work, caller, input);
        await note(work, caller, 'group.created', group);
        return group;
      }),
    /**
     * Replaces what the group is; without `parent` it is nested no more.
     * @param match throws when the version is not the caller's
     * @throws those of `create`
     */
    update: (caller: Caller, reference: string, input: GroupInput, match: (version: number) => void): Promise<GroupRecord> =>
      inWork(caller, (work) => update(work, caller, reference, input, match)),
    /** Takes from its members what it gave. @throws not_found, group_has_groups, grant_not_yours, last_super_admin */
    remove: (caller: Caller, reference: string): Promise<void> =>
      inWork(caller, async (work) => {
        const group = await findGroup(work, caller, reference);
        await rights.change(work.trx, caller, { groupIds: [group.id] }, async () => {
          if ((await work.groups.below(group.id)).length > 1) throw errors.group_has_groups();
          await work.groups.remove(group.id);
        });
        await note(work, caller, 'group.deleted', group);
      }),
  };
};

export type Groups = ReturnType<typeof createGroups>;
