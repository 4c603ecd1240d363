import { uuidv7 } from '../../platform/crypto/index.ts';
import { errors as shared } from '../../platform/errors/index.ts';
import { errors } from '../errors.ts';
import { tags } from '../pdp/subjects.ts';
import type { GrantWrites } from './grants-repository.ts';
import { nameOf, parsePermission } from './permission.ts';
import type { PermissionRecord, RoleFilter, RoleRecord } from './roles-repository.ts';
import type { RoleInput, RoleView } from './schema.ts';
import { type Caller, findRole, type InWork, rolesNamed, type Work } from './transaction.ts';

export const roleView = (role: RoleRecord): RoleView => ({
  id: role.id,
  name: role.name,
  description: role.description,
  organizationId: role.organization_id,
  isSystem: role.is_system,
  permissions: role.permissions,
  parents: role.parents,
  createdAt: role.created_at.toISOString(),
  updatedAt: role.updated_at.toISOString(),
});

const maxDepth = 10;

/** A registered permission, or one that names nothing new, like the same on fewer objects. */
const isKnown = async ({ permissions }: Work, name: string): Promise<boolean> => {
  const permission = parsePermission(name);
  return permission !== undefined && (await permissions.isKnown(permission.resource, permission.action));
};

export const normal = (names: readonly string[]): string[] => [
  ...new Set(names.flatMap((name) => [parsePermission(name)].flatMap((parsed) => (parsed ? [nameOf(parsed)] : [])))),
];

/**
 * The names as they are stored.
 * @param field where the one name stands, if not in a list `permissions`
 * @throws permission_unknown naming each that is not registered
 */
export const requireKnown = async (work: Work, names: readonly string[], field?: string): Promise<string[]> => {
  const mistakes: { path: string; message: string }[] = [];
  for (const [index, name] of names.entries()) {
    const path = field ?? `/permissions/${index}`;
    if (!(await isKnown(work, name))) mistakes.push({ path, message: `${name} is not registered` });
  }
  if (mistakes.length > 0) throw errors.permission_unknown({ errors: mistakes });
  return normal(names);
};

/**
 * Ids of permissions, registering what is not there yet.
 * @throws permission_unknown naming each, unless `create`
 */
export const permissionIds = async (work: Work, names: readonly string[], create: boolean, field?: string): Promise<string[]> => {
  const wanted = create ? normal(names) : await requireKnown(work, names, field);
  const found = new Map((await work.permissions.byNames(wanted)).map(({ name, id }) => [name, id]));
  const missing = wanted.filter((name) => !found.has(name));
  const rows = missing.map((name): PermissionRecord => ({ id: uuidv7(work.now), name, description: null, created_at: work.now }));
  await work.permissions.insert(rows);
  return (await work.permissions.byNames(wanted)).map(({ id }) => id);
};

/** A role of all organizations cannot rest on one of them, nor one organization's on another's. */
const parentsOf = (work: Work, { parents = [] }: RoleInput, organizationId: string | null): Promise<RoleRecord[]> =>
  rolesNamed(work, parents, organizationId, '/parents');

const requireTree = async ({ roles }: Work, id: string, parents: readonly RoleRecord[]): Promise<void> => {
  const below = await roles.descendants(id);
  const isBelow = new Set(below.map((role) => role.id));
  const depthBelow = Math.max(0, ...below.map(({ depth }) => depth));
  for (const parent of parents) {
    if (isBelow.has(parent.id))
      throw errors.role_cycle({ errors: [{ path: '/parents', message: `${parent.name} inherits from this role` }] });
    const above = Math.max(...(await roles.ancestors(parent.id)).map(({ depth }) => depth));
    if (above + 1 + depthBelow > maxDepth)
      throw errors.role_too_deep({ errors: [{ path: '/parents', message: `${parent.name} is too deep` }] });
  }
};

const changedFields = (before: RoleRecord, after: RoleRecord): string[] => {
  const content = (role: RoleRecord) => [role.name, role.description, role.permissions, role.parents] as const;
  const names = ['name', 'description', 'permissions', 'parents'];
  return names.filter((_, index) => JSON.stringify(content(before)[index]) !== JSON.stringify(content(after)[index]));
};

const auditable = ({ name, permissions, parents }: RoleRecord) => ({
  name,
  permissions,
  parents: parents.map((parent) => parent.name),
});

/** The organization of a new object: named, or the only one the caller acts in (TN-02). */
export const organizationFor = ({ scope }: Caller, wanted: string | undefined): string | null => {
  if (scope === 'all') return wanted ?? null;
  if (wanted !== undefined) {
    if (!scope.includes(wanted)) throw errors.organization_not_found();
    return wanted;
  }
  const [only, ...others] = scope;
  if (only === undefined || others.length > 0) {
    throw shared.invalid_request({ errors: [{ path: '/organizationId', message: 'is required' }] });
  }
  return only;
};

export const createRoles = (inWork: InWork) => {
  const fill = async (
    work: Work,
    write: GrantWrites,
    id: string,
    input: RoleInput,
    organizationId: string | null,
  ): Promise<RoleRecord> => {
    await work.roles.lockHierarchy();
    const parents = await parentsOf(work, input, organizationId);
    await requireTree(work, id, parents);
    await write.setPermissions(id, await permissionIds(work, input.permissions ?? [], input.createPermissions === true));
    await write.setParents(
      id,
      parents.map((parent) => parent.id),
    );
    return (await work.roles.find(id)) as RoleRecord;
  };

  const requireNew = async (work: Work, input: RoleInput, organizationId: string | null): Promise<void> => {
    const { createPermissions, permissions = [] } = input;
    if (createPermissions) await work.requireGift(['permission:create:any'], null);
    await work.requireGift(normal(permissions), organizationId);
    for (const parent of await parentsOf(work, input, organizationId)) {
      await work.requireGift(await work.permissionsOfRole(parent.id), organizationId);
    }
  };

  const editable = async (work: Work, reference: string): Promise<RoleRecord> => {
    const { id } = await findRole(work, reference);
    await work.roles.lock(id);
    const role = await work.roles.find(id);
    if (!role) throw errors.role_not_found();
    if (role.is_system) throw errors.role_is_system();
    return role;
  };

  const replace = async (
    work: Work,
    write: GrantWrites,
    caller: Caller,
    reference: string,
    input: RoleInput,
    match: (version: number) => void,
  ): Promise<RoleRecord> => {
    const before = await editable(work, reference);
    match(before.version);
    const organizationId = before.organization_id;
    if (input.organizationId !== undefined && input.organizationId !== organizationId) throw errors.organization_not_found();
    // Also for what stays: whoever changes a role must hold all that it gives (AZ-05).
    await work.requireGift(before.permissions, organizationId);
    await requireNew(work, input, organizationId);
    const { name, description = null } = input;
    if (name !== before.name && (await work.roles.byName(name)).some((role) => role.organization_id === organizationId)) {
      throw errors.role_exists();
    }
    await work.roles.update(before.id, { name, description, updated_at: work.now });
    const after = await fill(work, write, before.id, input, organizationId);
    await work.audit.record({
      type: 'rbac.role_updated',
      outcome: 'success',
      actor: caller.actor,
      organizationId: organizationId ?? undefined,
      target: { type: 'role', id: before.id },
      details: { fields: changedFields(before, after) },
      before: auditable(before),
      after: auditable(after),
    });
    await work.forget(tags.role(before.id));
    return after;
  };

  return {
    list: (caller: Caller, filter: RoleFilter, limit: number, after: readonly string[] | undefined): Promise<RoleRecord[]> =>
      inWork(caller, ({ roles }) => roles.list(filter, limit, after)),
    /** @throws role_not_found */
    get: (caller: Caller, reference: string): Promise<RoleRecord> => inWork(caller, (work) => findRole(work, reference)),
    /** @throws role_exists, permission_unknown, role_not_found, role_cycle, role_too_deep, grant_not_yours */
    create: (caller: Caller, input: RoleInput): Promise<RoleRecord> =>
      inWork(caller, async (work) => {
        const organizationId = organizationFor(caller, input.organizationId);
        if (organizationId !== null && !(await work.roles.organizationExists(organizationId)))
          throw errors.organization_not_found();
        await requireNew(work, input, organizationId);
        const id = uuidv7(work.now);
        const { name, description = null } = input;
        const times = { created_at: work.now, updated_at: work.now };
        const row = { id, name, description, organization_id: organizationId, is_system: false, ...times };
        if (!(await work.roles.insert(row))) throw errors.role_exists();
        const role = await work.change([], (write) => fill(work, write, id, input, organizationId));
        await work.audit.record({
          type: 'rbac.role_created',
          outcome: 'success',
          actor: caller.actor,
          organizationId: organizationId ?? undefined,
          target: { type: 'role', id },
          details: { permissions: role.permissions.slice(0, 200) },
          after: auditable(role),
        });
        return role;
      }),
    /**
     * Replaces what the role is; what is not named is taken away.
     * @param match throws when the version is not the caller's
     * @throws role_is_system and those of `create`
     */
    update: (caller: Caller, reference: string, input: RoleInput, match: (version: number) => void): Promise<RoleRecord> =>
      inWork(caller, (work) =>
        work.change('all', (write) => replace(work, write, caller, reference, input, match), input.override),
      ),
    /** @throws role_not_found, role_is_system, grant_not_yours */
    remove: (caller: Caller, reference: string): Promise<void> =>
      inWork(caller, (work) =>
        work.change('all', async (write) => {
          const role = await editable(work, reference);
          await work.requireGift(await work.permissionsOfRole(role.id), role.organization_id);
          await write.removeRole(role.id);
          await work.audit.record({
            type: 'rbac.role_deleted',
            outcome: 'success',
            actor: caller.actor,
            organizationId: role.organization_id ?? undefined,
            target: { type: 'role', id: role.id },
            before: auditable(role),
          });
          await work.forget(tags.role(role.id));
        }),
      ),
  };
};

export type Roles = ReturnType<typeof createRoles>;
