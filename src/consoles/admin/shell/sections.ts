/** What the administration has, in the order of its navigation; the words are `admin.nav.<name>`. */
export interface Section {
  name: string;
  path: string;
  /** Who holds it at least in an organization sees the section; the same permission as the API's list. */
  permission: `${string}:${string}`;
  /** The deployment's own: held everywhere, or not at all (TN-02). */
  everywhere?: true;
}

export const sections: readonly Section[] = [
  { name: 'users', path: '/admin/users', permission: 'user:read' },
  { name: 'organizations', path: '/admin/organizations', permission: 'organization:read' },
  { name: 'groups', path: '/admin/groups', permission: 'group:read' },
  { name: 'roles', path: '/admin/roles', permission: 'role:read' },
  { name: 'policies', path: '/admin/policies', permission: 'policy:read' },
  { name: 'decisions', path: '/admin/decisions', permission: 'authz:check' },
  { name: 'duties', path: '/admin/duties', permission: 'sod:read' },
  { name: 'clients', path: '/admin/clients', permission: 'client:read' },
  { name: 'resources', path: '/admin/resources', permission: 'resource:read' },
  { name: 'keys', path: '/admin/keys', permission: 'key:read', everywhere: true },
  { name: 'audit', path: '/admin/audit', permission: 'audit:read' },
];
