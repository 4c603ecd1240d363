/**
 * What is seeded (FEATURES Z2): the permissions of our own API and the roles of every deployment. A new `resource:action` of a route
 * is registered at start; here is said which role has it beside SUPER_ADMIN.
 */

export interface SeededRole {
  name: string;
  description: string;
  permissions: readonly string[];
}

const administered = [
  'access-package',
  'access-request',
  'access-review',
  'analytics',
  'audit',
  'authz',
  'client',
  'consent',
  'elevation',
  'entitlement',
  'entity',
  'finding',
  'group',
  'identity-provider',
  'import',
  'invitation',
  'mfa',
  'organization',
  'permission',
  'policy',
  'report',
  'resource',
  'risk',
  'role',
  'scim',
  'session',
  'sod',
  'template',
  'user',
  'verification',
  'webhook',
];

/** Given to no role but SUPER_ADMIN: what everybody's security hangs on. */
export const reserved = ['flag', 'key', 'outbox', 'setting'] as const;

const own = [
  'access-package:read:own',
  'access-request:create:own',
  'access-request:read:own',
  'consent:read:own',
  'elevation:activate:own',
  'elevation:read:own',
  'entitlement:read:own',
  'session:delete:own',
  'session:read:own',
  'user:read:own',
  'user:update:own',
];

/** Names never change: budgets (FEATURES S3) and applications go by them. */
export const seededRoles: readonly SeededRole[] = [
  { name: 'SUPER_ADMIN', description: 'Everything, everywhere', permissions: ['*:*:any'] },
  {
    name: 'ADMIN',
    description: 'Administers people, access, applications and evidence; limited to one organization where assigned in it',
    permissions: [...administered.map((resource) => `${resource}:*:any`), ...own],
  },
  {
    name: 'MODERATOR',
    description: 'Looks after people and findings',
    permissions: [
      'audit:read:any',
      'entitlement:read:any',
      'finding:acknowledge:any',
      'finding:read:any',
      'group:read:any',
      'organization:read:any',
      'risk:read:any',
      'role:read:any',
      'session:delete:any',
      'session:read:any',
      'user:deactivate:any',
      'user:read:any',
      'verification:read:any',
      'verification:review:any',
      ...own,
    ],
  },
  {
    name: 'MANAGER',
    description: 'Reads, approves and reviews within the own organizations',
    permissions: [
      'access-request:approve:organization',
      'access-request:read:organization',
      'access-review:read:organization',
      'access-review:review:organization',
      'analytics:read:organization',
      'entitlement:read:organization',
      'group:read:organization',
      'organization:read:organization',
      'role:read:organization',
      'user:read:organization',
      ...own,
    ],
  },
  { name: 'USER', description: 'What belongs to oneself', permissions: own },
];

/** Asked for within a route that names another. */
const withoutRoute = ['sod:override:any'];

/** Permissions of our API whose routes every deployment has. */
export const seededPermissions: readonly string[] = [
  ...new Set([
    ...seededRoles.flatMap(({ permissions }) => permissions),
    ...reserved.map((resource) => `${resource}:*:any`),
    ...withoutRoute,
  ]),
].sort();

export const superAdmin = 'SUPER_ADMIN';
