/** The grammar of permissions (FEATURES Z2): `resource:action:scope`, where `*` stands for every resource or action. */
import type { PermissionScope } from '../../platform/ports.ts';

export interface Permission {
  resource: string;
  action: string;
  scope: PermissionScope;
}

/** From the narrowest to the widest. */
export const scopes = ['own', 'group', 'organization', 'any'] as const satisfies readonly PermissionScope[];

export const segmentPattern = '[A-Za-z0-9][A-Za-z0-9_./-]{0,99}';
const part = `(?:\\*|${segmentPattern})`;
/** `*` as scope means `any`. */
export const permissionPattern = `^${part}:${part}:(?:own|group|organization|any|\\*)$`;
const grammar = new RegExp(permissionPattern);

/** @returns `undefined` for what is no permission */
export const parsePermission = (name: string): Permission | undefined => {
  if (!grammar.test(name)) return undefined;
  const [resource = '', action = '', scope = ''] = name.split(':');
  return { resource, action, scope: scope === '*' ? 'any' : (scope as PermissionScope) };
};

export const nameOf = ({ resource, action, scope }: Permission): string => `${resource}:${action}:${scope}`;

const meets = (a: string, b: string): boolean => a === b || a === '*' || b === '*';

/** Whether there is anything that both speak of, whatever their scopes. */
export const overlaps = (a: Permission, b: Permission): boolean => meets(a.resource, b.resource) && meets(a.action, b.action);
