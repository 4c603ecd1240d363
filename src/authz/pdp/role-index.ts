import { type Permission, parsePermission } from '../rbac/permission.ts';
import type { RoleRow } from './subjects-repository.ts';

type ByAction = Map<string, Permission[]>;
/** Permissions of one role by resource and action. */
export type RoleIndex = Map<string, ByAction>;

const roleIndexes = new WeakMap<RoleRow, RoleIndex>();

/** Compiled once, shared by all who hold the role. */
export const indexOf = (role: RoleRow): RoleIndex => {
  const known = roleIndexes.get(role);
  if (known) return known;
  const index: RoleIndex = new Map();
  for (const permission of role.permissions.flatMap((name) => parsePermission(name) ?? [])) {
    const byAction: ByAction = index.get(permission.resource) ?? new Map();
    byAction.set(permission.action, [...(byAction.get(permission.action) ?? []), permission]);
    index.set(permission.resource, byAction);
  }
  roleIndexes.set(role, index);
  return index;
};

export const matching = (index: RoleIndex, resource: string, action: string): Permission[] => {
  const found: Permission[] = [];
  for (const byAction of [index.get(resource), resource === '*' ? undefined : index.get('*')]) {
    if (!byAction) continue;
    found.push(...(byAction.get(action) ?? []));
    if (action !== '*') found.push(...(byAction.get('*') ?? []));
  }
  return found;
};
