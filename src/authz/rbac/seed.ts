import { uuidv7 } from '../../platform/crypto/index.ts';
import { tags } from '../pdp/subjects.ts';
import { seededPermissions, seededRoles } from './catalogue.ts';
import type { GrantWrites } from './grants-repository.ts';
import { nameOf, parsePermission } from './permission.ts';
import type { PermissionRepository, RoleRepository } from './roles-repository.ts';

export interface SeedDeps {
  roles: RoleRepository;
  permissions: PermissionRepository;
  write: Pick<GrantWrites, 'setPermissions'>;
  now: Date;
  forget(...tags: string[]): Promise<void>;
}

const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());

/**
 * Brings permissions and roles of Castellan itself to what this build says; the same twice changes nothing.
 * @param routes `resource:action` of every route of this build
 */
export const seed = async (
  { roles, permissions, write, now, forget }: SeedDeps,
  routes: readonly string[] = [],
): Promise<void> => {
  await roles.lockHierarchy();
  const wanted = [...new Set([...seededPermissions, ...routes.map((route) => `${route}:any`)])];
  const names = wanted.flatMap((name) => [parsePermission(name)].flatMap((parsed) => (parsed ? [nameOf(parsed)] : [])));
  const ids = new Map((await permissions.byNames(names)).map(({ name, id }) => [name, id]));
  const missing = names
    .filter((name) => !ids.has(name))
    .map((name) => ({ id: uuidv7(now), name, description: null, created_at: now }));
  await permissions.insert(missing);
  for (const { name, id } of missing) ids.set(name, id);
  for (const { name, description, permissions: given } of seededRoles) {
    const there = (await roles.byName(name)).find(({ organization_id: organizationId }) => organizationId === null);
    const id = there?.id ?? uuidv7(now);
    const times = { created_at: now, updated_at: now };
    if (!there) await roles.insert({ id, name, description, organization_id: null, is_system: true, ...times });
    if (there && sameList(there.permissions, given)) continue;
    await write.setPermissions(
      id,
      given.flatMap((permission) => ids.get(permission) ?? []),
    );
    await forget(tags.role(id));
  }
};
